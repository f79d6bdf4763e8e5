import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { reencoded, variants } from "../../test/ber-variants.ts";
import { hex, latin1 } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import * as der from "./der-writer.ts";
import { maxDepth, maxNodes } from "./limits.ts";
import { tag } from "./tag.ts";
import { berElements, toDer } from "./to-der.ts";

const octets = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

for (const { what, ber, definite } of [
  { what: "an indefinite length", ber: "3080 0500 0000", definite: "30020500" },
  { what: "indefinite lengths in each other", ber: "3080 3180 0500 0000 0000", definite: "300431020500" },
  { what: "an indefinite length in a definite one", ber: "3006 3080 0500 0000", definite: "300430020500" },
  { what: "a length longer than it need be", ber: "30820002 0500", definite: "30020500" },
  { what: "a length of a length", ber: "0484000000 01 61", definite: "040161" },
  { what: "a string in segments", ber: "2480 0401 61 0402 6263 0000", definite: "0403616263" },
  { what: "segments of segments", ber: "2480 2480 0401 61 0000 2403 0401 62 0000", definite: "04026162" },
  { what: "a string of no segments", ber: "2400", definite: "0400" },
  { what: "an empty segment", ber: "2480 0400 0000", definite: "0400" },
  { what: "a text in segments", ber: "2c80 0401 c3 0401 a9 0000", definite: "0c02c3a9" },
  { what: "a time in segments", ber: "3780 0402 3236 0402 3037 0000", definite: "170432363037" },
  { what: "a bit string in segments", ber: "2380 0302 00a5 0302 0480 0000", definite: "030304a580" },
  { what: "a bit string of no segments", ber: "2380 0000", definite: "030100" },
  // The type under a context tag is not known here; DerReader joins it.
  { what: "a context tag over segments", ber: "a080 0401 61 0000", definite: "a003040161" },
  { what: "several elements", ber: "3080 0000 0500 2400", definite: "300005000400" },
  { what: "a set out of order", ber: "3180 0202 0100 0201 01 0000", definite: "310702020100020101" },
]) {
  test(`${what} becomes DER`, () => assert.equal(hex(toDer(octets(ber))), definite));
}

test("what is DER stays the same octets in the same memory", () => {
  const already = der.sequence(
    der.integer(1),
    der.setOf(der.octetString(latin1("a")), der.oid("1.2.3")),
    der.nullElement(),
  );
  assert.equal(toDer(already), already);
});

test("every encoding of a value becomes its DER", () => {
  const value = der.sequence(
    ...[der.integer(300), der.oid("1.2.840.113549.1.7.1"), der.boolean(true)],
    der.explicit(0, der.octetString(Buffer.alloc(200, "x"))),
    der.setOf(der.text(tag.utf8String, "é"), der.text(tag.printableString, "a"), der.time(new Date(0))),
    der.sequence(der.bitString(Uint8Array.of(1, 2, 0x80), 7)),
  );
  fc.assert(fc.property(variants, (variant) => assert.equal(hex(toDer(reencoded(value, variant))), hex(value))));
});

test("elements beside each other are found with where they begin and end", () => {
  assert.deepEqual(berElements(octets("0500 3080 0201 05 0000 0401 61")), [
    { identifier: 0x05, contentStart: 2, contentEnd: 2, end: 2 },
    { identifier: 0x30, contentStart: 4, contentEnd: 7, end: 9 },
    { identifier: 0x04, contentStart: 11, contentEnd: 12, end: 12 },
  ]);
  assert.deepEqual(berElements(new Uint8Array(0)), []);
});

const nested = (depth: number, ...around: readonly [string, string]): Uint8Array =>
  octets(around[0].repeat(depth) + around[1].repeat(depth));

for (const { what, ber, code } of [
  { what: "a segment of another type", ber: octets("2480 0c01 61 0000"), code: "ASN1_MALFORMED" },
  { what: "unused bits in mid-string", ber: octets("2380 0302 04a0 0302 0080 0000"), code: "ASN1_MALFORMED" },
  { what: "an indefinite length of a primitive", ber: octets("0480 0000"), code: "ASN1_MALFORMED" },
  { what: "the length octet ff", ber: octets("30ff"), code: "ASN1_MALFORMED" },
  { what: "an end-of-contents with contents", ber: octets("3080 0001 00 0000"), code: "ASN1_MALFORMED" },
  { what: "no end-of-contents", ber: octets("3080 0500"), code: "ASN1_TRUNCATED" },
  { what: "half an end-of-contents", ber: octets("3080 0500 00"), code: "ASN1_TRUNCATED" },
  { what: "an element cut short", ber: octets("3005 0500"), code: "ASN1_TRUNCATED" },
  { what: "a length cut short", ber: octets("3082 01"), code: "ASN1_TRUNCATED" },
  { what: "a length above 2^53", ber: octets("3088 ffffffffffffffff"), code: "ASN1_LIMIT" },
  { what: "a tag number of three octets", ber: octets("3f818181 0100"), code: "ASN1_LIMIT" },
  { what: "65 levels of indefinite length", ber: nested(maxDepth + 1, "3080", "0000"), code: "ASN1_LIMIT" },
  { what: "200,001 elements", ber: Buffer.alloc(2 * (maxNodes + 1), octets("0500")), code: "ASN1_LIMIT" },
]) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => toDer(ber),
      (failure) => isSecureMailError(failure, code) && failure.place.offset !== undefined,
    );
  });
}

test("64 levels are read, definite or not, and 65 are not", () => {
  const definite = (depth: number): Uint8Array =>
    Array.from({ length: depth }).reduce<Uint8Array>((inner) => der.sequence(inner), new Uint8Array(0));
  assert.equal(hex(toDer(nested(maxDepth - 1, "3080", "0000"))), hex(definite(maxDepth - 1)));
  assert.equal(hex(toDer(definite(maxDepth - 1))), hex(definite(maxDepth - 1)));
  assert.throws(() => toDer(definite(maxDepth + 1)), /nested deeper/);
});
