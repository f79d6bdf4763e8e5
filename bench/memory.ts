// How much memory do the file commands need, and does it grow with the message? `bin/postern protect` and `open`, file
// to file, on 50 MB and on 500 MB.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mailOf, text } from "./corpus.ts";
import type { Figure } from "./figure.ts";
import { spreadOf } from "./measure.ts";
import { type Parties, rsaParties } from "./parties.ts";

const sizes = [50, 500] as const;
const repetitions = 3;
const launcher = join(import.meta.dirname, "..", "bin", "postern");

export async function run(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "postern-memory-"));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string): Promise<Figure[]> {
  const parties = rsaParties();
  const commands = { protect: protectArguments(parties), open: openArguments(parties) };
  const peaks = { protect: new Map<number, number[]>(), open: new Map<number, number[]>() };
  for (const size of sizes) writeMail(join(folder, `${size}.plain`), size);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const size of sizes) {
      const [plain, secured, opened] = ["plain", "protect", "open"].map((end) => join(folder, `${size}.${end}`)) as [
        string,
        string,
        string,
      ];
      add(peaks.protect, size, await peakOf(commands.protect, plain, secured, folder));
      add(peaks.open, size, await peakOf(commands.open, secured, opened, folder));
      assert.equal(statSync(opened).size, statSync(plain).size);
    }
  }
  return (["protect", "open"] as const).flatMap((command) => figuresOf(command, peaks[command]));
}

function figuresOf(command: string, peaks: ReadonlyMap<number, readonly number[]>): Figure[] {
  const figures = sizes.map((size): Figure => {
    const measured = spreadOf(peaks.get(size) ?? []);
    return {
      work: `${command}, ${size} MB, file to file`,
      against: "peak memory",
      unit: "MB",
      measured,
      must: 130,
      goal: 100,
      detail: "",
    };
  });
  const [small, large] = sizes.map((size) => peaks.get(size) ?? []);
  const apart = spreadOf((large ?? []).map((peak, at) => Math.abs(peak - (small?.[at] ?? Number.NaN))));
  const work = `${command}, ${sizes.join(" and ")} MB apart`;
  return [...figures, { work, against: "peak memory", unit: "MB", measured: apart, must: 20, goal: 10, detail: "" }];
}

function protectArguments({ signer, recipient }: Parties): string[] {
  const signing = ["--sign-key", signer.keyFile, "--sign-cert", signer.certificateFile];
  return ["protect", ...signing, "--recipient-cert", recipient.certificateFile];
}

function openArguments({ signer, recipient }: Parties): string[] {
  return ["open", "--key", recipient.keyFile, "--cert", recipient.certificateFile, "--trust", signer.issuerFile];
}

/** Megabytes. */
async function peakOf(args: readonly string[], from: string, to: string, folder: string): Promise<number> {
  const peakFile = join(folder, "peak");
  const [input, output] = [openSync(from, "r"), openSync(to, "w")];
  const env = {
    ...process.env,
    NODE_OPTIONS: `--import=file://${join(import.meta.dirname, "memory-probe.ts")}`,
    PEAK_FILE: peakFile,
  };
  const child = spawn(process.execPath, [launcher, ...args], { stdio: [input, output, "pipe"], env });
  const said: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => said.push(chunk));
  const [status] = await once(child, "close");
  closeSync(input);
  closeSync(output);
  assert.equal(status, 0, `postern ${args[0]} ended with ${status}: ${Buffer.concat(said)}`);
  const kilobytes = readFileSync(peakFile, "utf8").trim().split("\n").map(Number);
  rmSync(peakFile);
  return Math.max(...kilobytes) / 1024;
}

function writeMail(file: string, megabytes: number): void {
  const { whole } = mailOf(2048);
  const lines = text(2 ** 20);
  const output = openSync(file, "w");
  writeSync(output, whole);
  for (let written = 0; written < megabytes; written++) writeSync(output, lines);
  closeSync(output);
}

function add(peaks: Map<number, number[]>, size: number, peak: number): void {
  peaks.set(size, [...(peaks.get(size) ?? []), peak]);
}
