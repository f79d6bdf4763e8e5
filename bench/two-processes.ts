// Do two processes do twice the work of one? The codec alone, no messages handed over: each protects and opens mails of
// 100 kB. By the clock on the wall, which is the point here; so the machine should have nothing else to do.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mailOf } from "./corpus.ts";
import type { Figure } from "./figure.ts";
import { spreadOf } from "./measure.ts";
import { rsaParties } from "./parties.ts";
import { postern } from "./peers/postern.ts";

const repetitions = 7;
const mails = 500;
const isWorker = process.argv[1] === import.meta.filename;

export async function run(): Promise<Figure[]> {
  const workers = [startWorker(), startWorker()];
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const ratios: number[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const alone = await wallMs(workers.slice(0, 1));
    const together = await wallMs(workers);
    ratios.push((2 * alone) / together);
  }
  for (const worker of workers) worker.disconnect();
  const work = "protect and open 100 kB, two processes";
  return [
    {
      work,
      against: "one process, by the clock",
      unit: "x",
      measured: spreadOf(ratios),
      must: 1.7,
      goal: 1.9,
      detail: "",
    },
  ];
}

async function wallMs(workers: readonly ChildProcess[]): Promise<number> {
  const start = performance.now();
  const done = workers.map((worker) => once(worker, "message"));
  for (const worker of workers) worker.send("work");
  await Promise.all(done);
  return performance.now() - start;
}

function startWorker(): ChildProcess {
  return fork(import.meta.filename, { execPath: process.execPath });
}

async function work(): Promise<void> {
  const codec = await postern(rsaParties());
  const { whole } = mailOf(100 * 1024);
  const round = async (): Promise<void> => {
    for (let mail = 0; mail < mails; mail++) await codec.open(await codec.protect(whole, "opaque", "aes256-cbc"));
  };
  await round();
  await round();
  process.on("message", async () => {
    await round();
    process.send?.("done");
  });
  process.send?.("ready");
}

if (isWorker) await work();
