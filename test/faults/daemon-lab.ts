// The real program, bin/postern gateway, between a hub and next hops that stand for the world and the users.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sourceOf } from "../../src/bytes.ts";
import { keyFile, openCommunity } from "../../src/demo/community.ts";
import { defaultLimits, formatMailbox, listen, parseMailbox, RelayPool, reply, smtp } from "../../src/smtp.ts";
import { type GatewayStatus, readStatus } from "../../src/supervisor.ts";
import { freePort } from "../postfix/ports.ts";

const launcher = path.resolve(import.meta.dirname, "../../bin/postern");
const magicWords = path.join(import.meta.dirname, "magic-words.ts");
const patienceMs = 30_000;
export const slowMs = 2000;

export type DaemonLabOptions = { readonly workers?: number; readonly silenceSeconds?: number };

/** A next hop that takes everything; recipients whose name begins with "slow" wait for their answer. */
async function openHop(): Promise<NextHop> {
  const arrived: string[] = [];
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "hop.example",
      postmaster: { localPart: "postmaster", domain: "hop.example" },
      limits: defaultLimits,
      // A gateway that is killed hangs up in the middle of a word.
      onFault: () => undefined,
      handle: async ({ envelope, message }) => {
        for await (const _ of message);
        const to = envelope.forwardPaths.map(formatMailbox);
        if (to.some((address) => address.startsWith("slow"))) await sleep(slowMs);
        arrived.push(...to);
        return to.map(() => reply(250, "2.0.0", "kept"));
      },
    },
  );
  assert.ok("port" in server.address);
  return { port: server.address.port, arrived, close: () => server.close() };
}

type NextHop = { readonly port: number; readonly arrived: readonly string[]; close(): Promise<void> };

export class DaemonLab {
  readonly folder: string;
  readonly file: string;
  readonly directoryFile: string;
  readonly inside: number;
  readonly outside: number;
  readonly world: NextHop;
  #client = new RelayPool("hub.example");
  #output = "";
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(0);
  readonly #options: DaemonLabOptions;

  private constructor(folder: string, inside: number, outside: number, world: NextHop, options: DaemonLabOptions) {
    this.folder = folder;
    this.file = path.join(folder, "postern.yaml");
    this.directoryFile = path.join(folder, "members.ldif");
    this.inside = inside;
    this.outside = outside;
    this.world = world;
    this.#options = options;
  }

  static async open(options: DaemonLabOptions = {}): Promise<DaemonLab> {
    const folder = mkdtempSync(path.join(tmpdir(), "postern-daemon-"));
    const community = await openCommunity(folder);
    const lab = new DaemonLab(folder, await freePort(), await freePort(), await openHop(), options);
    assert.equal(community.directoryFile, lab.directoryFile);
    const pair = (role: "sign" | "encrypt") =>
      `{ key: ${keyFile(folder, "treasury.example", role, "pem")}, certificate: ${keyFile(folder, "treasury.example", role, "crt")} }`;
    const hop = `smtp://127.0.0.1:${lab.world.port}`;
    await writeFile(
      lab.file,
      `hostname: gw.treasury.example
dataDir: state
postmaster: postmaster@treasury.example
workers: ${options.workers ?? 2}
trust: { anchors: [${community.rootFile}] }
domains:
  - name: treasury.example
    signing: ${pair("sign")}
    encryption: [${pair("encrypt")}]
listen: { inside: { lmtp: "127.0.0.1:${lab.inside}" }, outside: { lmtp: "127.0.0.1:${lab.outside}" } }
relay: { inside: "${hop}", outside: "${hop}" }
directory: { sources: [{ ldif: members.ldif }] }
`,
    );
    return lab;
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? assert.fail("it was not started");
  }

  get dataDir(): string {
    return path.join(this.folder, "state");
  }

  /** Starts the program; `ready` waits until it says so. */
  launch(): void {
    const { silenceSeconds } = this.#options;
    const silence = silenceSeconds === undefined ? [] : ["--silence", String(silenceSeconds)];
    const child = spawn(process.execPath, [launcher, "gateway", "--config", this.file, ...silence], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: `--import=${magicWords}` },
    });
    this.#output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (said: string) => {
        this.#output += said;
      });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on("exit", resolve));
  }

  async start(): Promise<void> {
    this.launch();
    await this.heard(/ready for /);
  }

  /** The exit status after a signal, or of itself. */
  ended(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.#child?.kill(signal);
    return this.#ended;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async close(): Promise<void> {
    const workers = (await readStatus(this.dataDir))?.workers ?? [];
    await this.ended("SIGKILL");
    for (const { pid } of workers) endProcess(pid);
    await this.#client.close();
    await this.world.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** What it said, once it has, `from` a place in its output on. */
  heard(pattern: RegExp, from: number = 0): Promise<RegExpExecArray> {
    return until(`${pattern} in ${this.#output}`, () => pattern.exec(this.#output.slice(from)) ?? undefined);
  }

  async status(): Promise<GatewayStatus> {
    return (await readStatus(this.dataDir)) ?? assert.fail("nobody answers on gateway.sock");
  }

  async pids(): Promise<readonly number[]> {
    return (await this.status()).workers.map(({ pid }) => pid);
  }

  /** One try of the hub: a letter of treasury.example to a member. What the hub hears: `250 2.0.0`. */
  async hand(to: string, text: string = "text"): Promise<string> {
    const lines = ["From: <minister@treasury.example>", `To: <${to}>`, "Subject: x", "", text, ""];
    const envelope = { reversePath: mailbox("minister@treasury.example"), forwardPaths: [mailbox(to)], parameters: {} };
    const hop = { protocol: "lmtp", address: { host: "127.0.0.1", port: this.inside } } as const;
    const [answer] = await this.#client.relay(hop, envelope, sourceOf(Buffer.from(lines.join("\r\n"))));
    return `${answer?.code} ${answer?.enhancedStatus}`;
  }

  /** As a hub does it: again until it is taken. Gives the number of tries. */
  async deliver(to: string, text: string): Promise<number> {
    const end = Date.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      if ((await this.hand(to, text)).startsWith("250")) return tries;
      if (Date.now() > end) assert.fail(`not taken in ${tries} tries: ${this.#output}`);
      await sleep(50);
    }
  }

  async changeConfig(from: string | RegExp, to: string): Promise<void> {
    const text = await readFile(this.file, "utf8");
    const changed = text.replace(from, to);
    assert.notEqual(changed, text);
    await writeFile(this.file, changed);
  }
}

export async function until<Value>(
  what: string,
  look: () => Value | undefined | Promise<Value | undefined>,
): Promise<Value> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(20)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  return assert.fail(`waited in vain for ${what}`);
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function endProcess(pid: number): void {
  if (isAlive(pid)) process.kill(pid, "SIGKILL");
}

function mailbox(text: string) {
  return parseMailbox(text) ?? assert.fail(text);
}
