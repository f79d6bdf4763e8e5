// SMTP proxy mode: one answer for all recipients, and whoever cannot be served is told of by a report of ours.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { clerk, Lab, type LabOptions, mail, minister } from "../../test/gateway-lab.ts";
import { openSink } from "../../test/sink.ts";
import { reply } from "../smtp.ts";

const hub = await openSink();
const open = async (options: LabOptions = {}): Promise<Lab> => {
  const lab = await Lab.open({ protocol: "smtp", ...options });
  after(() => lab.close());
  return lab;
};
const lab = await open({ submit: hub });
const { world, users } = lab;
after(() => hub.close());
const kept = reply(250, "2.0.0", "kept");
const answers = (path: string) =>
  path.startsWith("nobody")
    ? reply(550, "5.1.1", "nobody")
    : path.startsWith("busy")
      ? reply(451, "4.3.0", "busy")
      : kept;
world.answer = answers;
users.answer = answers;

test("all served is 250, all refused is the refusal", async () => {
  const message = mail(minister);
  const from = minister;
  assert.equal(
    await lab.hand("inside", { from, to: [clerk, minister, "a@stranger.example"], message }),
    all("250 2.0.0", 3),
  );
  assert.equal(await lab.hand("inside", { from, to: ["nobody@stranger.example"], message }), "550 5.1.1");
  assert.equal(hub.got.length, 0);
});

test("any doubt is 451 for all, and the ledger spares the served when the sender comes again", async () => {
  const message = mail(minister);
  const hand = { from: minister, to: [clerk, "busy@stranger.example"], message };
  const before = world.got.length;
  assert.equal(await lab.hand("inside", hand), all("451 4.3.0", 2));
  world.answer = () => kept;
  assert.equal(await lab.hand("inside", hand), all("250 2.0.0", 2));
  world.answer = answers;
  assert.deepEqual(
    world.got.slice(before).map(({ to }) => to),
    [[clerk], ["busy@stranger.example"]],
  );
});

test("a refusal of one among several becomes a report to the sender, made once", async () => {
  const message = mail(minister);
  const hand = { from: minister, to: [clerk, "nobody@stranger.example"], message };
  const before = hub.got.length;
  assert.equal(await lab.hand("inside", hand), all("250 2.0.0", 2));
  assert.equal(await lab.hand("inside", hand), all("250 2.0.0", 2));
  const told = hub.got.slice(before);
  assert.deepEqual(
    told.map(({ from, to }) => ({ from, to })),
    [{ from: "", to: [minister] }],
  );
  assert.match(told[0]?.message ?? "", /Final-Recipient: rfc822; ?nobody@stranger\.example/i);
  assert.match(told[0]?.message ?? "", /^Status: 5\.1\.1/m);
  assert.match(told[0]?.message ?? "", /^Message-ID: <\d+@lab\.example>/m);
  assert.doesNotMatch(told[0]?.message ?? "", /Subject: x/);
});

test("when the report cannot be submitted the sender keeps the mail", async () => {
  const hand = { from: minister, to: [clerk, "nobody@stranger.example"], message: mail(minister) };
  hub.answer = () => reply(451, "4.3.0", "full");
  assert.equal(await lab.hand("inside", hand), all("451 4.3.0", 2));
  hub.answer = () => kept;
  assert.equal(await lab.hand("inside", hand), all("250 2.0.0", 2));
});

test("a gateway without a hub to submit to says 451", async () => {
  const alone = await open();
  alone.world.answer = answers;
  const hand = { from: minister, to: [clerk, "nobody@stranger.example"], message: mail(minister) };
  assert.equal(await alone.hand("inside", hand), all("451 4.3.0", 2));
});

test("strangers cannot relay through us, nor name their mail for us", async () => {
  assert.equal(
    await lab.hand("outside", { from: clerk, to: ["x@stranger.example"], message: mail(clerk) }),
    "550 5.7.1",
  );
});

test("delivered, held and refused inside sound the same to the outside", async () => {
  const sealed = await lab.fromParliament(mail(clerk));
  const broken = Buffer.from(sealed);
  broken[broken.length - 300] = (broken[broken.length - 300] ?? 0) === 0x41 ? 0x42 : 0x41;
  const from = "x@stranger.example";
  const heard = [
    await lab.hand("outside", { from, to: [minister], message: sealed }),
    await lab.hand("outside", { from, to: [minister], message: broken }),
    await lab.hand("outside", { from, to: ["nobody@treasury.example"], message: sealed }),
  ];
  assert.deepEqual(heard, ["250 2.0.0", "250 2.0.0", "250 2.0.0"]);
});

test("when the next hop is gone the sender keeps the mail", async () => {
  const lonely = await open();
  await lonely.start();
  await lonely.world.close();
  assert.equal(await lonely.hand("inside", { from: minister, to: [clerk], message: mail(minister) }), "451 4.4.1");
  const [told] = lonely.reports.at(-1)?.recipients ?? [];
  assert.equal(told?.reply, "451 4.4.1 The next hop cannot be reached", "who sends mail hears of no address in here");
  assert.match(told?.said ?? "", /^451 4\.4\.1 Cannot reach the next hop: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
});

function all(answer: string, count: number): string {
  return Array.from({ length: count }, () => answer).join(", ");
}
