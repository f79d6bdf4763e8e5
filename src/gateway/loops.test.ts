import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1 } from "../bytes.ts";
import { formatReceived, type HeaderBlock } from "../mime.ts";
import type { Mailbox } from "../smtp.ts";
import { loopMarks, loopOf } from "./loops.ts";
import type { Side } from "./passage.ts";

const key = new Uint8Array(32).fill(1);
const alice: Mailbox = { localPart: "alice", domain: "justice.example" };
const bob: Mailbox = { localPart: "bob", domain: "treasury.example" };

type Pass = { readonly from: Side; readonly recipients: readonly Mailbox[]; readonly key?: Uint8Array };

/** The header of a message that passed so often, each time through the field we write. */
function after(...passes: readonly Pass[]): HeaderBlock {
  const fields = passes.map(({ from, recipients, key: other = key }, index) => ({
    name: "Received",
    octets: formatReceived({
      by: "gw.treasury.example",
      protocol: "LMTP",
      id: `id${index}`,
      at: new Date(0),
      comment: loopMarks(from, recipients, `id${index}`, other),
    }),
  }));
  return { fields, separator: latin1("\r\n") };
}

const pass: Pass = { from: "outside", recipients: [bob] };

test("A72: a fourth pass for the same recipient from the same side is a loop, a third is not", () => {
  assert.equal(loopOf(after(), "outside", bob, key), undefined);
  assert.equal(loopOf(after(pass, pass), "outside", bob, key), undefined);
  assert.equal(loopOf(after(pass, pass, pass), "outside", bob, key), "was here 3 times for this recipient");
  assert.equal(loopOf(after(pass, pass, pass), "outside", { ...bob, localPart: "BOB" }, key) !== undefined, true);
});

test("passes for others, from the other side or by other gateways do not count", () => {
  const header = after(
    pass,
    pass,
    { ...pass, key: new Uint8Array(32) },
    { ...pass, from: "inside" },
    { ...pass, recipients: [alice] },
  );
  assert.equal(loopOf(header, "outside", bob, key), undefined);
});

test("a recipient among a thousand is found again", () => {
  const many = Array.from({ length: 999 }, (_, index) => ({ ...alice, localPart: `a${index}` }));
  const among = { ...pass, recipients: [...many, bob] };
  assert.notEqual(loopOf(after(among, pass, among), "outside", bob, key), undefined);
});

test("more than 50 Received fields are a loop, whoever wrote them", () => {
  const field = { name: "Received", octets: latin1("Received: from a by b; Mon, 23 Nov 2026 09:08:07 +0000\r\n") };
  const header = (count: number) => ({ fields: Array.from({ length: count }, () => field), separator: latin1("\r\n") });
  assert.equal(loopOf(header(50), "outside", bob, key), undefined);
  assert.equal(loopOf(header(51), "outside", bob, key), "more than 50 Received fields");
});

test("the marks tell neither the recipients nor, but in steps, how many there are", () => {
  const marks = (count: number) =>
    loopMarks(
      "inside",
      Array.from({ length: count }, (_, index) => ({ ...bob, localPart: `b${index}` })),
      "id",
      key,
    );
  assert.equal(marks(1).length, marks(4).length);
  assert.equal(marks(5).length, marks(8).length);
  assert.match(marks(3), /^postern(?: [\w-]{8}){4}$/);
  assert.equal(marks(3), marks(3));
});
