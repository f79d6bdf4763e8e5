import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { keyOf, temporaryFolder } from "../../test/temporary-store.ts";
import { openJournal, readJournals } from "./journal.ts";

const names = (keys: readonly Uint8Array[]): string[] => keys.map((key) => Buffer.from(key).toString("hex")).sort();

test("what was begun and not ended is in flight", (t) => {
  const folder = temporaryFolder(t);
  const journal = openJournal(folder, "worker-1");
  const [endFirst] = [journal.begin(keyOf(1), false), journal.begin(keyOf(2), true)];
  endFirst();
  assert.deepEqual(readJournals(folder).inFlight, [{ worker: "worker-1", key: new Uint8Array(keyOf(2)), alone: true }]);
});

test("the journal agrees with a set in memory, in any order of beginnings and ends", (t) => {
  const folder = temporaryFolder(t);
  const journal = openJournal(folder, "worker-1");
  const { size } = statSync(path.join(folder, "inflight/worker-1"));
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (acts) => {
      const going = new Map<number, () => void>();
      for (const act of acts) {
        const end = going.get(act);
        if (end === undefined) going.set(act, journal.begin(keyOf(act), act % 2 === 0));
        else {
          end();
          going.delete(act);
        }
      }
      const { inFlight } = readJournals(folder, "worker-1");
      assert.deepEqual(names(inFlight.map(({ key }) => key)), names([...going.keys()].map(keyOf)));
      for (const { key, alone } of inFlight)
        assert.equal(
          alone,
          [...going.keys()].some((act) => act % 2 === 0 && Buffer.from(key).equals(keyOf(act))),
        );
      for (const end of going.values()) end();
    }),
    { numRuns: 50 },
  );
  assert.equal(statSync(path.join(folder, "inflight/worker-1")).size, size, "slots are used again");
});

test("what was done and is not in the ledger yet is there for who reads the journal", (t) => {
  const folder = temporaryFolder(t);
  const journal = openJournal(folder, "worker-1");
  const until = new Date("2026-06-08T12:00:00.123Z");
  const end = journal.begin(keyOf(1), false);
  const inLedger = journal.done([
    { key: keyOf(2), until },
    { key: keyOf(3), until },
  ]);
  journal.done([{ key: keyOf(4), until }])();
  const { inFlight, done } = readJournals(folder);
  assert.deepEqual(names(inFlight.map(({ key }) => key)), names([keyOf(1)]));
  assert.deepEqual(names(done.map(({ key }) => key)), names([keyOf(2), keyOf(3)]));
  assert.deepEqual(done[0]?.until, until);
  inLedger();
  end();
  const left = readJournals(folder);
  assert.deepEqual([left.inFlight, left.done], [[], []]);
});

test("an end that is called twice ends nobody else's message", (t) => {
  const folder = temporaryFolder(t);
  const journal = openJournal(folder, "worker-1");
  const end = journal.begin(keyOf(1), false);
  end();
  journal.begin(keyOf(2), false);
  end();
  journal.begin(keyOf(3), false);
  assert.deepEqual(names(readJournals(folder).inFlight.map(({ key }) => key)), names([keyOf(2), keyOf(3)]));
});

test("journals are read by worker, and forgotten only when that is asked for", (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(readJournals(folder).inFlight, []);
  openJournal(folder, "one").begin(keyOf(1), false);
  openJournal(folder, "two").begin(keyOf(2), false);
  assert.deepEqual(readJournals(folder, "none").inFlight, []);
  const left = readJournals(folder, "one");
  assert.deepEqual(
    left.inFlight.map(({ worker }) => worker),
    ["one"],
  );
  assert.equal(readJournals(folder).inFlight.length, 2);
  left.forget();
  assert.deepEqual(
    readJournals(folder).inFlight.map(({ worker }) => worker),
    ["two"],
  );
  readJournals(folder).forget();
  assert.deepEqual(readdirSync(path.join(folder, "inflight")), []);
});

test("a worker that ends in order leaves no file; one of its name begins with none in flight", (t) => {
  const folder = temporaryFolder(t);
  const first = openJournal(folder, "one");
  first.begin(keyOf(1), false);
  openJournal(folder, "one");
  assert.deepEqual(readJournals(folder).inFlight, []);
  first.close();
  assert.equal(existsSync(path.join(folder, "inflight/one")), false);
});

test("more messages than the file has room for are in flight too", (t) => {
  const folder = temporaryFolder(t);
  const journal = openJournal(folder, "one");
  const keys = Array.from({ length: 600 }, (_, n) => keyOf(n));
  const ends = keys.map((key) => journal.begin(key, false));
  assert.deepEqual(names(readJournals(folder).inFlight.map(({ key }) => key)), names(keys));
  for (const end of ends) end();
  assert.deepEqual(readJournals(folder).inFlight, []);
});

test("a slot that is torn or altered accuses nobody, and harms no other", (t) => {
  const folder = temporaryFolder(t);
  const journal = openJournal(folder, "one");
  for (let n = 0; n < 3; n++) journal.begin(keyOf(n), true);
  const file = path.join(folder, "inflight/one");
  const slot = 1 + 32 + 8 + 4;
  const whole = readFileSync(file).subarray(0, 3 * slot);
  for (let bit = slot * 8; bit < 2 * slot * 8; bit++) {
    const altered = Buffer.from(whole);
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
    writeFileSync(file, altered);
    const left = readJournals(folder).inFlight.map(({ key }) => key);
    assert.deepEqual(names(left), names([keyOf(0), keyOf(2)]), `bit ${bit}`);
  }
  writeFileSync(file, whole.subarray(0, whole.length - 1));
  assert.equal(readJournals(folder).inFlight.length, 2);
});

test("what a killed process was working on is in its journal", async (t) => {
  const folder = temporaryFolder(t);
  const program = `
    import { openJournal } from ${JSON.stringify(new URL("./journal.ts", import.meta.url).href)};
    const journal = openJournal(${JSON.stringify(folder)}, "doomed");
    const ends = [0, 1, 2, 3].map((n) => journal.begin(new Uint8Array(32).fill(n), n === 3));
    ends[1]();
    process.stdout.write("ready");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const left = readJournals(folder, "doomed").inFlight;
  assert.deepEqual(
    left.map(({ key, alone }) => [key[0], alone]),
    [
      [0, false],
      [2, false],
      [3, true],
    ],
  );
});
