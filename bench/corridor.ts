// What does a message cost on its whole way through one gateway, ledger on: arrival by LMTP, sign and encrypt with RSA-2048,
// hand over by SMTP, ledger synced, tracked and logged? CPU time of the gateway's process, all threads, against the price
// of the cryptography alone as node:crypto does it here at the same time: one RSA signature, one RSA encryption, SHA-256 and
// AES-256-CBC over the message. Source and sink are processes of their own. And the memory for 16 messages of 50 MB at once.
//
//   node bench/corridor.ts [protect|pass] [octets] [messages]      prints one line, without the comparison

import { type ChildProcess, fork } from "node:child_process";
import { constants, createCipheriv, generateKeyPairSync, hash, publicEncrypt, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { noOctets, sourceOf } from "../src/bytes.ts";
import { parseConfig } from "../src/config.ts";
import { keyFile, openCommunity } from "../src/demo/community.ts";
import { logLines, startGateway } from "../src/gateway.ts";
import { defaultLimits, type Hop, listen, RelayPool, reply, type SocketAddress, smtp } from "../src/smtp.ts";
import { mailOf } from "./corpus.ts";
import { type Figure, format } from "./figure.ts";
import { spreadOf } from "./measure.ts";
import { nodeFlags } from "./node-flags.ts";

type Direction = "protect" | "pass";
type Asked = "usage" | "memory";
type Cost = { readonly cpuMs: number; readonly perSecond: number };
type Started = { readonly child: ChildProcess; readonly addresses: readonly SocketAddress[] };

const own = "bench.example";
const member = "treasury.example";

const repetitions = 5;

export async function run(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { work, octets, messages, must, goal } of [
    { work: "2 kB", octets: 2048, messages: 4000, must: 0.38, goal: 0.5 },
    { work: "1 MB", octets: 1_000_000, messages: 100, must: 0.22, goal: 0.35 },
  ]) {
    const bench = await Bench.open();
    try {
      await bench.cost("protect", octets, 2 * messages);
      const pairs: { readonly alone: number; readonly whole: number }[] = [];
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        const { cpuMs } = await bench.cost("protect", octets, messages);
        pairs.push({ alone: cryptographyMs(octets), whole: cpuMs });
      }
      const [alone, whole] = (["alone", "whole"] as const).map((which) =>
        format(spreadOf(pairs.map((pair) => pair[which])).median, "ms"),
      );
      figures.push({
        ...{
          work: `LMTP in, sign and encrypt, SMTP out, ledger: ${work}`,
          against: "its cryptography alone",
          unit: "x",
          must,
          goal,
        },
        measured: spreadOf(pairs.map((pair) => pair.alone / pair.whole)),
        detail: `${whole} / ${alone}`,
      });
    } finally {
      await bench.close();
    }
  }
  return [...figures, await memory()];
}

async function memory(): Promise<Figure> {
  const bench = await Bench.open();
  try {
    await bench.cost("protect", 50 * 2 ** 20, 16, 16);
    const peak = await bench.peakMemory();
    return {
      ...{ work: "16 messages of 50 MB at once", against: "", unit: "MB", must: 450, goal: 300, detail: "" },
      measured: { median: peak, least: peak, most: peak },
    };
  } finally {
    await bench.close();
  }
}

/** CPU milliseconds of what nobody can do without. */
function cryptographyMs(octets: number): number {
  const { privateKey, publicKey } = rsa;
  const content = Buffer.alloc(octets, "x");
  const [key, iv] = [Buffer.alloc(32), Buffer.alloc(16)];
  const one = (): void => {
    sign("sha256", noOctets, privateKey);
    publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
    hash("sha256", content, "buffer");
    const cipher = createCipheriv("aes-256-cbc", key, iv);
    for (let at = 0; at < octets; at += 65_536) cipher.update(content.subarray(at, at + 65_536));
    cipher.final();
  };
  const times = octets < 1e5 ? 1000 : 100;
  for (let warmUp = 0; warmUp < times / 5; warmUp += 1) one();
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) one();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

class Bench {
  readonly #folder: string;
  readonly #processes: readonly ChildProcess[];
  readonly #gateway: Started;
  readonly #pool = new RelayPool("hub.bench.example");

  private constructor(folder: string, gateway: Started, sink: Started) {
    this.#folder = folder;
    this.#gateway = gateway;
    this.#processes = [gateway.child, sink.child];
  }

  static async open(): Promise<Bench> {
    const folder = mkdtempSync(path.join(tmpdir(), "postern-bench-"));
    const sink = await started("sink", folder, "");
    const hop = sink.addresses[0] as { host: string; port: number };
    const file = path.join(folder, "postern.yaml");
    writeFileSync(file, await configText(folder, `smtp://${hop.host}:${hop.port}`));
    return new Bench(folder, await started("gateway", folder, file), sink);
  }

  async close(): Promise<void> {
    await this.#pool.close();
    for (const child of this.#processes) {
      child.kill();
      await once(child, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** So many messages, all different, a few at a time. */
  async cost(
    direction: Direction,
    octets: number,
    messages: number,
    atOnce: number = octets < 1e5 ? 20 : 8,
  ): Promise<Cost> {
    const before = await ask(this.#gateway.child, "usage");
    const start = performance.now();
    await this.#send(direction, octets, messages, atOnce);
    const seconds = (performance.now() - start) / 1000;
    const after = await ask(this.#gateway.child, "usage");
    return { cpuMs: (after - before) / messages, perSecond: messages / seconds };
  }

  /** Peak memory of the gateway's process, in MB. */
  peakMemory(): Promise<number> {
    return ask(this.#gateway.child, "memory");
  }

  async #send(direction: Direction, octets: number, messages: number, atOnce: number): Promise<void> {
    const hop: Hop = { protocol: "lmtp", address: this.#gateway.addresses[0] as SocketAddress };
    const to = direction === "protect" ? `minister@${member}` : "someone@stranger.example";
    const [localPart = "", domain = ""] = to.split("@");
    const envelope = {
      reversePath: { localPart: "ada", domain: own },
      forwardPaths: [{ localPart, domain }],
      parameters: {},
    };
    const { whole } = mailOf(octets);
    const text = whole.toString("latin1").replace("ada@a.example", `ada@${own}`);
    let left = messages;
    const one = async (): Promise<void> => {
      while (left-- > 0) {
        const unique = Buffer.from(`X-Number: ${process.pid}.${performance.now()}.${left}\r\n${text}`, "latin1");
        const [answer] = await this.#pool.relay(hop, envelope, sourceOf(unique));
        if (answer?.code !== 250) throw new Error(`answered ${JSON.stringify(answer)}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  }
}

async function configText(folder: string, hop: string): Promise<string> {
  const { rootFile, directoryFile } = await openCommunity(folder);
  // CBC, which every member reads: the dearest.
  writeFileSync(
    directoryFile,
    readFileSync(directoryFile, "utf8").replaceAll("posternProfile: M", "posternProfile: B"),
  );
  const pair = (role: "sign" | "encrypt"): string =>
    `{ key: ${keyFile(folder, member, role, "pem")}, certificate: ${keyFile(folder, member, role, "crt")} }`;
  return `hostname: gw.${own}
dataDir: ${path.join(folder, "state")}
postmaster: postmaster@${own}
trust: { anchors: [${rootFile}] }
limits: { messageSize: 200MiB }
domains: [{ name: ${own}, signing: ${pair("sign")}, encryption: [${pair("encrypt")}] }]
listen: { inside: { lmtp: "127.0.0.1:0" }, outside: { lmtp: "127.0.0.1:0" } }
relay: { inside: "${hop}", outside: "${hop}" }
directory: { sources: [{ ldif: ${directoryFile} }] }
`;
}

async function started(role: "gateway" | "sink", folder: string, file: string): Promise<Started> {
  const profile =
    role === "gateway" && process.env["PROFILE"] !== undefined ? ["--cpu-prof", "--cpu-prof-dir", "/tmp/prof"] : [];
  const child = fork(import.meta.filename, [role, folder, file], {
    execPath: process.execPath,
    execArgv: [...nodeFlags, "--single-threaded-gc", ...profile],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const [addresses] = (await once(child, "message")) as [SocketAddress[]];
  return { child, addresses };
}

async function ask(child: ChildProcess, what: Asked): Promise<number> {
  child.send(what);
  return ((await once(child, "message")) as [number])[0];
}

function answering(close: () => Promise<void>): void {
  process.on("message", (what: Asked) => {
    const { user, system } = process.cpuUsage();
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1000;
    process.send?.(what === "usage" ? (user + system) / 1000 : peak);
  });
  process.on("SIGTERM", () => void close().then(() => process.exit(0)));
}

async function gateway(file: string): Promise<void> {
  const { listening, close } = await startGateway(parseConfig(readFileSync(file, "utf8"), file), {
    report: (report) => process.stdout.write(`${logLines(report).join("\n")}\n`),
    onFault: (thrown) => process.stderr.write(`${(thrown as Error).stack}\n`),
  });
  answering(close);
  process.send?.([listening.inside, listening.outside]);
}

async function sink(): Promise<void> {
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "sink.example",
      postmaster: { localPart: "postmaster", domain: "sink.example" },
      limits: { ...defaultLimits, messageSize: 500e6 },
      onFault: () => undefined,
      handle: async ({ envelope, message }) => {
        for await (const _ of message);
        return envelope.forwardPaths.map(() => reply(250, "2.0.0", "kept"));
      },
    },
  );
  answering(() => server.close());
  process.send?.([server.address]);
}

const [role, folder, file = ""] = process.argv.slice(2);
if (import.meta.main) {
  if (role === "gateway" && folder !== undefined && file !== "") await gateway(file);
  else if (role === "sink" && folder !== undefined) await sink();
  else await print(role ?? "protect", Number(folder ?? 2048), Number(file === "" ? 10_000 : file));
}

async function print(what: string, octets: number, messages: number): Promise<void> {
  const bench = await Bench.open();
  try {
    await bench.cost(what as Direction, octets, Math.ceil(messages / 2));
    const { cpuMs, perSecond } = await bench.cost(what as Direction, octets, messages);
    process.stdout.write(`${what} ${octets}: ${cpuMs.toFixed(3)} ms CPU, ${perSecond.toFixed(0)}/s\n`);
  } finally {
    await bench.close();
  }
}
