// What a sender asked to hear goes into the hold store with the mail, and comes out of it.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { address, clerk, flipped, Lab, mail, minister } from "../../test/gateway-lab.ts";
import { sourceOf } from "../bytes.ts";
import { corridor, heldEnvelope, judgeAnew, type Services } from "../gateway.ts";
import { type Envelope, reply } from "../smtp.ts";

const lab = await Lab.open();
after(() => lab.close());
const services = await lab.services();
const peer = { address: "127.0.0.1", helo: "hub.example", protocol: "LMTP" } as const;
const orcpt = { type: "rfc822", address: "alias@treasury.example" };
const parameters = { ret: "HDRS", envid: "QQ1" } as const;

/** The next hop takes all, and what was asked of it is kept. */
function catching(): { readonly at: Services; readonly envelopes: Envelope[] } {
  const envelopes: Envelope[] = [];
  const relay: Services["relay"] = async (_hop, envelope) => {
    envelopes.push(envelope);
    return envelope.forwardPaths.map(() => reply(250, "2.0.0", "kept"));
  };
  return { at: { ...services, relay }, envelopes };
}

test("a held mail keeps what its sender asked to hear", async () => {
  const envelope: Envelope = {
    reversePath: address(clerk),
    forwardPaths: [
      { ...address(minister), dsn: { notify: "NEVER" } },
      { ...address("a@treasury.example"), dsn: { notify: ["SUCCESS", "FAILURE"], orcpt } },
      { ...address("b@treasury.example"), dsn: {} },
    ],
    parameters,
  };
  const broken = flipped(await lab.fromParliament(mail(clerk)), 0.9);
  const replies = await corridor("outside", services)({ envelope, peer, message: sourceOf(broken) });
  assert.deepEqual(
    replies.map(({ code }) => code),
    [250, 250, 250],
  );
  const [held = assert.fail(), ...others] = await services.store.holds.list();
  assert.deepEqual([held.code, others], ["BAD_CONTENT", []]);
  assert.deepEqual(heldEnvelope(held), envelope);
  await services.store.holds.settle(held.id, "dropped", "test");
});

test("what is released asks of the next hop what its sender asked of us", async () => {
  const loop = Array.from({ length: 51 }, (_, at) => `Received: by ${at}.example; Mon, 23 Nov 2026 09:00:00 +0000`);
  const message = Buffer.from(mail(minister, ...loop));
  const forwardPaths = [{ ...address(clerk), dsn: { notify: "NEVER", orcpt } as const }];
  const envelope = { reversePath: address(minister), forwardPaths, parameters };
  const [answer] = await corridor("inside", services)({ envelope, peer, message: sourceOf(message) });
  assert.equal(answer?.code, 250);
  const [held = assert.fail()] = await services.store.holds.list();
  assert.equal(held.code, "LOOP");
  const { at, envelopes } = catching();
  const { replies } = await judgeAnew(held, at);
  assert.equal(replies[0]?.reply.code, 250, JSON.stringify(replies));
  assert.deepEqual(
    envelopes.map((one) => [one.forwardPaths, one.parameters.ret, one.parameters.envid]),
    [[forwardPaths, "HDRS", "QQ1"]],
  );
});

test("a row from before that says nothing of it is released all the same", async () => {
  const { forwardPaths } = heldEnvelope({
    ...{ id: "Aa1", at: new Date(), side: "outside", reversePath: "", forwardPaths: [minister], parameters: {} },
    ...{ domain: "", code: "LOOP", reason: "", octets: 0, digest: "", state: "held" },
  });
  assert.deepEqual(forwardPaths, [address(minister)]);
});
