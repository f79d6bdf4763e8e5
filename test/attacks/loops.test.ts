// Mail that goes round (security.md A72): two gateways that send to each other what neither knows. At most three passes
// each, then it is held where an administrator sees it, and nobody hears a refusal that would make a bounce.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { collect } from "../../src/bytes.ts";
import { corridor, type Services } from "../../src/gateway.ts";
import { clerk, Lab, mail, minister, walk } from "../gateway-lab.ts";

const [one, other] = [await Lab.open(), await Lab.open()] as const;
for (const lab of [one, other]) after(() => lab.close());

type Node = { readonly services: Services; passes: number };

/** Services whose way out leads to the other one. */
async function facingEachOther(): Promise<readonly [Node, Node]> {
  const nodes: Node[] = [];
  for (const [at, lab] of [one, other].entries()) {
    const services = await lab.services();
    const relay: Services["relay"] = async (_hop, envelope, message) => {
      const next = nodes[1 - at] as Node;
      next.passes += 1;
      const octets = await collect(message);
      const peer = { address: "127.0.0.1", helo: services.hostname, protocol: "LMTP" } as const;
      const source = (async function* () {
        yield octets;
      })();
      return corridor("outside", next.services)({ envelope, peer, message: source });
    };
    nodes.push({
      services: { ...services, hostname: `gw${at}.example`, ledgerKey: randomBytes(32), relay },
      passes: 0,
    });
  }
  return nodes as [Node, Node];
}

for (const [name, from, to] of [
  ["a stranger's mail", "x@stranger.example", ["y@stranger.example"]],
  ["mail with many recipients", "x@stranger.example", Array.from({ length: 20 }, (_, n) => `y${n}@stranger.example`)],
  ["a bounce", undefined, ["y@stranger.example"]],
] as const) {
  test(`A72: ${name} between two gateways that face each other is held after three passes each`, async () => {
    const nodes = await facingEachOther();
    const [first, second] = nodes;
    const heldBefore = await heldIn(nodes);
    const replies = await walk(first.services, "outside", {
      ...(from === undefined ? {} : { from }),
      to,
      message: mail("x@stranger.example"),
    });
    assert.deepEqual(new Set(replies), new Set(["250 2.0.0"]));
    assert.ok(first.passes <= 3 && second.passes <= 3, `${first.passes} and ${second.passes} passes`);
    assert.equal((await heldIn(nodes)) - heldBefore, 1);
  });
}

async function heldIn(nodes: readonly Node[]): Promise<number> {
  const lists = await Promise.all(nodes.map(({ services }) => services.store.holds.list()));
  return lists.flat().filter(({ code }) => code === "LOOP").length;
}

test("A72: a redirect that comes by once or twice is ordinary mail", async () => {
  const services = await one.services();
  let message = Buffer.from(mail("x@stranger.example"), "latin1");
  for (let pass = 0; pass < 3; pass += 1) {
    const hand = { from: "x@stranger.example", to: ["y@stranger.example"], message };
    assert.deepEqual(await walk(services, "outside", hand), ["250 2.0.0"]);
    message = Buffer.from(one.world.got.at(-1)?.message ?? "", "latin1");
  }
  const before = one.world.got.length;
  await walk(services, "outside", { from: "x@stranger.example", to: ["y@stranger.example"], message });
  assert.equal(one.world.got.length, before);
  assert.equal(one.reports.at(-1)?.code, "LOOP");
});

test("A72: what a mark of ours is nobody else can make", async () => {
  const services = await one.services();
  const forged =
    "Received: from a by gw.treasury.example (postern AAAAAAAA BBBBBBBB CCCCCCCC DDDDDDDD) with LMTP id 1; x\r\n";
  const hand = { from: clerk, to: [minister], message: `${forged.repeat(10)}${mail(clerk)}` };
  const before = one.users.got.length;
  assert.deepEqual(await walk(services, "outside", hand), ["250 2.0.0"]);
  assert.equal(one.users.got.length, before + 1);
});
