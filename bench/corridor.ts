// What does a message cost on its whole way through one gateway, ledger on: arrival by LMTP, sign and encrypt with RSA-2048,
// hand over by SMTP, ledger synced, tracked and logged? CPU time of the gateway's process, all threads, against the price
// of the cryptography alone, measured in turns (ceiling.ts). Source and sink are processes of their own. And the memory for
// 16 messages of 50 MB at once. What others can do to it by how they send is asked in corridor-beside.ts.
//
//   node bench/corridor.ts [protect|pass] [octets] [messages]      prints one line, without the comparison

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sourceOf } from "../src/bytes.ts";
import { write } from "../src/cli/daemon-log.ts";
import { parseConfig } from "../src/config.ts";
import { keyFile, openCommunity } from "../src/demo/community.ts";
import { logLines, startGateway } from "../src/gateway.ts";
import { defaultLimits, type Hop, listen, RelayPool, reply, type SocketAddress, smtp } from "../src/smtp.ts";
import { nodeCryptoMs, opensslMs } from "./ceiling.ts";
import { mailOf } from "./corpus.ts";
import { type Figure, format } from "./figure.ts";
import { spreadOf } from "./measure.ts";
import { nodeFlags } from "./node-flags.ts";

type Direction = "protect" | "pass";
type Asked = "usage" | "memory";
type Cost = { readonly cpuMs: number; readonly perSecond: number; readonly p99Ms: number };
type Sending = {
  readonly direction: Direction;
  readonly octets: number;
  readonly messages: number;
  readonly atOnce: number;
  readonly latencies: number[];
  readonly make: (octets: number) => Buffer;
};
type Started = { readonly child: ChildProcess; readonly addresses: readonly SocketAddress[] };

export const own = "bench.example";
export const member = "treasury.example";

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
      const turns: Turn[] = [];
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        const openssl = opensslMs(octets);
        const { cpuMs } = await bench.cost("protect", octets, messages);
        turns.push({ openssl, whole: cpuMs, node: nodeCryptoMs(octets) });
      }
      const title = `LMTP in, sign and encrypt, SMTP out, ledger: ${work}`;
      figures.push({ ...against(title, turns, "openssl"), must, goal }, against(title, turns, "node"));
    } finally {
      await bench.close();
    }
  }
  return [...figures, await memory()];
}

type Turn = { readonly openssl: number; readonly node: number; readonly whole: number };

function against(work: string, turns: readonly Turn[], what: "openssl" | "node"): Figure {
  const [alone, whole] = ([what, "whole"] as const).map((which) =>
    format(spreadOf(turns.map((turn) => turn[which])).median, "ms"),
  );
  return {
    work,
    against: `its cryptography alone, ${what === "openssl" ? "openssl speed" : "node:crypto"}`,
    unit: "x",
    measured: spreadOf(turns.map((turn) => turn[what] / turn.whole)),
    detail: `${whole} / ${alone}`,
  };
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

/** A gateway with its sink, and a source. */
export class Bench {
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
    make: (octets: number) => Buffer = (size) => mailOf(size).whole,
  ): Promise<Cost> {
    const latencies: number[] = [];
    const start = performance.now();
    const cpuMs = await this.spent(async () => {
      await this.#send({ direction, octets, messages, atOnce, latencies, make });
    });
    const seconds = (performance.now() - start) / 1000;
    const p99Ms = latencies.sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)] ?? 0;
    return { cpuMs: cpuMs / messages, perSecond: messages / seconds, p99Ms };
  }

  /** CPU milliseconds of the gateway's process, all threads, while this is done. */
  async spent(work: () => Promise<void>): Promise<number> {
    const before = await ask(this.#gateway.child, "usage");
    await work();
    return (await ask(this.#gateway.child, "usage")) - before;
  }

  /** Where the gateway listens inside: host and port. */
  get inside(): SocketAddress {
    return this.#gateway.addresses[0] as SocketAddress;
  }

  /** Peak memory of the gateway's process, in MB. */
  peakMemory(): Promise<number> {
    return ask(this.#gateway.child, "memory");
  }

  async #send({ direction, octets, messages, atOnce, latencies, make }: Sending): Promise<void> {
    const hop: Hop = { protocol: "lmtp", address: this.inside };
    const to = direction === "protect" ? `minister@${member}` : "someone@stranger.example";
    const [localPart = "", domain = ""] = to.split("@");
    const envelope = {
      reversePath: { localPart: "ada", domain: own },
      forwardPaths: [{ localPart, domain }],
      parameters: {},
    };
    const text = make(octets).toString("latin1").replace("ada@a.example", `ada@${own}`);
    let left = messages;
    const one = async (): Promise<void> => {
      while (left-- > 0) {
        const unique = Buffer.from(`X-Number: ${process.pid}.${performance.now()}.${left}\r\n${text}`, "latin1");
        const began = performance.now();
        const [answer] = await this.#pool.relay(hop, envelope, sourceOf(unique));
        if (answer?.code !== 250) throw new Error(`answered ${JSON.stringify(answer)}`);
        latencies.push(performance.now() - began);
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
limits: { messageSize: 200MiB, connections: 1000, perPeer: 1000 }
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
    report: (report) => logLines(report).forEach(write),
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
