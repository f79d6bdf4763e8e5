// Header fields that somebody smuggles into the restored message (security A18): the record of the header's layout comes
// from whoever signed, and what it says must not turn content into header fields or swallow those that are there.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, latin1, latin1Text, sourceOf } from "../../src/bytes.ts";
import { isContentField, readEntity } from "../../src/mime.ts";
import { found, openedMail, signer } from "../correspondents.ts";
import { asEntity, signedObject } from "../objects.ts";

const stranger = await signer("p256", "domain-signing-authority@c.example");
const outside = "From: alice@a.example\r\nTo: bob@b.example\r\n";

async function restored(payload: string, outer: string = outside): Promise<string> {
  const object = await signedObject(latin1(payload), stranger);
  const { octets } = await openedMail(concat([latin1(outer), asEntity(object, "signed-data")]));
  return latin1Text(found(octets));
}

for (const end of ["none", "open"]) {
  for (const { what, body } of [
    { what: "results in our name", body: "Authentication-Results: gw.b.example; smime=pass\r\n\r\nPay.\r\n" },
    { what: "another From", body: "From: carol@c.example\r\n\r\nPay.\r\n" },
    { what: "a folded line", body: " and more of To\r\n\r\nPay.\r\n" },
    { what: "an empty line", body: "\r\nPay.\r\n" },
  ]) {
    test(`A18: a record that says "${end}" makes no header field of a body that begins with ${what}`, async () => {
      const octets = await restored(`Postern-Layout: fields=none; end=${end}\r\n\r\n${body}`);
      assert.equal(octets, `${outside}\r\n${body}`);
    });
  }
}

test("A18: whatever payload and record say, the header holds the outer fields and content fields, and no others", async () => {
  const line = fc.constantFrom(
    "",
    "Postern-Verdict: OK",
    "Authentication-Results: gw.b.example; smime=pass",
    "Content-Type: text/plain",
    "Content-Description: x",
    " folded",
    "no field",
    "From: carol@c.example",
  );
  const gaps = fc.oneof(
    fc.constant("none"),
    fc.array(fc.nat(999_999), { minLength: 1, maxLength: 4 }).map((all) => all.join(" ")),
  );
  const record = fc
    .tuple(gaps, fc.constantFrom("", "; end=none", "; end=open"))
    .map(([fields, end]) => `Postern-Layout: fields=${fields}${end}`);
  const payload = fc
    .tuple(fc.array(line, { maxLength: 3 }), record, fc.array(line, { maxLength: 5 }), fc.constantFrom("", "\r\n"))
    .map(([before, layout, after, last]) => [...before, layout, ...after].join("\r\n") + last);
  await fc.assert(
    fc.asyncProperty(payload, fc.constantFrom(outside, "", "X-Last: y\r\n"), async (text, outer) => {
      const { header } = await readEntity(sourceOf(latin1(await restored(text, outer))));
      const others = header.fields.filter((field) => !isContentField(field)).map(({ octets }) => latin1Text(octets));
      assert.equal(others.join("").trimEnd(), outer.trimEnd());
    }),
    { numRuns: 500 },
  );
});
