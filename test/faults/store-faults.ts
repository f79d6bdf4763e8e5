// What is common to the tests that break the ground under a store: the process that writes, and what must be there
// afterwards.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import path from "node:path";
import type { TestContext } from "node:test";
import { collect } from "../../src/bytes.ts";
import { keyOf, temporaryStore } from "../temporary-store.ts";

export const now: Date = new Date("2026-11-23T09:00:00Z");
export const until: Date = new Date("2026-11-30T09:00:00Z");

/** Some 20 kB that go with an id. */
export function heldOctets(id: string): Uint8Array {
  return Buffer.alloc(20_000, createHash("sha256").update(id).digest("hex"));
}

export type WriterRun = {
  readonly acknowledged: readonly string[];
  readonly failed: readonly string[];
  readonly ended: boolean;
};

export type Writer = {
  readonly process: ChildProcess;
  /** Lines so far. */
  lines(): readonly string[];
  /** After it has ended, whichever way. */
  finished(): Promise<WriterRun>;
};

const program = path.resolve(import.meta.dirname, "store-writer.ts");

/** Starts store-writer.ts; `around` is what stands before `node` on the command line. */
export function startWriter(args: readonly (string | number)[], around: readonly string[] = []): Writer {
  const [command = "", ...rest] = [...around, process.execPath, program, ...args.map(String)];
  // One thread for files, so that the n-th call is always the same one.
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env });
  let [out, said] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const closed = once(child, "close");
  const lines = (): string[] => out.split("\n").slice(0, -1);
  return {
    process: child,
    lines,
    async finished() {
      await closed;
      assert.equal(said, "", "nothing on stderr");
      for (const line of lines()) assert.match(line, /^(?:record|hold) \w+(?:-\d+)?$|^failed [A-Z_]+$|^end$/);
      return {
        acknowledged: lines().filter((line) => /^(?:record|hold) /.test(line)),
        failed: lines().flatMap((line) => (line.startsWith("failed ") ? [line.slice("failed ".length)] : [])),
        ended: lines().at(-1) === "end",
      };
    },
  };
}

/** Whatever was acknowledged is there, and held mail has its octets. */
export async function assertKept(t: TestContext, folder: string, acknowledged: readonly string[]): Promise<void> {
  const { ledger, holds, faults, close } = await temporaryStore(t, { folder });
  const named = (kind: string): string[] =>
    acknowledged.flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : []));
  const records = named("record");
  const found = await ledger.find(records.map(keyOf), now);
  assert.deepEqual(
    records.filter((_, n) => found[n] !== true),
    [],
    "every record that was acknowledged is found",
  );
  const held = new Set((await holds.list()).map(({ id }) => id));
  assert.deepEqual(
    named("hold").filter((id) => !held.has(id)),
    [],
    "every hold that was acknowledged is listed",
  );
  for (const id of held) assert.equal(Buffer.compare(await collect(holds.read(id)), heldOctets(id)), 0);
  assert.deepEqual((await holds.strays()).rows, [], "no row without its file");
  assert.deepEqual(faults, []);
  await close();
}
