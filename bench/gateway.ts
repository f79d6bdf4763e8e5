// What a gateway costs between two queues: messages per second through hub, Postern and edge, against hub and edge alone.
// smtp-source and smtp-sink of Postfix send and take; all processes share the machine. RSA-2048, 2 kB. The CPU time of
// hub, edge and gateway is told too, since others on the machine disturb it less.

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseConfig } from "../src/config.ts";
import { type PostfixInstance, postfixInstances } from "../src/postfix.ts";
import { TestCommunity } from "../test/postfix/community.ts";
import { GatewayProcess } from "../test/postfix/gateway.ts";
import { PostfixProcess } from "../test/postfix/instance.ts";
import { freePort, loopback } from "../test/postfix/ports.ts";
import type { Figure } from "./figure.ts";
import { spreadOf } from "./measure.ts";

const messages = 2000;
const messageSize = 2000;
const sessions = 20;
const repetitions = 5;

const ticksPerSecond = 100;

/** A hub and what is behind it, with the processes at its root. */
type Way = { readonly hub: number; readonly roots: () => readonly number[] };
type Run = { readonly rate: number; readonly cpuMs: number };

export async function run(): Promise<readonly Figure[]> {
  const home = mkdtempSync(path.join(tmpdir(), "postern-bench-"));
  chmodSync(home, 0o755);
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const sink = await openSink(closing);
    const alone = await openWay("alone", home, sink.port, closing);
    const through = await openWay("through", home, sink.port, closing);
    const ways = [
      { name: "alone", way: alone, to: "reader@stranger.example" },
      { name: "passing", way: through, to: "reader@stranger.example" },
      { name: "protected", way: through, to: "reader@b.example" },
    ] as const;
    const measured = new Map<string, Run[]>(ways.map(({ name }) => [name, []]));
    for (let repetition = -1; repetition < repetitions; repetition++) {
      for (const { name, way, to } of repetition % 2 === 0 ? ways : ways.toReversed()) {
        const run = await send(way, to, sink);
        // The first turn warms up.
        if (repetition >= 0) measured.get(name)?.push(run);
      }
    }
    return [
      figure("passing through", "passing", measured, 0.8, 0.95),
      figure("signed and encrypted, RSA-2048", "protected", measured, 0.5, 0.7),
    ];
  } finally {
    for (const close of closing.reverse()) await close();
    rmSync(home, { recursive: true, force: true });
  }
}

function figure(work: string, name: string, measured: ReadonlyMap<string, Run[]>, must: number, goal: number): Figure {
  const runs = measured.get(name) ?? [];
  const base = measured.get("alone") ?? [];
  const middle = (values: readonly Run[], key: keyof Run): string =>
    spreadOf(values.map((run) => run[key])).median.toFixed(1);
  return {
    work: `hub, Postern, edge: ${work}`,
    against: "hub, edge",
    unit: "x",
    measured: spreadOf(runs.map(({ rate }, at) => rate / (base[at]?.rate ?? Number.NaN))),
    must,
    goal,
    detail: `${middle(runs, "cpuMs")} against ${middle(base, "cpuMs")}; ${middle(runs, "rate")} against ${middle(base, "rate")} messages a second`,
  };
}

/** User and system ticks of these processes and all below them, with children that ended. */
function ticksBelow(roots: readonly number[]): number {
  const all = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "latin1")
        .replace(/^.*\) /, "")
        .split(" ")
        .map(Number);
      all.set(Number(name), {
        parent: fields[1] ?? 0,
        ticks: fields.slice(11, 15).reduce((sum, each) => sum + each, 0),
      });
    } catch {
      // It ended meanwhile.
    }
  }
  const ours = new Set(roots);
  for (let before = 0; before < ours.size; ) {
    before = ours.size;
    for (const [pid, { parent }] of all) if (ours.has(parent)) ours.add(pid);
  }
  return [...ours].reduce((sum, pid) => sum + (all.get(pid)?.ticks ?? 0), 0);
}

type Sink = { readonly port: number; readonly count: () => number };

async function openSink(closing: (() => Promise<unknown>)[]): Promise<Sink> {
  const port = await freePort();
  // -c counts on standard output.
  const child: ChildProcess = spawn("smtp-sink", ["-c", "-u", "nobody", `${loopback}:${port}`, "1000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let count = 0;
  child.stdout?.setEncoding("latin1").on("data", (text: string) => {
    count = Number([...text.matchAll(/mesg=(\d+)\r/g)].at(-1)?.[1] ?? count);
  });
  closing.push(async () => child.kill());
  await answering(port);
  return { port, count: () => count };
}

async function answering(port: number): Promise<void> {
  for (;;) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, loopback);
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (answers) return;
    await sleep(20);
  }
}

/** A hub and an edge, with Postern between them or the one leading to the other. */
async function openWay(
  name: "alone" | "through",
  home: string,
  sink: number,
  closing: (() => Promise<unknown>)[],
): Promise<Way> {
  const folder = path.join(home, name);
  mkdirSync(folder);
  const community = await TestCommunity.found(path.join(folder, "community"));
  for (const domain of ["a.example", "b.example"]) await community.admit(domain, "rsa");
  const [hub, edge, inside, outside] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const file = path.join(folder, "postern.yaml");
  const key = (role: string) =>
    `{ key: ${community.folder}/a.example/${role}.pem, certificate: ${community.folder}/a.example/${role}.crt }`;
  const text = `hostname: gw.a.example
dataDir: state
postmaster: postmaster@a.example
trust: { anchors: [${community.folder}/root.pem], revocation: ignore }
domains: [{ name: a.example, signing: ${key("sign")}, encryption: [${key("encrypt")}] }]
listen: { inside: { lmtp: "${loopback}:${inside}" }, outside: { lmtp: "${loopback}:${outside}" } }
relay: { inside: "smtp://${loopback}:${sink}", outside: "smtp://${loopback}:${edge}", submit: "smtp://${loopback}:${hub}" }
directory: { sources: [{ ldif: ${community.folder}/members.ldif }] }
`;
  writeFileSync(file, text);
  const instances = new Map<string, PostfixInstance>(
    postfixInstances({ ...parseConfig(text, file), pins: {}, networks: [], public: `${loopback}:1` }).map((one) => [
      one.name,
      one,
    ]),
  );
  const roots: (() => number | undefined)[] = [];
  const start = async (which: string, port: number, changes: Record<string, string>): Promise<void> => {
    const instance = instances.get(which);
    if (instance === undefined) throw new Error(`no ${which}`);
    const postfix = await PostfixProcess.start(instance, folder, port, { ...changes, queue_run_delay: "60s" });
    closing.push(() => postfix.stop());
    roots.push(() => postfix.pid);
  };
  await start("edge-out", edge, { transport_maps: `inline:{ {* = smtp:[${loopback}]:${sink}} }` });
  const onward = `smtp:[${loopback}]:${edge}`;
  await start("hub-out", hub, name === "through" ? {} : { default_transport: onward });
  if (name === "through") {
    const gateway = await GatewayProcess.start(file);
    closing.push(() => gateway.stop());
    roots.push(() => gateway.pid);
  }
  return { hub, roots: () => roots.map((root) => root() ?? 0) };
}

/** From the first message handed in to the last one taken. */
async function send({ hub, roots }: Way, to: string, sink: Sink): Promise<Run> {
  const wanted = sink.count() + messages;
  const before = ticksBelow(roots());
  const started = performance.now();
  const options = ["-s", `${sessions}`, "-m", `${messages}`, "-l", `${messageSize}`, "-f", "user@a.example", "-t", to];
  const source = spawn("smtp-source", [...options, `${loopback}:${hub}`], { stdio: "inherit" });
  const sent = new Promise<number | null>((resolve) => source.once("close", resolve));
  if ((await sent) !== 0) throw new Error("smtp-source failed");
  while (sink.count() < wanted) {
    if (performance.now() - started > 300_000) throw new Error(`${wanted - sink.count()} messages did not arrive`);
    await sleep(5);
  }
  const rate = messages / ((performance.now() - started) / 1000);
  return { rate, cpuMs: ((ticksBelow(roots()) - before) * 1000) / ticksPerSecond / messages };
}
