import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { anHour, keyOf, temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import { isSecureMailError } from "../errors.ts";
import { type Plan, plansIn, purgePlans } from "./plans.ts";
import { Sqlite } from "./sqlite.ts";

const now = new Date("2026-11-23T09:00:00Z");
const until = new Date(now.getTime() + anHour);
const planOf = (kind: string): Plan => ({
  firstSeen: now,
  treatments: [
    { key: keyOf("mei@a.example"), kind },
    { key: keyOf("lee@b.example"), kind: "pass" },
  ],
});

test("a plan is found as it was kept", async (t) => {
  const { plans } = await temporaryStore(t);
  assert.equal(await plans.find(keyOf(1)), undefined);
  await plans.keep(keyOf(1), planOf("protect"), until);
  assert.deepEqual(await plans.find(keyOf(1)), planOf("protect"));
  assert.equal(await plans.find(keyOf(2)), undefined);
});

test("the first plan of a message stays, also when two processes keep one at once", async (t) => {
  const folder = temporaryFolder(t);
  const [one, two] = [await temporaryStore(t, { folder }), await temporaryStore(t, { folder })];
  const [first, second] = await Promise.all([
    one.plans.keep(keyOf(1), planOf("protect"), until),
    two.plans.keep(keyOf(1), planOf("open"), until),
  ]);
  assert.deepEqual(first, second);
  assert.deepEqual(await one.plans.keep(keyOf(1), planOf("pass"), until), first);
  assert.deepEqual(await two.plans.find(keyOf(1)), first);
});

test("a plan that was altered is a failure, for it may have said protect", async (t) => {
  const { plans, file } = await temporaryStore(t);
  await plans.keep(keyOf(1), planOf("protect"), until);
  using database = new DatabaseSync(file);
  database.exec("UPDATE plan SET plan = replace(plan, 'protect', 'pass')");
  await assert.rejects(plans.find(keyOf(1)), (thrown) => isSecureMailError(thrown, "STORE_ENTRY"));
  await assert.rejects(plans.keep(keyOf(1), planOf("open"), until), (thrown) =>
    isSecureMailError(thrown, "STORE_ENTRY"),
  );
});

test("a plan goes when its time is over", async (t) => {
  const database = new Sqlite({ file: `${temporaryFolder(t)}/postern.db`, onFault: assert.ifError });
  t.after(() => database.close());
  const plans = plansIn(database);
  await plans.keep(keyOf(1), planOf("protect"), until);
  await database.write(purgePlans(now));
  assert.deepEqual(await plans.find(keyOf(1)), planOf("protect"));
  await database.write(purgePlans(new Date(until.getTime() + 1)));
  assert.equal(await plans.find(keyOf(1)), undefined);
});
