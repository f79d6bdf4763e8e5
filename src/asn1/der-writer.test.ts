import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hex, latin1 } from "../bytes.ts";
import { DerReader } from "./der-reader.ts";
import * as der from "./der-writer.ts";
import { context, tag } from "./tag.ts";

for (const { length, header } of [
  { length: 0, header: "0400" },
  { length: 127, header: "047f" },
  { length: 128, header: "048180" },
  { length: 255, header: "0481ff" },
  { length: 256, header: "04820100" },
  { length: 65_535, header: "0482ffff" },
  { length: 65_536, header: "0483010000" },
  { length: 2 ** 32, header: "04850100000000" },
  { length: 2 ** 40 + 1, header: "0486010000000001" },
]) {
  test(`a length of ${length} is written as ${header.slice(2)}`, () => {
    assert.equal(hex(der.header(tag.octetString, length)), header);
  });
}

for (const { what, element, octets } of [
  { what: "a sequence", element: der.sequence(der.nullElement(), der.boolean(true)), octets: "300505000101ff" },
  { what: "an empty sequence", element: der.sequence(), octets: "3000" },
  { what: "false", element: der.boolean(false), octets: "010100" },
  { what: "0", element: der.integer(0), octets: "020100" },
  { what: "127", element: der.integer(127), octets: "02017f" },
  { what: "128", element: der.integer(128), octets: "02020080" },
  { what: "65,536", element: der.integer(65_536), octets: "0203010000" },
  { what: "2^31 - 1", element: der.integer(2 ** 31 - 1), octets: "02047fffffff" },
  { what: "the number of no octets", element: der.unsignedInteger(new Uint8Array(0)), octets: "020100" },
  { what: "a magnitude of zeros", element: der.unsignedInteger(Uint8Array.of(0, 0)), octets: "020100" },
  {
    what: "a magnitude with its first bit set",
    element: der.unsignedInteger(Uint8Array.of(0, 0x80)),
    octets: "02020080",
  },
  { what: "an identifier", element: der.oid("1.2.840.113549"), octets: "06062a864886f70d" },
  { what: "a bit string", element: der.bitString(Uint8Array.of(0xa0), 5), octets: "030205a0" },
  { what: "an explicit tag", element: der.explicit(2, der.integer(1)), octets: "a203020101" },
  {
    what: "an implicit tag over a primitive",
    element: der.implicit(1, der.octetString(latin1("a"))),
    octets: "810161",
  },
  {
    what: "an implicit tag over a sequence",
    element: der.implicit(0, der.sequence(der.nullElement())),
    octets: "a0020500",
  },
  { what: "UTF-8", element: der.text(tag.utf8String, "é"), octets: "0c02c3a9" },
  { what: "IA5 under a tag", element: der.text(context(1), "a@b"), octets: "8103614062" },
  {
    what: "a time",
    element: der.time(new Date("2026-06-01T12:00:00Z")),
    octets: `170d${hex(latin1("260601120000Z"))}`,
  },
]) {
  test(`${what} is written as ${octets}`, () => assert.equal(hex(element), octets));
}

test("a SET OF is sorted by the octets of its elements, a shorter one before a longer one that begins alike", () => {
  const [one, longer, two] = [der.octetString(latin1("a")), der.octetString(latin1("aa")), der.oid("1.2")];
  assert.equal(hex(der.setOf(longer, two, one)), hex(der.setOf(one, longer, two)));
  assert.equal(hex(der.setOf(longer, two, one)), `310a${hex(one)}${hex(longer)}${hex(two)}`);
});

test("an implicit tag leaves the element it is made from as it was", () => {
  const element = der.octetString(latin1("kept"));
  der.implicit(0, element);
  assert.equal(element[0], tag.octetString);
});

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.boolean(), (octets, number, truth) => {
      const written = der.sequence(
        ...[der.octetString(octets), der.integer(number), der.boolean(truth)],
        ...[der.bitString(octets), der.unsignedInteger(octets)],
      );
      const fields = new DerReader(written).sequence();
      assert.deepEqual(new Uint8Array(fields.octetString()), octets);
      assert.equal(fields.integer(), number);
      assert.equal(fields.boolean(), truth);
      assert.deepEqual(new Uint8Array(fields.bitString().octets), octets);
      assert.equal(BigInt(`0x0${hex(fields.integerOctets())}`), BigInt(`0x0${hex(octets)}`));
      fields.end("what was written");
    }),
  );
});
