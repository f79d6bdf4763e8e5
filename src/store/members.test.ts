import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import type { DomainName } from "../domain.ts";
import { isSecureMailError } from "../errors.ts";
import { membersInFile } from "./members.ts";
import { migrations } from "./schema.ts";

const gone = new Date("2026-11-23T09:00:00Z");
const [a, b] = ["a.example", "b.example"] as DomainName[] as [DomainName, DomainName];
const there = { domain: a, subdomains: true };
const missed = { domain: b, subdomains: false, gone };

test("members are noted, missed, found again and forgotten, and survive", async (t) => {
  const { members, close, file, folder } = await temporaryStore(t);
  assert.deepEqual(await members.note([], []), []);
  assert.deepEqual(await members.note([there, missed], []), [b]);
  assert.deepEqual(await members.list(), [there, missed]);
  assert.deepEqual(membersInFile(file), [there, missed]);
  await close();
  const again = await temporaryStore(t, { folder });
  await again.members.note([{ domain: b, subdomains: true }], [a]);
  assert.deepEqual(await again.members.list(), [{ domain: b, subdomains: true }]);
});

test("of several who miss a member one is the first, and its time stays", async (t) => {
  const folder = temporaryFolder(t);
  const stores = await Promise.all(Array.from({ length: 3 }, () => temporaryStore(t, { folder })));
  const first = await Promise.all(
    stores.map(({ members }, n) => members.note([{ ...missed, gone: new Date(gone.getTime() + n) }], [])),
  );
  assert.equal(first.flat().length, 1);
  const [row] = membersInFile(path.join(folder, "postern.db"));
  assert.equal(row?.gone?.getTime(), gone.getTime() + first.findIndex((domains) => domains.length === 1));
});

test("a store from before has none, and is brought up to date", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "postern.db");
  const old = new DatabaseSync(file);
  old.exec(`${migrations[0]}; PRAGMA user_version = 1`);
  old.close();
  assert.deepEqual(membersInFile(file), []);
  const { members } = await temporaryStore(t, { folder });
  await members.note([there], []);
  assert.deepEqual(await members.list(), [there]);
});

test("who waits no longer is removed in passing; who is there stays", async (t) => {
  const { members, file } = await temporaryStore(t, { purgeEveryMs: 20 });
  await members.note([there, { ...missed, gone: new Date(Date.now() - 7 * 24 * 3600_000 - 1000) }], []);
  for (const end = performance.now() + 10_000; membersInFile(file).length > 1 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(membersInFile(file), [there]);
});

test("a store that cannot be used fails, and shows those who only look nothing", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "postern.db");
  writeFileSync(file, "no database".repeat(1000));
  const { members } = await temporaryStore(t, { folder });
  await assert.rejects(members.list(), (thrown) => isSecureMailError(thrown, "STORE_UNUSABLE"));
  await assert.rejects(members.note([there], []), (thrown) => isSecureMailError(thrown, "STORE_UNUSABLE"));
  assert.deepEqual(membersInFile(file), []);
  assert.deepEqual(membersInFile(path.join(folder, "none.db")), []);
});
