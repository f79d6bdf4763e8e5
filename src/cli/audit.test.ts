// What people did, written out with the real program.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { configOf } from "../../test/configured.ts";
import { runPostern } from "../../test/program.ts";
import { openCommunity } from "../demo/community.ts";
import { openStore } from "../store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-audit-"));
after(() => rmSync(folder, { recursive: true }));
const config = configOf(await openCommunity(folder));
const dataDir = path.join(folder, "state");

async function audit(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["audit", ...args, "--config", config]);
  return { status, out: stdout.toString(), said: stderr };
}

const entries = [
  { at: "2026-11-22T23:59:59.000Z", by: "anna", act: "dropped", subject: "Aa1" },
  { at: "2026-11-23T09:00:00.000Z", by: "bodo", act: "pinned", subject: 'a "name"\nin two lines' },
];

test("without a store there is nothing to write out", async () => {
  assert.equal((await audit("export")).status, 69);
});

test("what was done is written out in its order, one JSON object a line, from a time on", async () => {
  const store = await openStore({ file: path.join(dataDir, "postern.db"), dataDir, onFault: () => assert.fail() });
  for (const { at, ...entry } of entries) await store.audit.note({ at: new Date(at), ...entry });
  await store.close();
  const written = (out: string) =>
    out
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const all = await audit("export");
  assert.deepEqual([all.status, written(all.out)], [0, entries]);
  assert.deepEqual(written((await audit("export", "--since", "2026-11-23")).out), entries.slice(1));
  const none = await audit("export", "--since", "2027-01-01");
  assert.deepEqual([none.status, none.out], [0, ""]);
});

test("what it does not do is wrong use", async () => {
  for (const args of [[], ["verify"], ["export", "--since", "tomorrow"], ["export", "--until", "2026-11-23"]])
    assert.equal((await audit(...args)).status, 64, args.join());
});
