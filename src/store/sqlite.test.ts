import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { temporaryFolder } from "../../test/temporary-store.ts";
import { isSecureMailError } from "../errors.ts";
import { Sqlite } from "./sqlite.ts";

type TestContext = Parameters<typeof temporaryFolder>[0];

function temporaryDatabase(t: TestContext, busyMs = 10_000): Sqlite & { file: string; faults: unknown[] } {
  const file = `${temporaryFolder(t)}/postern.db`;
  const faults: unknown[] = [];
  const database = new Sqlite({ file, busyMs, onFault: (thrown) => faults.push(thrown) });
  t.after(() => database.close());
  return Object.assign(database, { file, faults });
}

const note = (token: string | null): readonly [string, ...(string | number | null)[]] => [
  "INSERT INTO probe (token, side, at, reverse_path) VALUES (?, 'inside', 0, '')",
  token,
];
const unusable = (thrown: unknown): boolean => isSecureMailError(thrown, "STORE_UNUSABLE");

test("of works that went out together, one that cannot be done does not undo the others", async (t) => {
  const database = temporaryDatabase(t);
  const outcomes = await Promise.allSettled(["a", null, "b"].map((token) => database.write(note(token))));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  const rows = await database.read("SELECT token FROM probe ORDER BY token");
  assert.deepEqual(
    rows.map(({ token }) => token),
    ["a", "b"],
  );
});

test("of statements in one work all are done or none", async (t) => {
  const database = temporaryDatabase(t);
  await assert.rejects(database.write(note("a"), note(null)), unusable);
  assert.deepEqual(await database.read("SELECT token FROM probe"), []);
});

test("a thousand works at once are few commits, and each has its own answer", async (t) => {
  const database = temporaryDatabase(t);
  await database.write(note("first"));
  const written = Array.from({ length: 1000 }, (_, n) => database.write(note(`${n}`)));
  const removed = database.write(["DELETE FROM probe WHERE token = 'first'"], ["DELETE FROM probe WHERE token = ''"]);
  assert.deepEqual(await Promise.all(written), Array(1000).fill([1]));
  assert.deepEqual(await removed, [1, 0]);
});

test("a row is seen as soon as its write resolves", async (t) => {
  const database = temporaryDatabase(t);
  for (let n = 0; n < 50; n++) {
    await database.write(note(`${n}`));
    assert.deepEqual({ ...database.glance("SELECT token FROM probe WHERE token = ?", `${n}`) }, { token: `${n}` });
  }
});

test("a locked database is waited for, and then is a failure; afterwards it is used again", async (t) => {
  const database = temporaryDatabase(t, 300);
  await database.write(note("a"));
  using other = new DatabaseSync(database.file);
  other.exec("BEGIN IMMEDIATE");
  const started = performance.now();
  await assert.rejects(database.write(note("b")), unusable);
  assert.ok(performance.now() - started >= 290);
  assert.deepEqual({ ...database.glance("SELECT count(*) AS n FROM probe") }, { n: 1 }, "readers do not wait");
  const waiting = database.write(note("c"));
  setTimeout(() => other.exec("COMMIT"), 50);
  assert.deepEqual(await waiting, [1]);
});

test("a process ends by itself though its store was not closed", async (t) => {
  const file = `${temporaryFolder(t)}/postern.db`;
  const { spawnSync } = await import("node:child_process");
  const program = `
    import { openStore } from ${JSON.stringify(new URL("../store.ts", import.meta.url).href)};
    const store = await openStore({ file: ${JSON.stringify(file)}, dataDir: ${JSON.stringify(temporaryFolder(t))}, onFault: console.error });
    await store.audit.note({ at: new Date(0), by: "a", act: "b", subject: "c" });
    console.log((await store.audit.list()).length);`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    timeout: 20_000,
  });
  assert.deepEqual([String(stdout), String(stderr), status], ["1\n", "", 0]);
});
