// Bouncy Castle (Debian's) as a CMS peer: one warm process, started at the first request, compares nothing. Its Java
// side lies in bouncy-castle/, compiled where the peer starts.

import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

export type Keys = { readonly keyFile: string; readonly certificateFile: string };

/** `ber`: what it made as a whole, in indefinite lengths. `stream`: its streaming generators, strings in segments. */
type Output = { readonly encoding?: "der" | "ber" | "stream" };

/** `algorithm` as Java names it: SHA256withRSA, SHA256withRSAandMGF1, SHA384withECDSA, Ed25519. */
export type Signer = Keys & { readonly algorithm: string };

export type SignOptions = Output & {
  readonly signers: readonly Signer[];
  readonly form?: "opaque" | "detached"; // default opaque
  readonly certificateFiles?: readonly string[]; // further ones to send along
  readonly noAttributes?: boolean;
  readonly bySubjectKeyId?: boolean;
};

/** `keyManagement` as docs/cli.md names it: rsa-v15, rsa-oaep-sha256, ecdh-sha256, ecdh-hkdf-sha256 (X25519). */
export type Recipient = { readonly certificateFile: string; readonly keyManagement: string };

export type EncryptOptions = Output & {
  readonly recipients: readonly Recipient[];
  readonly cipher?: string; // aes256-cbc, aes128-gcm, aes256-ccm, des-ede3-cbc; default aes256-cbc
  readonly bySubjectKeyId?: boolean;
  /** Authenticated and unauthenticated attributes, where the cipher authenticates. */
  readonly withAttributes?: boolean;
};

/** `signers`: for each one whether its signature is mathematically right; certification paths are not judged. */
export type Verified = { readonly signers: readonly boolean[]; readonly content: Uint8Array };

export type Measurement = {
  readonly task: "protect" | "open";
  readonly form: "opaque" | "detached";
  readonly signer: Signer & { readonly issuerFile: string };
  readonly recipient: Keys;
};

export async function sign(content: Uint8Array, options: SignOptions): Promise<Uint8Array> {
  const { form = "opaque", encoding = "der", certificateFiles = [], noAttributes, bySubjectKeyId } = options;
  const lines: Line[] = [
    ["do", "sign"],
    ["form", form],
    ["encoding", encoding],
  ];
  if (noAttributes) lines.push(["attributes", "no"]);
  if (bySubjectKeyId) lines.push(["sid", "ski"]);
  for (const { keyFile, certificateFile, algorithm } of options.signers) {
    lines.push(["signer", keyFile, certificateFile, algorithm]);
  }
  for (const file of certificateFiles) lines.push(["certificate", file]);
  return (await ask(lines, content)).octets;
}

export async function verify(
  signed: Uint8Array,
  options: { readonly content?: Uint8Array; readonly certificateFiles?: readonly string[] } = {},
): Promise<Verified> {
  const { content, certificateFiles = [] } = options;
  const lines: Line[] = [["do", "verify"], ...certificateFiles.map((file): Line => ["certificate", file])];
  if (content !== undefined) lines.push(["content", String(content.length)]);
  const answer = await ask(lines, content === undefined ? signed : Buffer.concat([signed, content]));
  return { signers: answer.all("signer").map((verdict) => verdict === "yes"), content: answer.octets };
}

export async function encrypt(content: Uint8Array, options: EncryptOptions): Promise<Uint8Array> {
  const { cipher = "aes256-cbc", encoding = "der", bySubjectKeyId, withAttributes } = options;
  const lines: Line[] = [
    ["do", "encrypt"],
    ["cipher", cipher],
    ["encoding", encoding],
  ];
  if (withAttributes) lines.push(["attributes", "authenticated"]);
  for (const { certificateFile, keyManagement } of options.recipients) {
    lines.push(["recipient", certificateFile, keyManagement, bySubjectKeyId ? "ski" : "issuer"]);
  }
  return (await ask(lines, content)).octets;
}

/** Rejects where nothing can be read. */
export async function decrypt(cms: Uint8Array, { keyFile, certificateFile }: Keys): Promise<Uint8Array> {
  return (
    await ask(
      [
        ["do", "decrypt"],
        ["key", keyFile],
        ["certificate", certificateFile],
      ],
      cms,
    )
  ).octets;
}

/** Protects or opens a message, and gives what can do it again so many times and say how much CPU time that took. */
export async function measure(
  message: Uint8Array,
  { task, form, signer, recipient }: Measurement,
): Promise<{ octets: Uint8Array; cpuMs(times: number): Promise<number> }> {
  const job: readonly Line[] = [
    ["do", "measure"],
    ["task", task],
    ["form", form],
    ["signer", signer.keyFile, signer.certificateFile, signer.algorithm],
    ["issuer", signer.issuerFile],
    ["recipient", recipient.keyFile, recipient.certificateFile],
  ];
  const { octets } = await ask([...job, ["repeat", "1"]], message);
  return {
    octets,
    async cpuMs(times) {
      const answer = await ask([...job, ["repeat", String(times)]], Buffer.alloc(0));
      return Number(answer.all("cpu")[0]) / 1e6;
    },
  };
}

export async function version(): Promise<{ bouncyCastle: string; java: string }> {
  const answer = await ask([["do", "version"]], Buffer.alloc(0));
  return { bouncyCastle: answer.all("bouncyCastle")[0] ?? "", java: answer.all("java")[0] ?? "" };
}

type Line = readonly [name: string, ...values: readonly string[]];
type Answer = { readonly octets: Uint8Array; all(name: string): readonly string[] };
type Child = ChildProcessByStdio<Writable, Readable, null>;

const jars = ["bcprov", "bcpkix", "bcutil", "bcmail", "javax.mail", "javax.activation"];
let peer: Peer | undefined;

function ask(lines: readonly Line[], octets: Uint8Array): Promise<Answer> {
  peer ??= new Peer();
  return peer.ask(lines, octets);
}

/** The Java process. It lets this one end whenever nothing is asked, and ends with it. */
class Peer {
  readonly #child: Child = start();
  readonly #waiting: { resolve(answer: Answer): void; reject(reason: Error): void }[] = [];
  #received: Buffer[] = [];
  #size = 0;
  #wanted = 0;

  constructor() {
    this.#child.stdout.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#child.once("exit", (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`Bouncy Castle ended with ${code}`));
    });
    process.once("exit", () => this.#child.kill());
    this.#hold(false);
  }

  ask(lines: readonly Line[], octets: Uint8Array): Promise<Answer> {
    const head = Buffer.from(lines.map(([name, ...values]) => `${name}=${values.join("\t")}\n`).join(""));
    for (const part of [head, octets]) {
      const length = Buffer.alloc(4);
      length.writeInt32BE(part.length);
      this.#child.stdin.write(length);
      this.#child.stdin.write(part);
    }
    this.#hold(true);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#size += chunk.length;
    while (this.#size > 0 && this.#size >= this.#wanted) {
      const octets = Buffer.concat(this.#received);
      const length = answerLength(octets);
      this.#received = [octets];
      this.#wanted = length;
      if (octets.length < length) return;
      this.#received = octets.length > length ? [octets.subarray(length)] : [];
      this.#size -= length;
      this.#wanted = 0;
      this.#answer(octets.subarray(0, length));
    }
  }

  #answer(frame: Buffer): void {
    const headLength = frame.readInt32BE(0);
    const lines = frame.toString("utf8", 4, 4 + headLength).split("\n");
    const all = (name: string) => lines.filter((l) => l.startsWith(`${name}=`)).map((l) => l.slice(name.length + 1));
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#hold(false);
    const error = all("error")[0];
    if (error === undefined) waiting?.resolve({ octets: frame.subarray(8 + headLength), all });
    else waiting?.reject(new Error(`Bouncy Castle: ${error}`));
  }

  /** Whether this process stays alive for the peer's sake. */
  #hold(alive: boolean): void {
    for (const handle of [this.#child, this.#child.stdin, this.#child.stdout]) {
      const referable = handle as { ref?(): void; unref?(): void };
      if (alive) referable.ref?.();
      else referable.unref?.();
    }
  }
}

/** How long the answer is that begins here, as far as its lengths have arrived. */
function answerLength(octets: Buffer): number {
  if (octets.length < 4) return 4;
  const head = octets.readInt32BE(0);
  return octets.length < 8 + head ? 8 + head : 8 + head + octets.readInt32BE(4 + head);
}

function start(): Child {
  const source = join(import.meta.dirname, "bouncy-castle");
  const classes = mkdtempSync(join(tmpdir(), "postern-bouncy-castle-"));
  process.once("exit", () => rmSync(classes, { recursive: true, force: true }));
  const classPath = [classes, ...jars.map((jar) => `/usr/share/java/${jar}.jar`)].join(":");
  const files = readdirSync(source).map((file) => join(source, file));
  execFileSync("javac", ["-nowarn", "-d", classes, "-cp", classPath, ...files], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return spawn("java", ["-cp", classPath, "BouncyCastle"], { stdio: ["pipe", "pipe", "inherit"] });
}
