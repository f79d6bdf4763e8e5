// Domains served by one gateway: each speaks in its own name, with its own report, and what it sends to the other has been
// under protection on its way.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { clerk, fields, Lab, mail, minister, walk } from "../../test/gateway-lab.ts";
import { makeProbeAddress } from "../gateway.ts";
import { formatMailbox } from "../smtp.ts";

const lab = await Lab.open({ also: ["parliament.example", "stray.example"] });
after(() => lab.close());
const services = await lab.services();
const { users, world, reports } = lab;
const stray = "somebody@stray.example";

test("mail from one domain served here to another is protected and opened in one pass, reported for both", async () => {
  const message = mail(minister).replace("text", "\xfcber");
  const [reportsBefore, before] = [reports.length, world.got.length];
  assert.deepEqual(await walk(services, "inside", { from: minister, to: [clerk], message }), ["250 2.0.0"]);
  assert.equal(world.got.length, before, "nothing left the house");
  const got = users.got.at(-1)?.message ?? "";
  assert.deepEqual(fields(got, "Postern-Verdict")[0]?.slice(0, 43), "Postern-Verdict: OK; domain=treasury.exampl");
  assert.ok(got.endsWith(message));
  assert.deepEqual(
    reports.slice(reportsBefore).map(({ direction, signature, opened }) => [direction, signature, opened?.code]),
    [
      ["outbound", "rsa-pss-sha256", undefined],
      ["inbound", undefined, "OK"],
    ],
  );
});

test("a domain whose keys are not its own exchanges nothing", async () => {
  // stray.example signs with keys of treasury.example here, and has no entry of its own.
  assert.deepEqual(await walk(services, "inside", { from: stray, to: [minister], message: mail(stray) }), [
    "451 4.7.5",
  ]);
  assert.deepEqual(reports.at(-1)?.opened?.code, "SIGNER_MISMATCH");
  assert.deepEqual(await walk(services, "inside", { from: minister, to: [stray], message: mail(minister) }), [
    "250 2.0.0",
  ]);
  assert.equal(reports.at(-1)?.treatment, "pass");
});

test("what a user redirects to another domain served here, or a list sends there, goes on as it is", async () => {
  for (const from of ["srs0=x=stranger.example=eve@treasury.example", minister]) {
    const message = mail("eve@stranger.example");
    assert.deepEqual(await walk(services, "inside", { from, to: [clerk], message }), ["250 2.0.0"]);
    assert.equal(reports.at(-1)?.treatment, "pass");
    const got = users.got.at(-1)?.message ?? "";
    assert.equal(got, `${fields(got, "Received")[0]}\r\n${message}`);
  }
  // Two authors are none that could be signed for.
  const message = mail(`${minister}, eve@stranger.example`);
  assert.deepEqual(await walk(services, "inside", { from: minister, to: [clerk], message }), ["250 2.0.0"]);
  assert.equal(reports.at(-1)?.treatment, "pass");
});

test("what another domain served here wrote is exchanged in its own name, whoever redirects it", async () => {
  const hand = { from: "srs0=y@stray.example", to: [clerk], message: mail(minister) };
  assert.deepEqual(await walk(services, "inside", hand), ["250 2.0.0"]);
  assert.deepEqual([reports.at(-1)?.treatment, reports.at(-1)?.opened?.domain], ["exchange", "treasury.example"]);
});

test("mail within one domain goes on as it is", async () => {
  const message = mail(minister);
  assert.deepEqual(await walk(services, "inside", { from: minister, to: ["b@treasury.example"], message }), [
    "250 2.0.0",
  ]);
  const got = users.got.at(-1)?.message ?? "";
  assert.equal(got, `${fields(got, "Received")[0]}\r\n${message}`);
});

test("a Bcc field does not leave under our signature, and stays in what is not ours to change", async () => {
  const message = mail(minister, "Bcc: secret@parliament.example");
  await walk(services, "inside", { from: minister, to: [clerk, "a@stranger.example"], message });
  assert.match(world.got.at(-1)?.message ?? "", /^Bcc:/m);
  assert.doesNotMatch(users.got.at(-1)?.message ?? "", /secret/);
});

test("a probe is noted and goes no further, and one that shall bounce is refused", async () => {
  const { ledgerKey, store } = services;
  const [pass, bounce] = (["pass", "bounce"] as const).map((kind) =>
    formatMailbox(makeProbeAddress(ledgerKey, "t0ken", "parliament.example", kind)),
  ) as [string, string];
  const before = world.got.length + users.got.length;
  const to = [pass, bounce];
  assert.deepEqual(await walk(services, "inside", { from: minister, to, message: mail(minister) }), [
    "250 2.0.0",
    "550 5.1.1",
  ]);
  assert.equal(world.got.length + users.got.length, before);
  const seen = await store.probes.find("t0ken");
  assert.deepEqual(
    seen.map(({ side, reversePath }) => [side, reversePath]),
    [
      ["inside", minister],
      ["inside", minister],
    ],
  );
});
