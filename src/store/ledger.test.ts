import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import { anHour, keyOf, temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import { isSecureMailError } from "../errors.ts";
import { ledgerIn, purgeLedger } from "./ledger.ts";
import { Sqlite } from "./sqlite.ts";

const now = new Date("2026-11-23T09:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);

test("the ledger knows what was recorded, each key in its place", async (t) => {
  const { ledger } = await temporaryStore(t);
  assert.deepEqual(await ledger.find([keyOf("a"), keyOf("b")], now), [false, false]);
  await ledger.record([{ key: keyOf("b"), until: later(anHour) }]);
  assert.deepEqual(await ledger.find([keyOf("a"), keyOf("b"), keyOf("b")], now), [false, true, true]);
  assert.deepEqual(await ledger.find([], now), []);
});

test("an entry counts until its time, and may be given another", async (t) => {
  const { ledger } = await temporaryStore(t);
  const key = keyOf("a");
  await ledger.record([{ key, until: later(anHour) }]);
  assert.deepEqual(await ledger.find([key], later(anHour - 1)), [true]);
  assert.deepEqual(await ledger.find([key], later(anHour)), [false]);
  await ledger.record([{ key, until: later(2 * anHour) }]);
  assert.deepEqual(await ledger.find([key], later(anHour)), [true]);
});

test("the ledger agrees with a table in memory, in any order of acts", async (t) => {
  const { ledger } = await temporaryStore(t);
  const act = fc.record({ keys: fc.uniqueArray(fc.nat(40), { maxLength: 8 }), until: fc.nat(1000), at: fc.nat(1000) });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
      run += 1;
      const kept = new Map<number, number>();
      for (const { keys, until, at } of acts) {
        const hashes = keys.map((key) => keyOf(`${run} ${key}`));
        const expected = keys.map((key) => (kept.get(key) ?? Number.NEGATIVE_INFINITY) > at);
        assert.deepEqual(await ledger.find(hashes, later(at)), expected);
        await ledger.record(hashes.map((key) => ({ key, until: later(until) })));
        for (const key of keys) kept.set(key, until);
      }
    }),
    { numRuns: 60 },
  );
});

test("entries are there for another store on the same file, at once and after both were closed", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [await temporaryStore(t, { folder }), await temporaryStore(t, { folder })];
  await one.ledger.record([{ key: keyOf("a"), until: later(anHour) }]);
  assert.deepEqual(await two.ledger.find([keyOf("a")], now), [true]);
  await one.close();
  await two.close();
  const again = await temporaryStore(t, { folder });
  assert.deepEqual(await again.ledger.find([keyOf("a")], now), [true]);
});

for (const { change, why } of [
  { change: "until = until + 1", why: "its time was changed" },
  { change: "until = until + 604800000", why: "its time was put off" },
  { change: "checksum = checksum + 1", why: "its checksum was changed" },
]) {
  test(`an entry does not count when ${why}`, async (t) => {
    const { ledger, file } = await temporaryStore(t);
    await ledger.record([{ key: keyOf("a"), until: later(anHour) }]);
    using database = new DatabaseSync(file);
    database.exec(`UPDATE ledger SET ${change}`);
    assert.deepEqual(await ledger.find([keyOf("a")], now), [false]);
    await ledger.record([{ key: keyOf("a"), until: later(anHour) }]);
    assert.deepEqual(await ledger.find([keyOf("a")], now), [true]);
  });
}

test("an entry that was moved to another key does not count", async (t) => {
  const { ledger, file } = await temporaryStore(t);
  await ledger.record([{ key: keyOf("a"), until: later(anHour) }]);
  using database = new DatabaseSync(file);
  database.prepare("UPDATE ledger SET key = ?").run(keyOf("b"));
  assert.deepEqual(await ledger.find([keyOf("a"), keyOf("b")], now), [false, false]);
});

test("a purge takes what is over and leaves what counts", async (t) => {
  const database = new Sqlite({ file: `${temporaryFolder(t)}/postern.db`, onFault: assert.ifError });
  t.after(() => database.close());
  const ledger = ledgerIn(database);
  await ledger.record([0, 1, 2, 3].map((hours) => ({ key: keyOf(hours), until: later(hours * anHour) })));
  assert.deepEqual(await database.write(purgeLedger(later(1.5 * anHour))), [2]);
  assert.deepEqual(await ledger.find([0, 1, 2, 3].map(keyOf), later(-1)), [false, false, true, true]);
});

test("a ledger that cannot be read or written says so, and the process goes on", async (t) => {
  const { ledger, file } = await temporaryStore(t);
  await ledger.record([{ key: keyOf("a"), until: later(anHour) }]);
  using database = new DatabaseSync(file);
  database.exec("DROP TABLE ledger");
  const unusable = (thrown: unknown): boolean =>
    isSecureMailError(thrown, "STORE_UNUSABLE") && thrown.fault === "temporary";
  await assert.rejects(ledger.find([keyOf("a")], now), unusable);
  await assert.rejects(ledger.record([{ key: keyOf("a"), until: later(anHour) }]), unusable);
});
