import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { keyOf, mailToHold, temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import { type ByteSource, collect, sourceOf } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";

const letter = Buffer.from("Subject: hello\r\n\r\nfar too secret\r\n");
const withCode =
  (code: string) =>
  (thrown: unknown): boolean =>
    isSecureMailError(thrown, code) && thrown.fault === "temporary";

test("held mail is listed, found and read as it was held", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  const mail = { ...mailToHold("4XyZ1", letter), messageId: "<1@b.example>", report: { code: "BAD_CONTENT" } };
  assert.equal(await holds.hold(keyOf(1), mail, sourceOf(letter.subarray(0, 5), letter.subarray(5))), "4XyZ1");
  assert.deepEqual(await holds.list(), [{ ...mail, state: "held" }]);
  assert.deepEqual(await holds.find("4XyZ1"), { ...mail, state: "held" });
  assert.deepEqual(Buffer.from(await collect(holds.read("4XyZ1"))), letter);
  assert.deepEqual(readdirSync(path.join(folder, "hold")), ["4XyZ1.eml"]);
});

test("held mail of any size is read as it was held", async (t) => {
  const { holds } = await temporaryStore(t);
  for (const size of [0, 1, 65_536, 3_000_001]) {
    const octets = randomBytes(size);
    await holds.hold(keyOf(size), mailToHold(`size${size}`, octets), sourceOf(octets));
    assert.equal(Buffer.compare(await collect(holds.read(`size${size}`)), octets), 0);
  }
});

test("only the owner reads held mail and database", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  await holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter));
  const mode = (name: string): string => (statSync(path.join(folder, name)).mode & 0o777).toString(8);
  assert.equal(mode("hold"), "700");
  for (const name of ["hold/a.eml", "postern.db", "postern.db-wal", "postern.db-shm"]) assert.equal(mode(name), "600");
});

test("the database holds nothing of what was written", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  await holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter));
  for (const name of ["postern.db", "postern.db-wal"])
    assert.equal(readFileSync(path.join(folder, name)).includes("far too secret"), false);
});

test("a second hold of the same mail is the first one, also when both come at once", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [await temporaryStore(t, { folder }), await temporaryStore(t, { folder })];
  const [first, second] = await Promise.all([
    one.holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter)),
    two.holds.hold(keyOf(1), mailToHold("b", letter), sourceOf(letter)),
  ]);
  assert.equal(first, second);
  assert.equal(await one.holds.hold(keyOf(1), mailToHold("c", letter), sourceOf(letter)), first);
  assert.equal((await two.holds.list()).length, 1);
  assert.deepEqual(readdirSync(path.join(folder, "hold")), [`${first}.eml`]);
});

test("a settled mail is gone from the list, audited, and cannot be settled again", async (t) => {
  const { holds, audit, folder } = await temporaryStore(t);
  await holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter));
  const at = new Date("2026-11-23T10:00:00Z");
  await holds.settle("a", "released", "root", at);
  assert.deepEqual(await holds.list(), []);
  assert.deepEqual(
    (await holds.list({ all: true })).map(({ id, state }) => [id, state]),
    [["a", "released"]],
  );
  assert.deepEqual(await audit.list(), [{ at, by: "root", act: "released", subject: "a" }]);
  assert.deepEqual(readdirSync(path.join(folder, "hold")), []);
  await assert.rejects(holds.settle("a", "dropped", "root"), withCode("HOLD_SETTLED"));
  await assert.rejects(holds.settle("b", "dropped", "root"), withCode("HOLD_SETTLED"));
  assert.equal((await audit.list()).length, 1);
});

test("a mail that was settled is held anew when it comes again", async (t) => {
  const { holds } = await temporaryStore(t);
  await holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter));
  await holds.settle("a", "dropped", "root");
  assert.equal(await holds.hold(keyOf(1), mailToHold("b", letter), sourceOf(letter)), "b");
  assert.deepEqual(Buffer.from(await collect(holds.read("b"))), letter);
});

test("of two that settle at once one succeeds", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [await temporaryStore(t, { folder }), await temporaryStore(t, { folder })];
  await one.holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter));
  const outcomes = await Promise.allSettled([
    one.holds.settle("a", "released", "kim"),
    two.holds.settle("a", "dropped", "lou"),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.equal((await one.audit.list()).length, 1);
});

test("held mail over the quota is refused for now, and nothing of it stays", async (t) => {
  const { holds, folder } = await temporaryStore(t, { holdQuota: 100 });
  const octets = randomBytes(60);
  await holds.hold(keyOf(1), mailToHold("a", octets), sourceOf(octets));
  await assert.rejects(holds.hold(keyOf(2), mailToHold("b", octets), sourceOf(octets)), withCode("HOLD_FULL"));
  assert.deepEqual(readdirSync(path.join(folder, "hold")), ["a.eml"]);
  await holds.settle("a", "dropped", "root");
  assert.equal(await holds.hold(keyOf(2), mailToHold("b", octets), sourceOf(octets)), "b");
});

test("the quota holds when many come at once", async (t) => {
  const { holds, folder } = await temporaryStore(t, { holdQuota: 100 });
  const octets = randomBytes(30);
  const outcomes = await Promise.allSettled(
    [1, 2, 3, 4, 5, 6].map((n) => holds.hold(keyOf(n), mailToHold(`m${n}`, octets), sourceOf(octets))),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 3);
  assert.equal((await holds.list()).length, 3);
  assert.equal(readdirSync(path.join(folder, "hold")).length, 3);
});

test("octets that are not the announced ones are not held", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  const mail = mailToHold("a", letter);
  for (const octets of [letter.subarray(1), Buffer.concat([letter, letter]), Buffer.from(letter).fill(0, 3, 4)])
    await assert.rejects(holds.hold(keyOf(1), mail, sourceOf(octets)), withCode("HOLD_UNWRITABLE"));
  assert.deepEqual(await holds.list(), []);
  assert.deepEqual(readdirSync(path.join(folder, "hold")), []);
});

test("a source that fails leaves nothing, and its failure is told", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  async function* failing(): ByteSource {
    yield letter.subarray(0, 5);
    throw new Error("the spool is gone");
  }
  await assert.rejects(holds.hold(keyOf(1), mailToHold("a", letter), failing()), /the spool is gone/);
  assert.deepEqual(readdirSync(path.join(folder, "hold")), []);
});

for (const { change, why } of [
  { change: (file: string) => writeFileSync(file, "Subject: another\r\n"), why: "replaced" },
  { change: (file: string) => writeFileSync(file, letter.subarray(0, 20)), why: "cut" },
  { change: (file: string) => writeFileSync(file, Buffer.from(letter).fill("X", 20, 21)), why: "altered by one octet" },
  { change: (file: string) => rmSync(file), why: "removed" },
]) {
  test(`a held mail whose file was ${why} does not end as if it were whole`, async (t) => {
    const { holds, folder } = await temporaryStore(t);
    await holds.hold(keyOf(1), mailToHold("a", letter), sourceOf(letter));
    change(path.join(folder, "hold/a.eml"));
    await assert.rejects(collect(holds.read("a")), withCode("HOLD_UNREADABLE"));
  });
}

test("a name that leads elsewhere finds nothing and touches nothing", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  const outside = path.join(folder, "victim.eml");
  writeFileSync(outside, letter);
  for (const id of ["../victim", "..", "/etc/passwd", "a/b", "", "a\0b", "a".repeat(300)]) {
    assert.equal(await holds.find(id), undefined);
    await assert.rejects(collect(holds.read(id)), withCode("HOLD_UNREADABLE"));
    await assert.rejects(holds.settle(id, "dropped", "root"), withCode("HOLD_SETTLED"));
    await assert.rejects(holds.hold(keyOf(1), mailToHold(id, letter), sourceOf(letter)));
  }
  assert.ok(existsSync(outside));
  assert.deepEqual(await holds.list({ all: true }), []);
});

test("files without a row and rows without a file are named, and left alone", async (t) => {
  const { holds, folder } = await temporaryStore(t);
  assert.deepEqual(await holds.strays(), { files: [], rows: [], altered: [] });
  for (const id of ["a", "b"]) await holds.hold(keyOf(id), mailToHold(id, letter), sourceOf(letter));
  rmSync(path.join(folder, "hold/b.eml"));
  for (const name of ["c.eml", "d.eml.part", "young.eml"]) writeFileSync(path.join(folder, "hold", name), letter);
  const anHourAgo = Date.now() / 1000 - 3600;
  for (const name of ["a.eml", "c.eml", "d.eml.part"])
    utimesSync(path.join(folder, "hold", name), anHourAgo, anHourAgo);
  assert.deepEqual(await holds.strays(), { files: ["c.eml", "d.eml.part"], rows: ["b"], altered: [] });
  assert.deepEqual(readdirSync(path.join(folder, "hold")).length, 4);
});

test("a held mail about which something else stands than was written is named, and not given out", async (t) => {
  const { holds, file } = await temporaryStore(t);
  for (const id of ["a", "b"]) await holds.hold(keyOf(id), mailToHold(id, letter), sourceOf(letter));
  using database = new DatabaseSync(file);
  database.exec("UPDATE hold SET mail = replace(mail, 'mei@a.example', 'eve@x.example') WHERE id = 'a'");
  await assert.rejects(holds.find("a"), withCode("STORE_ENTRY"));
  await assert.rejects(collect(holds.read("a")), withCode("STORE_ENTRY"));
  assert.deepEqual(
    (await holds.list()).map(({ id }) => id),
    ["b"],
  );
  assert.deepEqual(await holds.strays(), { files: [], rows: [], altered: ["a"] });
});
