// What a gateway costs between two queues: messages per second through hub, Postern and edge, against hub and edge alone.
// smtp-source and smtp-sink of Postfix send and take; all processes share the machine. RSA-2048, 2 kB.

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

const messages = 3000;
const messageSize = 2000;
const sessions = 20;
const repetitions = 5;

export async function run(): Promise<readonly Figure[]> {
  const home = mkdtempSync(path.join(tmpdir(), "postern-bench-"));
  chmodSync(home, 0o755);
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const sink = await openSink(closing);
    const alone = await openWay("alone", home, sink.port, closing);
    const through = await openWay("through", home, sink.port, closing);
    const ways = [
      { name: "alone", port: alone, to: "reader@stranger.example" },
      { name: "passing", port: through, to: "reader@stranger.example" },
      { name: "protected", port: through, to: "reader@b.example" },
    ] as const;
    const measured = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
    for (let repetition = -1; repetition < repetitions; repetition++) {
      for (const { name, port, to } of repetition % 2 === 0 ? ways : ways.toReversed()) {
        const rate = await messagesPerSecond(port, to, sink);
        // The first turn warms up.
        if (repetition >= 0) measured.get(name)?.push(rate);
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

function figure(
  work: string,
  name: string,
  measured: ReadonlyMap<string, number[]>,
  must: number,
  goal: number,
): Figure {
  const rates = measured.get(name) ?? [];
  const base = measured.get("alone") ?? [];
  const rate = (values: readonly number[]): string => spreadOf(values).median.toFixed(0);
  return {
    work: `hub, Postern, edge: ${work}`,
    against: "hub, edge",
    unit: "x",
    measured: spreadOf(rates.map((each, at) => each / (base[at] ?? Number.NaN))),
    must,
    goal,
    detail: `${rate(rates)} against ${rate(base)} messages a second`,
  };
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

/** A hub and an edge, with Postern between them or the one leading to the other; gives the hub's port. */
async function openWay(
  name: "alone" | "through",
  home: string,
  sink: number,
  closing: (() => Promise<unknown>)[],
): Promise<number> {
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
  const start = async (which: string, port: number, changes: Record<string, string>): Promise<void> => {
    const instance = instances.get(which);
    if (instance === undefined) throw new Error(`no ${which}`);
    const postfix = await PostfixProcess.start(instance, folder, port, { ...changes, queue_run_delay: "60s" });
    closing.push(() => postfix.stop());
  };
  await start("edge-out", edge, { transport_maps: `inline:{ {* = smtp:[${loopback}]:${sink}} }` });
  const onward = `smtp:[${loopback}]:${edge}`;
  await start("hub-out", hub, name === "through" ? {} : { default_transport: onward });
  if (name === "through") {
    const gateway = await GatewayProcess.start(file);
    closing.push(() => gateway.stop());
  }
  return hub;
}

/** From the first message handed in to the last one taken. */
async function messagesPerSecond(port: number, to: string, sink: Sink): Promise<number> {
  const wanted = sink.count() + messages;
  const started = performance.now();
  const options = ["-s", `${sessions}`, "-m", `${messages}`, "-l", `${messageSize}`, "-f", "user@a.example", "-t", to];
  const source = spawn("smtp-source", [...options, `${loopback}:${port}`], { stdio: "inherit" });
  const sent = new Promise<number | null>((resolve) => source.once("close", resolve));
  if ((await sent) !== 0) throw new Error("smtp-source failed");
  while (sink.count() < wanted) {
    if (performance.now() - started > 300_000) throw new Error(`${wanted - sink.count()} messages did not arrive`);
    await sleep(5);
  }
  return messages / ((performance.now() - started) / 1000);
}
