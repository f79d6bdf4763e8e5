// Runs the tests and judges the run:
//
//   run-tests.ts [--unit | --long] [--without-peers] [FILE...]
//
// All tests are src/**/*.test.ts and test/**/*.test.ts; `--unit` takes those under src, `--long` test/**/*.long.ts.
// A run is good only if nothing failed, was skipped, cancelled or left to do and, for all tests, there are at least as
// many as test/COUNT says. It says what could not run here, and ends with the closing lines of node's own reporter.

import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { notRunMark } from "../test/not-run.ts";
import { vectorsFolder } from "../test/vectors.ts";
import { runChecks } from "./check.ts";

type Counts = Readonly<Record<"tests" | "failed" | "cancelled" | "skipped" | "todo", number>>;
type Event = { readonly type: string; readonly data: { readonly file?: string; readonly name?: string } };

type Outcome = {
  counts: Counts;
  readonly failures: Event[];
  readonly closing: Event[];
  /** Cases that could not run here, as their files tell it. */
  readonly notRun: string[];
  /** Files that define no test: node counts each as one that passed. */
  readonly empty: Set<string>;
  /** What test files wrote, shown for those that fail. */
  readonly written: Map<string, string>;
};

const root = path.resolve(import.meta.dirname, "..");
const countFile = path.join(root, "test/COUNT");
const inCi = (process.env["CI"] ?? "") !== "";
const { values: wanted, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: "boolean", default: false },
    long: { type: "boolean", default: false },
    "without-peers": { type: "boolean", default: false },
  },
});
const everything = !wanted.unit && !wanted.long && positionals.length === 0;

if (wanted["without-peers"]) process.env["POSTERN_WITHOUT_PEERS"] = "1";
process.exitCode = await main();

async function main(): Promise<number> {
  const complaints: string[] = [];
  if (everything) {
    say(`Vectors: ${vectorsFolder() ?? "none here (POSTERN_VECTORS names their folder)"}`);
    if (!(await runChecks())) complaints.push("npm run check failed, see above");
  }
  const files = (positionals.length > 0 ? positionals : globSync(patterns(), { cwd: root }))
    .map((file) => path.resolve(root, file))
    .sort();
  say(`Running ${files.length} files of tests, a dot for each:`);
  const outcome = await runFiles(files);
  await show(outcome);
  complaints.push(...judge(outcome));
  say(...complaints.map((complaint) => `NOT GOOD: ${complaint}`));
  await report(outcome.closing);
  return complaints.length === 0 ? 0 : 1;
}

function patterns(): string[] {
  if (wanted.long) return ["test/**/*.long.ts"];
  return wanted.unit ? ["src/**/*.test.ts"] : ["src/**/*.test.ts", "test/**/*.test.ts"];
}

async function runFiles(files: string[]): Promise<Outcome> {
  const counts = { tests: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  const outcome: Outcome = { counts, failures: [], closing: [], notRun: [], empty: new Set(), written: new Map() };
  // The long runs take as long as they take.
  const timeout = wanted.long ? 7_200_000 : 600_000;
  // At least two at once: tests that talk to a peer mostly wait for it.
  const concurrency = Math.max(2, availableParallelism());
  for await (const event of run({ files, concurrency, cwd: root, timeout })) note(event, outcome);
  say("");
  return outcome;
}

type RunnerEvent = ReturnType<typeof run> extends AsyncIterable<infer Each> ? Each : never;

function note(event: RunnerEvent, outcome: Outcome): void {
  const { file, name } = event.data as Event["data"];
  const ofWholeFile = file !== undefined && name === file;
  switch (event.type) {
    case "test:complete":
      if (ofWholeFile) process.stdout.write(event.data.details.passed ? "." : "F");
      break;
    case "test:pass":
      if (ofWholeFile) outcome.empty.add(file);
      break;
    case "test:fail":
      outcome.failures.push(event);
      break;
    case "test:stdout":
    case "test:stderr":
      hear(event.data.file, event.data.message, outcome);
      break;
    case "test:diagnostic":
      if (file === undefined) outcome.closing.push(event);
      break;
    case "test:summary":
      if (file === undefined) outcome.counts = event.data.counts;
      break;
  }
}

function hear(file: string, message: string, { notRun, written }: Outcome): void {
  written.set(file, (written.get(file) ?? "") + message);
  const lines = message.split("\n").filter((line) => line.startsWith(notRunMark));
  notRun.push(...lines.map((line) => `${line.slice(notRunMark.length)} (${path.relative(root, file)})`));
}

async function show({ failures, written, notRun }: Outcome): Promise<void> {
  for (const file of new Set(failures.map(({ data }) => data.file ?? ""))) {
    if (written.has(file)) say("", `${path.relative(root, file)} wrote:`, written.get(file) ?? "");
  }
  if (failures.length > 0) await report(failures);
  if (notRun.length > 0) say("", "Did not run on this machine:", ...notRun.map((line) => `  ${line}`));
}

function judge({ counts, notRun, empty, written }: Outcome): string[] {
  const unwanted = (["failed", "cancelled", "skipped", "todo"] as const).filter((kind) => counts[kind] > 0);
  const complaints = unwanted.map((kind) => `${counts[kind]} tests ${kind}`);
  if (counts.tests === 0) complaints.push("no tests were found");
  const silent = [...empty].filter((file) => !written.get(file)?.includes(notRunMark));
  complaints.push(...silent.map((file) => `${path.relative(root, file)} holds no test`));
  if (inCi && notRun.length > 0) complaints.push("in CI every case has to run");
  if (everything && complaints.length === 0 && notRun.length === 0) complaints.push(...compareWithLast(counts.tests));
  return complaints;
}

function compareWithLast(tests: number): string[] {
  const last = existsSync(countFile) ? Number(readFileSync(countFile, "utf8")) : 0;
  if (tests < last) return [`${tests} tests, but test/COUNT says ${last}`];
  if (tests > last) {
    say(`test/COUNT says ${last}, now there are ${tests} tests${inCi ? "" : ": written there, commit it"}`);
    if (!inCi) writeFileSync(countFile, `${tests}\n`);
  }
  return [];
}

/** Prints events as node's own reporter does. */
async function report(events: readonly Event[]): Promise<void> {
  const reporter = new spec();
  for (const event of events) reporter.write(event);
  reporter.end();
  for await (const text of reporter) process.stdout.write(text);
}

function say(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
