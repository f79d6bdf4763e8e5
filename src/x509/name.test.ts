import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { der, tag } from "../asn1.ts";
import { encodeName, nameKey, nameText, requireName } from "./name.ts";

type Rdn = readonly (readonly [oid: string, valueTag: number, value: Uint8Array | string])[];

function nameOf(...rdns: readonly Rdn[]): Uint8Array {
  const attribute = ([oid, valueTag, value]: Rdn[number]) =>
    der.sequence(der.oid(oid), typeof value === "string" ? der.text(valueTag, value) : der.element(valueTag, value));
  return der.sequence(...rdns.map((rdn) => der.setOf(...rdn.map(attribute))));
}

const cn = "2.5.4.3";
const dc = "0.9.2342.19200300.100.1.25";

// RFC 4514, 4, and what a terminal must not see.
for (const { name, text } of [
  { name: encodeName(["DC", "net"], ["DC", "example"], ["UID", "jsmith"]), text: "UID=jsmith,DC=example,DC=net" },
  { name: encodeName(["CN", 'James "Jim" Smith, III']), text: 'CN=James \\"Jim\\" Smith\\, III' },
  { name: encodeName(["CN", "Before\rAfter"]), text: "CN=Before\\0dAfter" },
  { name: encodeName(["CN", " #1 "]), text: "CN=\\ #1\\ " },
  { name: encodeName(["CN", "#1"]), text: "CN=\\#1" },
  { name: encodeName(["CN", "Lu\u010di\u0107"]), text: "CN=Lu\u010di\u0107" },
  { name: encodeName(["CN", "safe\u202egnp.exe"]), text: "CN=safe\\e2\\80\\aegnp.exe" },
  { name: encodeName(["1.3.6.1.4.1.1466.0", "x"]), text: "1.3.6.1.4.1.1466.0=#0c0178" },
  {
    name: nameOf([
      ["2.5.4.11", tag.utf8String, "Sales"],
      [cn, tag.utf8String, "J. Smith"],
    ]),
    text: "OU=Sales+CN=J. Smith",
  },
  { name: nameOf([[cn, tag.bmpString, Buffer.from("004400e4", "hex")]]), text: "CN=D\u00e4" },
  { name: nameOf([[cn, tag.utf8String, Buffer.from("c328", "hex")]]), text: "CN=#0c02c328" },
  { name: nameOf(), text: "" },
]) {
  test(`a name reads ${JSON.stringify(text)}`, () => assert.equal(nameText(name), text));
}

test("case, runs of blanks and the string type do not make another name", () => {
  const printable = nameOf([[cn, tag.printableString, "Example  Root ca"]], [[dc, tag.ia5String, "EXAMPLE"]]);
  const utf8 = nameOf([[cn, tag.utf8String, " example root CA "]], [[dc, tag.ia5String, "example"]]);
  assert.equal(nameKey(printable), nameKey(utf8));
});

for (const { what, other } of [
  { what: "another order of RDNs", other: encodeName(["O", "b"], ["C", "AT"]) },
  { what: "one RDN more", other: encodeName(["C", "AT"], ["O", "b"], ["CN", "c"]) },
  {
    what: "both attributes in one RDN",
    other: nameOf([
      ["2.5.4.6", tag.printableString, "AT"],
      ["2.5.4.10", tag.utf8String, "b"],
    ]),
  },
  { what: "another value", other: encodeName(["C", "AT"], ["O", "bb"]) },
]) {
  test(`${what} makes another name`, () =>
    assert.notEqual(nameKey(encodeName(["C", "AT"], ["O", "b"])), nameKey(other)));
}

test("no text can imitate the key of another name", () => {
  const one = encodeName(["CN", 'a"],["2.5.4.10=b']);
  assert.notEqual(nameKey(one), nameKey(encodeName(["CN", "a"], ["O", "b"])));
});

test("names of any text have equal keys if and only if the folded texts are equal", () => {
  const fold = (text: string) => text.trim().replace(/\s+/g, " ").toLowerCase();
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (a, b) => {
      const equal = nameKey(encodeName(["CN", a])) === nameKey(encodeName(["CN", b]));
      assert.equal(equal, fold(a) === fold(b));
    }),
  );
});

test("octets that are no name are refused with their offset", () => {
  assert.throws(() => requireName(der.sequence(der.sequence()), 100), {
    code: "ASN1_MALFORMED",
    place: { offset: 102 },
  });
  assert.throws(() => requireName(der.sequence(der.setOf()), 100), { code: "ASN1_TRUNCATED" });
});
