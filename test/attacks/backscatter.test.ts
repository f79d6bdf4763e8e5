// What the outside hears of mail that was opened, or could not be (security.md A46, A48, I4): the next hop inside refuses at
// each step of its dialogue, whatever was inside and whoever claims to have sent it. Nobody but the domain that signed
// hears anything, and nothing of the text goes back.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { isSecureMailError } from "../../src/errors.ts";
import type { Services } from "../../src/gateway.ts";
import { defaultLimits, listen, type Reply, reply, smtp } from "../../src/smtp.ts";
import { clerk, flipped, Lab, mail, minister, walk } from "../gateway-lab.ts";

const canary = "canary words";
const lab = await Lab.open();
after(() => lab.close());
const services = await lab.services();
const letter = (from: string) => mail(from).replace("text", canary);

type Step = "RCPT" | "end of data";

/** A next hop inside that refuses at one step. */
async function refusing(step: Step, answer: Reply): Promise<Services> {
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "inner.example",
      postmaster: { localPart: "postmaster", domain: "inner.example" },
      limits: defaultLimits,
      onFault: (thrown) => assert.ok(isSecureMailError(thrown), String(thrown)),
      judgeRecipient: () => (step === "RCPT" ? answer : undefined),
      handle: async ({ envelope, message }) => {
        for await (const _ of message);
        return envelope.forwardPaths.map(() => answer);
      },
    },
  );
  after(() => server.close());
  return { ...services, hops: { ...services.hops, inside: { protocol: "smtp", address: server.address } } };
}

const senders = [
  { name: "the domain that signed", from: clerk },
  { name: "somebody who replays it", from: "eve@evil.example" },
  { name: "nobody", from: undefined },
];

for (const step of ["RCPT", "end of data"] as const) {
  for (const code of [550, 451] as const) {
    const inner = await refusing(step, reply(code, code === 550 ? "5.7.1" : "4.7.1", `spam: "${canary}"`));
    for (const { name, from } of senders) {
      test(`A46: ${code} inside at ${step}, sent by ${name}: ${from === clerk ? "its own" : "no word"}`, async () => {
        const hand = {
          ...(from === undefined ? {} : { from }),
          to: [minister],
          message: await lab.fromParliament(letter(clerk)),
        };
        const before = lab.world.got.length;
        const [answer] = await walk(inner, "outside", hand);
        const expected =
          code === 451 ? (from === clerk ? "451 4.7.1" : "451 4.3.0") : from === clerk ? "550 5.7.1" : "250 2.0.0";
        assert.equal(answer, expected);
        assert.equal(lab.world.got.length, before, "nothing goes out");
      });
    }
  }
}

test("A48: hundreds of spoofed messages that cannot be opened or trusted make no word to anybody", async () => {
  const sealed = [
    await lab.fromParliament(letter(clerk)),
    await lab.fromParliament(letter("x@stranger.example")),
    await lab.fromParliament(letter(clerk), "B"),
  ];
  const inner = await refusing("end of data", reply(550, "5.7.1", "no"));
  const before = lab.world.got.length;
  const heard = new Set<string>();
  for (let at = 0; at < 300; at += 1) {
    const message = flipped(sealed[at % sealed.length] as Uint8Array, 0.3 + ((at * 2) % 650) / 1000);
    const hand = { from: `spoofed${at}@victim.example`, to: [minister], message, queueId: `4c${at}` };
    for (const answer of await walk(inner, "outside", hand)) heard.add(answer);
  }
  assert.deepEqual([...heard], ["250 2.0.0"]);
  assert.equal(lab.world.got.length, before);
});
