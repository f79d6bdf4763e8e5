// What is kept is altered underneath (A39): an entry that is not as it was written is no entry, a plan that was altered
// is never followed, and no octets on the disk stop the process.

import assert from "node:assert/strict";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { collect, sourceOf } from "../../src/bytes.ts";
import { isSecureMailError } from "../../src/errors.ts";
import type { HeldMail, Ledger, Plan, Plans } from "../../src/store.ts";
import { anHour, keyOf, mailToHold, type OpenedStore, temporaryFolder, temporaryStore } from "../temporary-store.ts";

const now = new Date("2026-11-23T09:00:00Z");
const over = new Date(now.getTime() - anHour);
const until = new Date(now.getTime() + anHour);
const counting = Array.from({ length: 400 }, (_, n) => keyOf(`counts ${n}`));
const expired = Array.from({ length: 400 }, (_, n) => keyOf(`is over ${n}`));
const never = Array.from({ length: 100 }, (_, n) => keyOf(`never was ${n}`));
const planOf = (n: number): Plan => ({ firstSeen: now, treatments: [{ key: keyOf(n), kind: "protect" }] });
const letter = Buffer.from("Subject: held\r\n\r\n".padEnd(3000, "x"));

async function fill({ ledger, plans, holds, suspects, tracking }: OpenedStore): Promise<void> {
  await ledger.record(counting.map((key) => ({ key, until })));
  await ledger.record(expired.map((key) => ({ key, until: over })));
  for (let n = 0; n < 50; n++) await plans.keep(keyOf(n), planOf(n), until);
  await holds.hold(keyOf("held"), mailToHold("held", letter), sourceOf(letter));
  await suspects.accuse(counting.slice(0, 20).map((key) => ({ key, alone: true })));
  const row = { id: "1", at: now, reversePath: "kim@a.example", reply: "250", report: {} };
  tracking.note(Array.from({ length: 100 }, (_, n) => ({ ...row, forwardPath: `u${n}@b.example` })));
}

/** Runs what may fail, but only with a failure that the gateway knows how to go on from. */
async function ifUsable<Result>(act: Promise<Result>): Promise<Result | undefined> {
  try {
    return await act;
  } catch (thrown) {
    if (isSecureMailError(thrown) && thrown.fault === "temporary") return undefined;
    throw thrown;
  }
}

async function assertNothingFalse({ ledger, plans }: { ledger: Ledger; plans: Plans }): Promise<number> {
  for (const key of [...expired, ...never])
    assert.notDeepEqual(await ifUsable(ledger.find([key], now)), [true], "no entry counts that does not");
  for (let n = 0; n < 50; n++) {
    const plan = await ifUsable(plans.find(keyOf(n)));
    if (plan !== undefined) assert.deepEqual(plan, planOf(n));
  }
  let found = 0;
  for (const key of counting) if ((await ifUsable(ledger.find([key], now)))?.[0] === true) found += 1;
  return found;
}

/** Everything else, for its own sake: it may fail, it may not throw what nobody expects, or end the process. */
async function useAll({ ledger, holds, suspects, tracking, audit, probes }: OpenedStore): Promise<void> {
  await ifUsable(ledger.record(never.slice(0, 3).map((key) => ({ key, until: over }))));
  await ifUsable(suspects.find(counting[0] as Uint8Array));
  await ifUsable(tracking.find({ text: "kim@a.example" }));
  await ifUsable(audit.list());
  await ifUsable(probes.note("token", { side: "inside", at: now, reversePath: "" }));
  for (const mail of (await ifUsable(holds.list())) ?? []) assert.deepEqual(mail, mailToHoldAs(mail.id));
  await ifUsable(holds.strays());
  const octets = await ifUsable(collect(holds.read("held")));
  if (octets !== undefined) assert.equal(Buffer.compare(octets, letter), 0);
}

const mailToHoldAs = (id: string): HeldMail => ({ ...mailToHold(id, letter), state: "held" });

/** A filled database, closed: one file. */
async function filledFile(t: TestContext): Promise<string> {
  const store = await temporaryStore(t);
  await fill(store);
  await store.close();
  return store.folder;
}

async function openCopy(t: TestContext, folder: string, octets: Uint8Array): Promise<OpenedStore> {
  const copy = temporaryFolder(t);
  writeFileSync(path.join(copy, "postern.db"), octets);
  mkdirSync(path.join(copy, "hold"));
  copyFileSync(path.join(folder, "hold/held.eml"), path.join(copy, "hold/held.eml"));
  const store = await temporaryStore(t, { folder: copy });
  await ifUsable(store.holds.hold(keyOf("other"), mailToHold("other", letter), sourceOf(letter)));
  return store;
}

test("bits that flip in the database make no entry count and no plan say another thing", async (t) => {
  const folder = await filledFile(t);
  const whole = readFileSync(path.join(folder, "postern.db"));
  let found = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 200 }), async (bits) => {
      const octets = Buffer.from(whole);
      for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] as number) ^ (1 << (bit & 7));
      const store = await openCopy(t, folder, octets);
      found += await assertNothingFalse(store);
      await useAll(store);
      await store.close();
    }),
    { numRuns: 40 },
  );
  assert.ok(found > 0, "what was not hit is found");
});

test("pages that are lost, doubled or filled with noise make no entry count", async (t) => {
  const folder = await filledFile(t);
  const whole = readFileSync(path.join(folder, "postern.db"));
  const pages = whole.length / 4096;
  const page = fc.nat(pages - 1);
  const noise = fc.uint8Array({ minLength: 4096, maxLength: 4096 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(page, fc.oneof(page, noise)), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        const octets = Buffer.from(whole);
        for (const [to, from] of changes) {
          const source = typeof from === "number" ? whole.subarray(from * 4096, from * 4096 + 4096) : from;
          octets.set(source, to * 4096);
        }
        const store = await openCopy(t, folder, octets);
        await assertNothingFalse(store);
        await useAll(store);
        await store.close();
      },
    ),
    { numRuns: 30 },
  );
});

test("a database that was cut anywhere makes no entry count", async (t) => {
  const folder = await filledFile(t);
  const whole = readFileSync(path.join(folder, "postern.db"));
  for (let part = 0; part < 20; part++) {
    const store = await openCopy(t, folder, whole.subarray(0, Math.floor((whole.length * part) / 20) + part));
    await assertNothingFalse(store);
    await useAll(store);
    await store.close();
  }
});

test("bits that flip while it is being written make no entry count", async (t) => {
  const store = await temporaryStore(t);
  await fill(store);
  for (const name of ["postern.db", "postern.db-wal"]) {
    const file = openSync(path.join(store.folder, name), "r+");
    for (let turn = 0; turn < 30; turn++) {
      const size = Math.max(statSync(path.join(store.folder, name)).size, 1);
      for (let hit = 0; hit < 20; hit++)
        writeSync(file, Uint8Array.of(Math.random() * 256), 0, 1, Math.floor(Math.random() * size));
      const entries = Array.from({ length: 50 }, (_, n) => ({ key: keyOf(`${name} ${turn} ${n}`), until: over }));
      await ifUsable(store.ledger.record(entries));
      for (const { key } of entries) assert.notDeepEqual(await ifUsable(store.ledger.find([key], now)), [true]);
    }
    closeSync(file);
    await assertNothingFalse(store);
  }
  await useAll(store);
});

test("a log that was cut, after its writer died, gives back entries or none, never others", async (t) => {
  const folder = temporaryFolder(t);
  const store = await temporaryStore(t, { folder });
  await fill(store);
  const [database, log] = ["postern.db", "postern.db-wal"].map((name) => readFileSync(path.join(folder, name)));
  for (let part = 0; part <= 20; part++) {
    const copy = temporaryFolder(t);
    writeFileSync(path.join(copy, "postern.db"), database as Buffer);
    writeFileSync(path.join(copy, "postern.db-wal"), log as Buffer);
    truncateSync(path.join(copy, "postern.db-wal"), Math.floor(((log as Buffer).length * part) / 20));
    const after = await temporaryStore(t, { folder: copy });
    const found = await assertNothingFalse(after);
    if (part === 20) assert.equal(found, counting.length);
    await after.close();
  }
});
