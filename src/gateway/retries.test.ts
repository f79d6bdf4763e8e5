// What a retry does: spares the served, keeps to the plan, loses patience. The stages themselves over a real store, so that
// the hub's queue id, the clock and the faults can be chosen.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { clerk, type Hand, Lab, mail, minister, walk } from "../../test/gateway-lab.ts";
import { judgeAnew, type Services } from "../gateway.ts";
import { reply } from "../smtp.ts";

const lab = await Lab.open();
after(() => lab.close());
const { users, world } = lab;
const services = await lab.services();
const ok = () => reply(250, "2.0.0", "kept");
const busy = () => reply(451, "4.3.0", "busy");
let hour = 0;
const clock = (): Date => new Date(Date.now() + hour * 3600_000);
const at: Services = { ...services, clock };

function later(hours: number): void {
  hour += hours;
}

const retry = (hand: Omit<Hand, "queueId">, queueId?: string) => ({
  ...hand,
  ...(queueId === undefined ? {} : { queueId }),
});

test("a retry serves only those who were not served", async () => {
  const to = [clerk, "busy@parliament.example", "a@stranger.example", "busy@stranger.example", "x@treasury.example"];
  const message = mail(minister);
  const hand = retry({ from: minister, to, message }, "4cXy1");
  world.answer = (path) => (path.startsWith("busy") ? busy() : ok());
  assert.deepEqual(await walk(at, "inside", hand), ["250 2.0.0", "451 4.3.0", "250 2.0.0", "451 4.3.0", "250 2.0.0"]);
  const before = world.got.length + users.got.length;
  world.answer = ok;
  assert.deepEqual(
    await walk(at, "inside", hand),
    to.map(() => "250 2.0.0"),
  );
  const since = [...world.got, ...users.got].length - before;
  assert.equal(since, 2, "one message to each of the two groups that had somebody left");
  assert.deepEqual(
    world.got
      .slice(-2)
      .flatMap(({ to }) => to)
      .sort(),
    ["busy@parliament.example", "busy@stranger.example"],
  );
});

test("the same octets under another queue id are another message", async () => {
  const hand = { from: minister, to: [clerk], message: mail(minister) };
  const before = world.got.length;
  for (const queueId of ["4cA", "4cB", "4cA"]) await walk(at, "inside", { ...hand, queueId });
  assert.equal(world.got.length, before + 2);
});

test("without a queue id a repeat is a retry for one hour", async () => {
  const hand = { from: minister, to: [clerk], message: mail(minister) };
  const before = world.got.length;
  await walk(at, "inside", hand);
  await walk(at, "inside", hand);
  assert.equal(world.got.length, before + 1);
  later(1.01);
  await walk(at, "inside", hand);
  assert.equal(world.got.length, before + 2);
});

test("the hub's own bounces have their id in the topmost field", async () => {
  const trace = "Received: by hub.example (Postfix)\r\n\tid 4cBounce1; Mon, 23 Nov 2026 09:00:00 +0000 (UTC)\r\n";
  const hand = { to: [clerk], message: trace + mail("mailer-daemon@treasury.example") };
  const before = world.got.length;
  await walk(at, "inside", hand);
  later(24);
  await walk(at, "inside", hand);
  assert.equal(world.got.length, before + 1);
  assert.equal(lab.reports.at(-1)?.orig, "4cBounce1");
});

test("what once was to be protected never leaves in clear, whatever the directory says by now", async () => {
  const hand = retry({ from: minister, to: [clerk, "a@stranger.example"], message: mail(minister) }, "4cPlan");
  world.answer = busy;
  assert.deepEqual(await walk(at, "inside", hand), ["451 4.3.0", "451 4.3.0"]);
  world.answer = ok;
  const none = { ...services.snapshot(), members: [], find: () => undefined };
  const before = world.got.length;
  assert.deepEqual(await walk({ ...at, snapshot: () => none }, "inside", hand), ["451 4.7.0", "250 2.0.0"]);
  assert.deepEqual(
    world.got.slice(before).map(({ to }) => to),
    [["a@stranger.example"]],
  );
  assert.match(lab.reports.at(-1)?.reason ?? "", /was to be protected/);
});

test("what was exchanged between two domains served here is not passed on without it either", async () => {
  const { domains, keys } = { domains: new Map(services.domains), keys: services.domains.get("treasury.example") };
  assert.ok(keys !== undefined);
  domains.set("parliament.example", { ...keys, name: "parliament.example" as typeof keys.name });
  const hand = retry({ from: minister, to: [clerk], message: mail(minister) }, "4cExchange");
  // Its keys are not those of its entry, so it cannot be opened there yet.
  assert.deepEqual(await walk({ ...at, domains }, "inside", hand), ["451 4.7.5"]);
  assert.equal(lab.reports.at(-1)?.treatment, "exchange");
  const none = { ...services.snapshot(), members: [], find: () => undefined };
  const before = users.got.length;
  assert.deepEqual(await walk({ ...at, domains, snapshot: () => none }, "inside", hand), ["451 4.7.0"]);
  assert.equal(users.got.length, before);
});

test("where the plan cannot be read it may have said protect, and nothing is passed on", async () => {
  const find = async () => Promise.reject(new Error("it was altered"));
  const store = { ...services.store, plans: { ...services.store.plans, find } };
  const none = { ...services.snapshot(), members: [], find: () => undefined };
  const before = world.got.length;
  const hand = retry({ from: minister, to: [clerk], message: mail(minister) }, "4cUnread");
  assert.deepEqual(await walk({ ...at, store, snapshot: () => none }, "inside", hand), ["451 4.7.0"]);
  assert.equal(world.got.length, before);
  assert.match(lab.reports.at(-1)?.reason ?? "", /cannot be read: it was altered/);
});

test("a bounce that cannot be delivered waits a day, then it is held", async () => {
  const hand = retry({ to: [clerk], message: mail("mailer-daemon@treasury.example") }, "4cDay");
  world.answer = busy;
  assert.deepEqual(await walk(at, "inside", hand), ["451 4.3.0"]);
  later(23);
  assert.deepEqual(await walk(at, "inside", hand), ["451 4.3.0"]);
  later(2);
  assert.deepEqual(await walk(at, "inside", hand), ["250 2.0.0"]);
  world.answer = ok;
  const held = (await services.store.holds.list()).find(({ queueId }) => queueId === "4cDay");
  assert.equal(held?.reversePath, "");
  const before = world.got.length;
  assert.deepEqual(await walk(at, "inside", hand), ["250 2.0.0"], "it is known as held");
  assert.equal(world.got.length, before);
});

test("held mail is judged anew when it is released, and delivered once", async () => {
  const sealed = await lab.fromParliament(mail(clerk));
  users.answer = (path) => (path === minister ? reply(550, "5.1.1", "nobody") : ok());
  const hand = retry({ from: "x@stranger.example", to: [minister], message: sealed }, "4cRelease");
  assert.deepEqual(await walk(at, "outside", hand), ["250 2.0.0"]);
  const held = (await services.store.holds.list()).find(({ queueId }) => queueId === "4cRelease");
  assert.ok(held !== undefined);
  assert.equal((await judgeAnew(held, at)).replies[0]?.reply.code, 451, "the next hop still will not have it");
  assert.equal((await services.store.holds.list()).filter(({ queueId }) => queueId === "4cRelease").length, 1);
  users.answer = ok;
  const before = users.got.length;
  assert.deepEqual(
    (await judgeAnew(held, at)).replies.map(({ forwardPath, reply: { code } }) => [forwardPath, code]),
    [[minister, 250]],
  );
  assert.equal(users.got.length, before + 1);
  await judgeAnew(held, at);
  assert.equal(users.got.length, before + 1);
});

test("a ledger that cannot be used stops nothing, and an administrator hears of it", async () => {
  const alarms: unknown[] = [];
  const fail = () => Promise.reject(new Error("disk"));
  const ledger = { find: fail, record: fail };
  const deaf: Services = { ...at, store: { ...services.store, ledger }, alarm: (thrown) => alarms.push(thrown) };
  const hand = { from: minister, to: [clerk], message: mail(minister) };
  const before = world.got.length;
  assert.deepEqual(await walk(deaf, "inside", hand), ["250 2.0.0"]);
  assert.equal(world.got.length, before + 1);
  assert.equal(alarms.length, 2);
});

test("a hold store that is full leaves the mail with its sender", async () => {
  const holds = { ...services.store.holds, hold: () => Promise.reject(new Error("full")) };
  const full: Services = { ...at, store: { ...services.store, holds }, alarm: () => undefined };
  const message = (await lab.fromParliament(mail(clerk))).subarray(0, -200);
  assert.deepEqual(await walk(full, "outside", { from: clerk, to: [minister], message }), ["451 4.3.0"]);
});

test("a disk without room for a large message is 452, before anything is read", async () => {
  const { spillingSpools } = await import("../store.ts");
  const tight: Services = { ...at, makeSpool: spillingSpools(lab.folder, { quota: 1024 }), alarm: () => undefined };
  const message = `${mail(minister)}${"x".repeat(76)}\r\n`.repeat(20_000);
  assert.deepEqual(await walk(tight, "inside", { from: minister, to: [clerk, "a@b.example"], message }), [
    "452 4.3.1",
    "452 4.3.1",
  ]);
});

test("what killed two workers alone is held, unread", async () => {
  const message = mail(minister);
  const hand = retry({ from: minister, to: [clerk, minister], message }, "4cPoison");
  let key: Uint8Array | undefined;
  const watching: Services = {
    ...at,
    journal: {
      ...services.journal,
      begin(given) {
        key = given;
        return () => undefined;
      },
    },
    relay: async (_hop, { forwardPaths }) => forwardPaths.map(busy),
  };
  await walk(watching, "inside", hand);
  assert.ok(key !== undefined);
  for (const alone of [false, true]) await services.store.suspects.accuse([{ key, alone }]);
  assert.deepEqual(await walk(watching, "inside", hand), ["451 4.3.0", "451 4.3.0"], "one death alone may be chance");
  await services.store.suspects.accuse([{ key, alone: true }]);
  const before = world.got.length;
  assert.deepEqual(await walk(at, "inside", hand), ["250 2.0.0", "250 2.0.0"]);
  assert.equal(world.got.length, before);
  const held = (await services.store.holds.list()).find(({ queueId }) => queueId === "4cPoison");
  assert.deepEqual([held?.code, held?.forwardPaths], ["POISON", [clerk, minister]]);
});

test("a suspect works alone, and is none any more when it went well", async () => {
  const hand = retry({ from: minister, to: [clerk], message: mail(minister) }, "4cSuspect");
  const slots: boolean[] = [];
  let key = new Uint8Array();
  const begin = (given: Uint8Array, alone: boolean) => {
    key = new Uint8Array(given);
    slots.push(alone);
    return () => undefined;
  };
  const watching: Services = { ...at, journal: { ...services.journal, begin } };
  world.answer = busy;
  await walk(watching, "inside", hand);
  await services.store.suspects.accuse([{ key, alone: false }]);
  await walk(watching, "inside", hand);
  world.answer = ok;
  await walk(watching, "inside", hand);
  await walk(watching, "inside", hand);
  assert.deepEqual(slots, [false, true, true, false]);
});
