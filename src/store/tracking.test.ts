import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import { Sqlite } from "./sqlite.ts";
import { purgeTracking, type TrackRow, trackingIn } from "./tracking.ts";

const noon = new Date("2026-11-23T12:00:00Z");
const aDay = 24 * 3600_000;
const rowOf = (forwardPath: string, changes: Partial<TrackRow> = {}): TrackRow => ({
  id: "4XyZ1",
  at: noon,
  queueId: "4QueueId",
  messageId: "<1@a.example>",
  reversePath: "kim@a.example",
  forwardPath,
  reply: "250 2.0.0 Ok",
  report: { code: "OK", treatment: "protect" },
  ...changes,
});

/** Waits until it is so; fails when it takes longer than on any machine. */
async function soon(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; !(await isSo()); ) {
    assert.ok(performance.now() < end, "it takes too long");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("a row is found by each of its names, in any case, with or without brackets", async (t) => {
  const { tracking } = await temporaryStore(t);
  const [wanted, other] = [
    rowOf("lee@b.example"),
    rowOf("zoe@c.example", { id: "4XyZ2", queueId: "4Q2", messageId: "<2@c.example>", reversePath: "z@c.example" }),
  ];
  tracking.note([wanted, other]);
  for (const text of [
    "4XyZ1",
    "4QueueId",
    "<1@a.example>",
    "1@a.example",
    "<1@A.EXAMPLE>",
    "kim@a.example",
    "Kim@A.example",
    "<kim@a.example>",
    "lee@b.example",
  ])
    assert.deepEqual(await tracking.find({ text }), [wanted], text);
  assert.deepEqual(await tracking.find({ text: "4xyz1" }), [], "an id is a name of ours, letter for letter");
  assert.deepEqual(await tracking.find({ text: "a.example" }), []);
});

test("a row without queue id and Message-ID is found by its addresses", async (t) => {
  const { tracking } = await temporaryStore(t);
  const { queueId: _, messageId: __, ...bare } = rowOf("lee@b.example", { reversePath: "" });
  tracking.note([bare]);
  assert.deepEqual(await tracking.find({ text: "lee@b.example" }), [bare]);
});

test("rows are found by time, the latest first, as many as asked for", async (t) => {
  const { tracking } = await temporaryStore(t);
  const rows = [0, 1, 2, 3].map((day) => rowOf(`u${day}@b.example`, { at: new Date(noon.getTime() + day * aDay) }));
  tracking.note(rows);
  const [first, second, third, fourth] = rows;
  assert.deepEqual(await tracking.find({}), [fourth, third, second, first]);
  assert.deepEqual(await tracking.find({ limit: 2 }), [fourth, third]);
  assert.deepEqual(await tracking.find({ from: third?.at as Date }), [fourth, third]);
  assert.deepEqual(await tracking.find({ until: second?.at as Date, text: "kim@a.example" }), [second, first]);
});

test("rows that nobody waits for are written soon, and at the latest when the store is closed", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [await temporaryStore(t, { folder }), await temporaryStore(t, { folder })];
  one.tracking.note([rowOf("lee@b.example")]);
  await soon(async () => (await two.tracking.find({})).length === 1);
  one.tracking.note(Array.from({ length: 1000 }, (_, n) => rowOf(`u${n}@b.example`)));
  await one.close();
  assert.equal((await two.tracking.find({ limit: 2000 })).length, 1001);
  assert.deepEqual([one.faults, two.faults], [[], []]);
});

test("rows that cannot be written are a fault that is told, not a failure of anybody", async (t) => {
  const { tracking, ledger, file, faults } = await temporaryStore(t);
  using database = new DatabaseSync(file);
  database.exec("DROP TABLE track");
  tracking.note([rowOf("lee@b.example")]);
  await ledger.record([{ key: new Uint8Array(32), until: noon }]);
  await soon(async () => faults.length > 0);
  assert.match(String(faults), /no such table: track/);
});

test("rows are kept for thirty days", async (t) => {
  const database = new Sqlite({ file: `${temporaryFolder(t)}/postern.db`, onFault: assert.ifError });
  t.after(() => database.close());
  const tracking = trackingIn(database);
  tracking.note([0, 29, 31].map((age) => rowOf(`u${age}@b.example`, { at: new Date(noon.getTime() - age * aDay) })));
  // What is asked for is written first.
  assert.equal((await tracking.find({})).length, 3);
  await database.write(purgeTracking(noon));
  assert.deepEqual(
    (await tracking.find({})).map(({ forwardPath }) => forwardPath),
    ["u0@b.example", "u29@b.example"],
  );
});

test("hostile names are found letter by letter and nothing else", async (t) => {
  const { tracking } = await temporaryStore(t);
  const names = ["%", "_", "'; DROP TABLE track; --", '"a b"@c.example', "a\n250 ok", "名@例.example", "__proto__"];
  tracking.note(names.map((name) => rowOf(name)));
  for (const name of names)
    assert.deepEqual(
      (await tracking.find({ text: name })).map(({ forwardPath }) => forwardPath),
      [name],
    );
});
