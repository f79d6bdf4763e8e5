import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { loadLedgerKey } from "./ledger-key.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-ledger-key-"));
after(() => rmSync(folder, { recursive: true }));

test("starting at once, all have the one key, readable by nobody else", async () => {
  const file = path.join(folder, "state", "ledger.key");
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadLedgerKey(file, { make: true })));
  assert.equal(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size, 1);
  assert.equal(keys[0]?.length, 32);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(path.dirname(file)), ["ledger.key"]);
  assert.deepEqual(await loadLedgerKey(file, { make: false }), keys[0]);
});

test("a key that was named and is missing is a fault that says how to make it", async () => {
  const file = path.join(folder, "none.key");
  await assert.rejects(loadLedgerKey(file, { make: false }), {
    code: "KEY_FILE",
    message: /none\.key: is not there; make it with: .*head -c 32 \/dev\/urandom/,
  });
  assert.ok(!readdirSync(folder).includes("none.key"));
});

test("a key that was cut short is no key", async () => {
  const file = path.join(folder, "short.key");
  writeFileSync(file, "secret");
  await assert.rejects(loadLedgerKey(file, { make: true }), { code: "KEY_UNREADABLE", message: /holds 6 octets/ });
});
