import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { anHour, keyOf, mailToHold, temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import { sourceOf } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { migrations } from "./schema.ts";

const now = new Date("2026-11-23T09:00:00Z");
const until = new Date(now.getTime() + anHour);
const unusable = (thrown: unknown): boolean => isSecureMailError(thrown, "STORE_UNUSABLE");

test("a suspect is whoever was there when a worker died; deaths alone are counted", async (t) => {
  const { suspects } = await temporaryStore(t);
  await suspects.accuse([
    { key: keyOf("a"), alone: false },
    { key: keyOf("b"), alone: true },
  ]);
  assert.deepEqual(await suspects.find(keyOf("a")), { deathsAlone: 0 });
  assert.deepEqual(await suspects.find(keyOf("b")), { deathsAlone: 1 });
  assert.equal(await suspects.find(keyOf("c")), undefined);
  await suspects.accuse([{ key: keyOf("b"), alone: true }]);
  await suspects.accuse([{ key: keyOf("b"), alone: false }]);
  assert.deepEqual(await suspects.find(keyOf("b")), { deathsAlone: 2 });
  await suspects.clear(keyOf("b"));
  assert.equal(await suspects.find(keyOf("b")), undefined);
});

test("a probe is found where it was seen, in order", async (t) => {
  const { probes } = await temporaryStore(t);
  const seen = { side: "inside", at: now, reversePath: "postmaster@a.example" } as const;
  await probes.note("token", seen);
  await probes.note("another", seen);
  await probes.note("token", { ...seen, side: "outside", reversePath: "" });
  assert.deepEqual(await probes.find("token"), [seen, { ...seen, side: "outside", reversePath: "" }]);
  assert.deepEqual(await probes.find("none"), []);
});

test("the audit log keeps its order", async (t) => {
  const { audit } = await temporaryStore(t);
  const entries = ["open", "read", "close"].map((act) => ({ at: now, by: "root", act, subject: "x" }));
  for (const entry of entries) await audit.note(entry);
  assert.deepEqual(await audit.list(), entries);
});

test("a store is opened by several processes' worth of openers at once", async (t) => {
  const folder = temporaryFolder(t);
  const stores = await Promise.all(Array.from({ length: 4 }, () => temporaryStore(t, { folder })));
  await Promise.all(stores.map(({ ledger }, n) => ledger.record([{ key: keyOf(n), until }])));
  for (const { ledger, faults } of stores) {
    assert.deepEqual(await ledger.find([0, 1, 2, 3].map(keyOf), now), [true, true, true, true]);
    assert.deepEqual(faults, []);
  }
});

test("a database made by an older version is brought up to date, once", async (t) => {
  const folder = temporaryFolder(t);
  new DatabaseSync(path.join(folder, "postern.db")).close();
  const stores = await Promise.all([temporaryStore(t, { folder }), temporaryStore(t, { folder })]);
  for (const { ledger } of stores) await ledger.record([{ key: keyOf(1), until }]);
  using database = new DatabaseSync(path.join(folder, "postern.db"));
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: migrations.length });
});

test("a database of a newer version is left alone, and named", async (t) => {
  const folder = temporaryFolder(t);
  const first = await temporaryStore(t, { folder });
  await first.close();
  using database = new DatabaseSync(first.file);
  database.exec("PRAGMA user_version = 99");
  const { ledger, faults } = await temporaryStore(t, { folder });
  await assert.rejects(ledger.record([{ key: keyOf(1), until }]), (thrown) => isSecureMailError(thrown, "STORE_NEWER"));
  assert.ok(isSecureMailError(faults[0], "STORE_NEWER"));
});

for (const { what, spoil } of [
  {
    what: "no database",
    spoil: (file: string) => writeFileSync(file, "Subject: a letter, and no database\r\n".repeat(200)),
  },
  { what: "a folder", spoil: (file: string) => mkdirSync(file) },
  {
    what: "a database whose first page was overwritten",
    spoil: (file: string) => {
      const database = new DatabaseSync(file);
      database.exec("CREATE TABLE a (b)");
      database.close();
      writeFileSync(file, Buffer.alloc(100, 0xff), { flag: "r+" });
    },
  },
]) {
  test(`a store whose file is ${what} opens, says so, and fails each act until it is mended`, async (t) => {
    const folder = temporaryFolder(t);
    spoil(path.join(folder, "postern.db"));
    const { ledger, plans, holds, suspects, faults } = await temporaryStore(t, { folder });
    assert.ok(unusable(faults[0]), String(faults[0]));
    await assert.rejects(ledger.find([keyOf(1)], now), unusable);
    await assert.rejects(ledger.record([{ key: keyOf(1), until }]), unusable);
    await assert.rejects(plans.find(keyOf(1)), unusable);
    await assert.rejects(suspects.find(keyOf(1)), unusable);
    const octets = Buffer.from("a letter");
    await assert.rejects(holds.hold(keyOf(1), mailToHold("a", octets), sourceOf(octets)), unusable);
  });
}

test("a store that could not be used is used when it is mended", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "postern.db");
  writeFileSync(file, "no database".repeat(1000));
  const { ledger } = await temporaryStore(t, { folder });
  await assert.rejects(ledger.record([{ key: keyOf(1), until }]), unusable);
  writeFileSync(file, "");
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await ledger.record([{ key: keyOf(1), until }]);
  assert.deepEqual(await ledger.find([keyOf(1)], now), [true]);
});

test("what is asked of a closed store fails", async (t) => {
  const { ledger, close } = await temporaryStore(t);
  await close();
  await close();
  await assert.rejects(ledger.record([{ key: keyOf(1), until }]), unusable);
});

test("folders that are missing are made, for the owner alone", async (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o700);
  const { holds } = await temporaryStore(t, { folder: path.join(folder, "deep", "down") });
  const octets = Buffer.from("a letter");
  assert.equal(await holds.hold(keyOf(1), mailToHold("a", octets), sourceOf(octets)), "a");
});

test("what is over is removed in passing, however much it is", async (t) => {
  let present = now;
  const { ledger, tracking, file, faults } = await temporaryStore(t, { clock: () => present, purgeEveryMs: 20 });
  await ledger.record(Array.from({ length: 2100 }, (_, n) => ({ key: keyOf(n), until })));
  await ledger.record([{ key: keyOf("later"), until: new Date(until.getTime() + 60 * 24 * anHour) }]);
  const row = { id: "1", at: now, reversePath: "", forwardPath: "", reply: "", report: {} };
  tracking.note(Array.from({ length: 1100 }, () => row));
  using database = new DatabaseSync(file);
  const rows = (): unknown[] =>
    ["ledger", "track"].map((table) => database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  while (rows()[1] !== 1100) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(rows(), [2101, 1100]);
  present = new Date(now.getTime() + 31 * 24 * anHour);
  for (const end = performance.now() + 10_000; rows().join() !== "1,0" && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(rows(), [1, 0]);
  assert.deepEqual(faults, []);
});

test("held mail that is not as it was left is named when the store is opened, and stays", async (t) => {
  const folder = temporaryFolder(t);
  const { holds, close, file } = await temporaryStore(t, { folder });
  const octets = Buffer.from("a letter");
  for (const id of ["gone", "altered", "well"]) await holds.hold(keyOf(id), mailToHold(id, octets), sourceOf(octets));
  await close();
  rmSync(path.join(folder, "hold/gone.eml"));
  writeFileSync(path.join(folder, "hold/stray.eml"), octets);
  utimesSync(path.join(folder, "hold/stray.eml"), 1, 1);
  using database = new DatabaseSync(file);
  database.exec("UPDATE hold SET mail = replace(mail, 'mei', 'eve') WHERE id = 'altered'");
  const again = await temporaryStore(t, { folder });
  const says = again.faults.map((fault) => (isSecureMailError(fault, "HOLD_STRAY") ? fault.message : ""));
  assert.deepEqual(
    says.map((text) => text.split(": ").at(-1)),
    ["stray.eml", "gone", "altered"],
  );
  assert.deepEqual(readdirSync(path.join(folder, "hold")).sort(), ["altered.eml", "stray.eml", "well.eml"]);
  assert.deepEqual(
    (await again.holds.list()).map(({ id }) => id),
    ["gone", "well"],
  );
});
