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
  const { queueId, messageId, ...bare } = rowOf("lee@b.example", { reversePath: "" });
  tracking.note([bare]);
  assert.deepEqual(await tracking.find({ text: "lee@b.example" }), [bare]);
  assert.deepEqual([queueId, messageId].length, 2);
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
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal((await two.tracking.find({})).length, 1);
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
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.match(String(faults), /STORE_UNUSABLE|no such table: track/);
});

test("rows are kept for thirty days", async (t) => {
  const database = new Sqlite({ file: `${temporaryFolder(t)}/postern.db`, onFault: assert.ifError });
  t.after(() => database.close());
  const tracking = trackingIn(database);
  tracking.note([0, 29, 31].map((age) => rowOf(`u${age}@b.example`, { at: new Date(noon.getTime() - age * aDay) })));
  await database.write(purgeTracking(noon));
  // The rows went out with the purge or before it: they are asked for, so they are there.
  await tracking.find({});
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
