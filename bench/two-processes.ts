// Do two processes do twice the work of one? The codec alone, no messages handed over: each protects and opens mails of
// 100 kB. Judged by the CPU time of a mail when one works and when both do, which other load on the machine spoils
// least; by the clock on the wall for reference.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mailOf } from "./corpus.ts";
import { type Figure, format } from "./figure.ts";
import { spreadOf } from "./measure.ts";
import { nodeFlags } from "./node-flags.ts";
import { rsaParties } from "./parties.ts";
import { postern } from "./peers/postern.ts";

const repetitions = 9;
const mails = 300;
const isWorker = process.argv[1] === import.meta.filename;

type Cost = { readonly cpuMs: number; readonly wallMs: number };

export async function run(): Promise<Figure[]> {
  const workers = [startWorker(), startWorker()];
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const pairs: { alone: Cost; together: Cost }[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    pairs.push({ alone: await cost(workers.slice(0, 1)), together: await cost(workers) });
  }
  for (const worker of workers) worker.disconnect();
  const [alone, together] = (["alone", "together"] as const).map((which) =>
    format(spreadOf(pairs.map((pair) => pair[which].cpuMs / mails)).median, "ms"),
  );
  const work = "protect and open 100 kB, two processes";
  const ratio = (measure: keyof Cost) =>
    spreadOf(pairs.map((pair) => (2 * pair.alone[measure]) / pair.together[measure]));
  return [
    {
      ...{ work, against: "one process", unit: "x", measured: ratio("cpuMs"), must: 1.7, goal: 1.9 },
      detail: `${together} / ${alone}`,
    },
    { work, against: "one process, by the clock", unit: "x", measured: ratio("wallMs"), detail: "" },
  ];
}

/** Of a round: CPU time of one worker in the mean, and the time until all are done. */
async function cost(workers: readonly ChildProcess[]): Promise<Cost> {
  const start = performance.now();
  const done = workers.map(async (worker) => ((await once(worker, "message")) as [number])[0]);
  for (const worker of workers) worker.send("work");
  const cpuMs = (await Promise.all(done)).reduce((sum, ms) => sum + ms, 0) / workers.length;
  return { cpuMs, wallMs: performance.now() - start };
}

function startWorker(): ChildProcess {
  return fork(import.meta.filename, { execPath: process.execPath, execArgv: [...nodeFlags] });
}

async function work(): Promise<void> {
  const codec = await postern(rsaParties());
  const { whole } = mailOf(100 * 1024);
  const round = async (): Promise<void> => {
    for (let mail = 0; mail < mails; mail++) await codec.open(await codec.protect(whole, "opaque", "aes256-cbc"));
  };
  for (let warmUp = 0; warmUp < 3; warmUp++) await round();
  process.on("message", async () => {
    const before = process.cpuUsage();
    await round();
    const { user, system } = process.cpuUsage(before);
    process.send?.((user + system) / 1000);
  });
  process.send?.("ready");
}

if (isWorker) await work();
