// What does the ledger cost a message? Asked and written as the gateway does it: one key is looked up, an entry is
// recorded and waited for until it is synced. CPU of the thread that mail passes through, all threads, and the rate;
// so many messages in flight in each of so many processes on one file.

import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openStore } from "../src/store.ts";

export type Row = {
  readonly processes: number;
  readonly inFlight: number;
  readonly tracked: boolean;
  /** Of all processes together. */
  readonly perSecond: number;
  /** Microseconds a message. */
  readonly mainThread: number;
  readonly allThreads: number;
  readonly slowestMs: number;
};

type Measured = Pick<Row, "perSecond" | "mainThread" | "allThreads" | "slowestMs">;

const warmUpMs = 1000;
const measureMs = 3000;
const cases = [
  { processes: 1, inFlight: 1, tracked: false },
  { processes: 1, inFlight: 8, tracked: false },
  { processes: 1, inFlight: 32, tracked: false },
  { processes: 1, inFlight: 32, tracked: true },
  { processes: 2, inFlight: 1, tracked: false },
  { processes: 2, inFlight: 32, tracked: false },
  { processes: 4, inFlight: 1, tracked: false },
] as const;

if (process.send !== undefined && process.argv[2] === "measure") await measureHere();

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const each of cases) {
    const folder = await mkdtemp(path.join(tmpdir(), "postern-bench-"));
    const args = ["measure", folder, `${each.inFlight}`, each.tracked ? "tracked" : ""];
    const children = Array.from({ length: each.processes }, () => fork(import.meta.filename, args));
    const measured = await Promise.all(children.map(answerOf));
    const sum = (of: (one: Measured) => number): number => measured.reduce((total, one) => total + of(one), 0);
    rows.push({
      ...each,
      perSecond: sum(({ perSecond }) => perSecond),
      mainThread: sum(({ mainThread }) => mainThread) / measured.length,
      allThreads: sum(({ allThreads }) => allThreads) / measured.length,
      slowestMs: Math.max(...measured.map(({ slowestMs }) => slowestMs)),
    });
    await rm(folder, { recursive: true });
  }
  return rows;
}

async function answerOf(child: ChildProcess): Promise<Measured> {
  const ended = once(child, "exit");
  const [answer] = (await once(child, "message")) as [Measured];
  await ended;
  return answer;
}

async function measureHere(): Promise<void> {
  const [folder = "", inFlight = "1", tracked = ""] = process.argv.slice(3);
  const fail = (thrown: unknown): never => {
    throw thrown;
  };
  const store = await openStore({ file: path.join(folder, "postern.db"), dataDir: folder, onFault: fail });
  let [count, slowestMs, going] = [0, 0, true];
  const message = async (): Promise<void> => {
    const started = performance.now();
    const [key, at] = [randomBytes(32), new Date()];
    await store.ledger.find([key], at);
    await store.ledger.record([{ key, until: new Date(at.getTime() + 7 * 24 * 3600_000) }]);
    if (tracked !== "") store.tracking.note([trackRow(key.toString("hex"), at)]);
    slowestMs = Math.max(slowestMs, performance.now() - started);
    count += 1;
  };
  const messages = Promise.all(
    Array.from({ length: Number(inFlight) }, async () => {
      while (going) await message();
    }),
  );
  await rest(warmUpMs);
  const [main, all, started] = [process.threadCpuUsage(), process.cpuUsage(), performance.now()];
  [count, slowestMs] = [0, 0];
  await rest(measureMs);
  const [counted, seconds] = [count, (performance.now() - started) / 1000];
  const each = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / counted;
  const measured: Measured = {
    perSecond: counted / seconds,
    mainThread: each(process.threadCpuUsage(main)),
    allThreads: each(process.cpuUsage(all)),
    slowestMs,
  };
  going = false;
  await messages;
  await store.close();
  process.send?.(measured);
  process.disconnect?.();
}

function trackRow(id: string, at: Date) {
  const report = { code: "OK", treatment: "protect", ms: 1.2, certificates: [id], client: "127.0.0.1" };
  const addresses = { reversePath: `${id.slice(0, 2)}@a.example`, forwardPath: `${id.slice(2, 5)}@b.example` };
  const names = { id: id.slice(0, 12), queueId: id.slice(12, 24), messageId: `<${id}@a.example>` };
  return { ...names, ...addresses, at, reply: "250 2.0.0 Ok: queued as 4XyZ", report };
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
