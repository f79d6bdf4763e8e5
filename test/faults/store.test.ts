// The ground under the store gives way: processes die, disks are full, single calls to the system fail. Whatever was
// acknowledged is there afterwards, whatever was not was said to have failed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { sourceOf } from "../../src/bytes.ts";
import { isSecureMailError } from "../../src/errors.ts";
import { spillingSpools } from "../../src/store.ts";
import { notRun } from "../not-run.ts";
import { keyOf, mailToHold, temporaryFolder, temporaryStore } from "../temporary-store.ts";
import { assertKept, heldOctets, now, startWriter, until } from "./store-faults.ts";

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const temporary = (thrown: unknown): boolean => isSecureMailError(thrown) && thrown.fault === "temporary";

test("what was acknowledged before a process was killed is there, ten times", async (t) => {
  const folder = temporaryFolder(t);
  const acknowledged: string[] = [];
  for (let kill = 0; kill < 10; kill++) {
    const records = kill % 2 === 0 ? 1_000_000 : 20;
    const writer = startWriter([folder, `kill${kill}`, records, 1_000_000]);
    while (writer.lines().length < 30) await rest(5);
    await rest(Math.random() * 60);
    writer.process.kill("SIGKILL");
    const { ended, failed, ...run } = await writer.finished();
    assert.deepEqual([ended, failed], [false, []]);
    acknowledged.push(...run.acknowledged);
  }
  await assertKept(t, folder, acknowledged);
});

test("a process that is killed while others write does not stop them", async (t) => {
  const folder = temporaryFolder(t);
  const survivor = startWriter([folder, "survivor", 3000, 20]);
  const acknowledged: string[] = [];
  for (let kill = 0; kill < 5; kill++) {
    const victim = startWriter([folder, `victim${kill}`, 1_000_000, 0]);
    while (victim.lines().length < 20) await rest(2);
    victim.process.kill("SIGKILL");
    acknowledged.push(...(await victim.finished()).acknowledged);
  }
  const run = await survivor.finished();
  assert.deepEqual([run.ended, run.failed, run.acknowledged.length], [true, [], 3020]);
  await assertKept(t, folder, [...acknowledged, ...run.acknowledged]);
});

test("of four processes that write without pause none starves", async (t) => {
  const folder = temporaryFolder(t);
  const writers = Array.from({ length: 4 }, (_, n) => startWriter([folder, `w${n}`, 1_000_000, 0, 2]));
  while (writers.some((writer) => writer.lines().length === 0)) await rest(5);
  const counts = (): number[] => writers.map((writer) => writer.lines().length);
  const before = counts();
  await rest(2000);
  const gained = counts().map((count, n) => count - (before[n] as number));
  for (const writer of writers) writer.process.kill("SIGKILL");
  const runs = await Promise.all(writers.map((writer) => writer.finished()));
  assert.deepEqual(
    runs.flatMap(({ failed }) => failed),
    [],
  );
  assert.ok(Math.min(...gained) > Math.max(...gained) / 10, `records each: ${gained}`);
  await assertKept(
    t,
    folder,
    runs.flatMap(({ acknowledged }) => acknowledged),
  );
});

test("a limit on the size of files, wherever it strikes, costs nothing that was acknowledged", async (t) => {
  let [failures, successes] = [0, 0];
  for (let blocks = 0; blocks <= 300; blocks += 30) {
    const folder = temporaryFolder(t);
    const writer = startWriter([folder, "w", 40, 3, 2], ["sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "sh"]);
    const { acknowledged, failed, ended } = await writer.finished();
    assert.equal(ended, true, `${blocks} blocks`);
    failures += failed.length;
    successes += acknowledged.length;
    await assertKept(t, folder, acknowledged);
  }
  assert.ok(failures > 0 && successes > 0, `${failures} failures, ${successes} successes`);
});

/** The n-th call of a kind on the store's files fails, once or from then on; `calls` is how many there are, at least. */
const callsThatFail = [
  { call: "fsync", error: "EIO", calls: 14, every: 1 },
  { call: "pwrite64", error: "ENOSPC", calls: 100, every: 8 },
  { call: "pread64", error: "EIO", calls: 24, every: 6 },
  { call: "openat", error: "ENOSPC", calls: 8, every: 1 },
  { call: "write", error: "ENOSPC", calls: 2, every: 1 },
  { call: "rename", error: "EIO", calls: 2, every: 1 },
  { call: "mkdir", error: "EDQUOT", calls: 1, every: 1 },
  { call: "ftruncate", error: "EIO", calls: 1, every: 1 },
  { call: "unlink", error: "EIO", calls: 1, every: 1 },
] as const;

const tracing = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;
if (!tracing) notRun(callsThatFail.length + 1, "no strace that may trace here");
else {
  test("nothing is acknowledged before it is synced, and held mail in its order", async (t) => {
    const folder = temporaryFolder(t);
    const calls = path.join(temporaryFolder(t), "calls");
    const strace = ["strace", "-f", "-y", "-qq", "-o", calls, "-e", "trace=fsync,fdatasync,rename,write"];
    const { acknowledged } = await startWriter([folder, "w", 10, 1, 1], strace).finished();
    assert.equal(acknowledged.length, 11);
    const log = /sync\(\d+<.*postern\.db-wal>\)/;
    const steps = readFileSync(calls, "utf8").split("\n");
    const holding = [/sync\(\d+<.*wx0\.eml\.part>\)/, /rename\(.*wx0\.eml"\)/, /sync\(\d+<.*hold>\)/, log];
    let at = 0;
    for (const line of acknowledged) {
      const said = steps.findIndex((step) => step.includes(`"${line}\\n"`));
      for (const wanted of line.startsWith("hold") ? holding : [log]) {
        at = steps.findIndex((step, n) => n > at && n < said && wanted.test(step));
        assert.ok(at > 0, `${line}: ${wanted}`);
      }
      at = said;
    }
  });

  for (const { call, error, calls, every } of callsThatFail) {
    test(`a ${call} that fails with ${error}, whichever, costs nothing that was acknowledged`, async (t) => {
      let failures = 0;
      for (let n = 1; n <= calls; n += every) {
        const both = [`${n}`, `${n}+`].map((when) => writeWhileFailing(t, `${call}:error=${error}:when=${when}`));
        failures += (await Promise.all(both)).reduce((sum, failed) => sum + failed, 0);
      }
      if (call !== "unlink" && call !== "ftruncate") assert.ok(failures > 0, "some acts failed");
    });
  }
}

/** How many acts failed; checks that those that did not are there. */
async function writeWhileFailing(t: TestContext, inject: string): Promise<number> {
  const folder = temporaryFolder(t);
  const ids = ["wx0", "wx1"].flatMap((id) => [`hold/${id}.eml`, `hold/${id}.eml.part`]);
  const files = ["", "hold", "postern.db", "postern.db-wal", ...ids].flatMap((name) => ["-P", path.join(folder, name)]);
  const strace = ["strace", "-f", "-qq", "-o", "/dev/null", ...files, "-e", `inject=${inject}`];
  const { acknowledged, failed, ended } = await startWriter([folder, "w", 5, 2, 1], strace).finished();
  assert.equal(ended, true, inject);
  assert.equal(acknowledged.length + failed.length >= 7, true, inject);
  await assertKept(t, folder, acknowledged);
  return failed.length;
}

/** Runs `test` in a folder on a small disk of its own, where this user may mount one. */
function onSmallDisk(name: string, size: string, body: (t: TestContext, disk: string) => Promise<void>): void {
  const disk = mkdtempSync(path.join(tmpdir(), "postern-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk]).status === 0;
  process.once("exit", () => {
    if (mounted) spawnSync("umount", ["-l", disk]);
    rmSync(disk, { recursive: true, force: true });
  });
  if (mounted) test(name, (t) => body(t, disk));
  else notRun(1, `no disk may be mounted: ${name}`);
}

/** Takes what room is left; returns what gives it back. */
function fillUp(disk: string): () => void {
  const file = openSync(path.join(disk, "filler"), "w");
  for (const size of [65_536, 4096, 1]) {
    const octets = Buffer.alloc(size);
    try {
      while (writeSync(file, octets) === size);
    } catch {
      // full, to this size
    }
  }
  return () => {
    ftruncateSync(file);
    closeSync(file);
  };
}

onSmallDisk(
  "on a full disk every act fails for now, what was recorded is found, and room heals",
  "4m",
  async (t, disk) => {
    const { ledger, plans, holds, close } = await temporaryStore(t, { folder: disk });
    await ledger.record([{ key: keyOf("before"), until }]);
    const release = fillUp(disk);
    const octets = heldOctets("a");
    const acts = {
      record: () => ledger.record(Array.from({ length: 500 }, (_, n) => ({ key: keyOf(n), until }))),
      keep: () =>
        plans.keep(keyOf("plan"), { firstSeen: now, treatments: [{ key: keyOf(1), kind: "x".repeat(50_000) }] }, until),
      hold: () => holds.hold(keyOf("a"), mailToHold("a", octets), sourceOf(octets)),
    };
    for (const [name, act] of Object.entries(acts)) await assert.rejects(act(), temporary, name);
    assert.deepEqual(await ledger.find([keyOf("before"), keyOf(0)], now), [true, false]);
    assert.deepEqual(await holds.list(), []);
    release();
    for (const act of Object.values(acts)) await act();
    assert.deepEqual(await ledger.find([keyOf("before"), keyOf(0), keyOf(499)], now), [true, true, true]);
    await close();
    await assertKept(t, disk, ["record before", "hold a"]);
  },
);

onSmallDisk("a store that begins on a full disk says so, and works when there is room", "1m", async (t, disk) => {
  const release = fillUp(disk);
  const { ledger, holds, faults, close } = await temporaryStore(t, { folder: path.join(disk, "below") });
  assert.ok(isSecureMailError(faults[0], "STORE_UNUSABLE"), String(faults[0]));
  await assert.rejects(ledger.find([keyOf(1)], now), temporary);
  release();
  await rest(1100);
  await ledger.record([{ key: keyOf(1), until }]);
  assert.deepEqual(await ledger.find([keyOf(1)], now), [true]);
  const octets = heldOctets("a");
  assert.equal(await holds.hold(keyOf("a"), mailToHold("a", octets), sourceOf(octets)), "a");
  await close();
});

onSmallDisk("a spool on a full disk is a temporary failure", "3m", async (_t, disk) => {
  const spool = spillingSpools(disk)();
  assert.throws(
    () => {
      for (let n = 0; n < 100; n++) spool.write(Buffer.alloc(65_536));
    },
    (thrown) => isSecureMailError(thrown, "SPILL_UNWRITABLE") && thrown.fault === "temporary",
  );
  spool.dispose();
});
