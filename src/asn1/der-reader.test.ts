import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, latin1 } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { DerReader } from "./der-reader.ts";
import * as der from "./der-writer.ts";
import { context, tag } from "./tag.ts";

function reader(octets: string): DerReader {
  return new DerReader(Buffer.from(octets.replaceAll(" ", ""), "hex"), 100);
}

/** The element is refused with this code at this offset; 100 is where the octets begin. */
function refused(octets: string, read: (from: DerReader) => unknown, code: string, offset: number): void {
  assert.throws(
    () => read(reader(octets)),
    (failure) => {
      assert.ok(isSecureMailError(failure, code), String(failure));
      assert.equal(failure.place.offset, offset);
      return true;
    },
  );
}

test("a structure is read element by element", () => {
  const from = reader("30 0f 02 01 05 06 01 2a 04 02 61 62 05 00 01 01 ff 80 00");
  const fields = from.sequence();
  assert.equal(fields.integer(), 5);
  assert.equal(fields.nextTag, tag.oid);
  assert.equal(fields.oid(), "1.2");
  assert.equal(hex(fields.octetString()), "6162");
  assert.equal(fields.nextIs(tag.null), true);
  assert.equal(hex(fields.element()), "0500");
  assert.equal(fields.boolean(), true);
  assert.equal(fields.atEnd, true);
  assert.equal(fields.nextTag, -1);
  fields.end("the structure");
  assert.equal(hex(from.rest()), "8000");
  assert.equal(from.atEnd, true);
});

test("an optional element is entered where its tag fits and left alone where not", () => {
  const fields = reader("a1 03 02 01 07 05 00");
  assert.equal(fields.optional(context(0)), undefined);
  assert.equal(fields.optional(context(1))?.integer(), 7);
  assert.equal(fields.offset, 105);
  assert.equal(fields.optional(context(1)), undefined);
});

test("a BIT STRING tells its unused bits", () => {
  const { octets, unusedBits } = reader("03 02 05 a0").bitString();
  assert.deepEqual([hex(octets), unusedBits], ["a0", 5]);
  assert.deepEqual(reader("03 01 00").bitString(), { octets: Buffer.alloc(0), unusedBits: 0 });
});

test("segments of a string under an implicit tag are joined, segments of segments too", () => {
  assert.equal(hex(reader("a0 0a 04 02 61 62 24 04 04 02 63 64").octetString(context(0))), "61626364");
  assert.equal(hex(reader("80 02 61 62").octetString(context(0))), "6162");
});

test("a time is UTCTime or GeneralizedTime", () => {
  const instant = new Date("2050-01-01T00:00:00Z");
  assert.deepEqual(new DerReader(der.time(instant)).time(), instant);
  refused("04 01 30", (from) => from.time(), "ASN1_MALFORMED", 100);
  refused("17 01 30", (from) => from.time(), "ASN1_MALFORMED", 100);
});

for (const { what, octets, read, code = "ASN1_MALFORMED", offset = 100 } of [
  { what: "another tag", octets: "0500", read: (from: DerReader) => from.sequence() },
  { what: "a primitive sequence", octets: "1000", read: (from: DerReader) => from.sequence() },
  { what: "a constructed number", octets: "2203 020101", read: (from: DerReader) => from.integer() },
  { what: "a number without octets", octets: "0200", read: (from: DerReader) => from.integer() },
  { what: "a negative number", octets: "0201ff", read: (from: DerReader) => from.integer() },
  { what: "a number of seven octets", octets: "0207 01000000000000", read: (from: DerReader) => from.integer() },
  { what: "a truth of two octets", octets: "01020000", read: (from: DerReader) => from.boolean() },
  { what: "eight unused bits", octets: "030208ff", read: (from: DerReader) => from.bitString() },
  { what: "unused bits of nothing", octets: "030101", read: (from: DerReader) => from.bitString() },
  { what: "a bit string of no octets", octets: "0300", read: (from: DerReader) => from.bitString() },
  { what: "a string in segments", octets: "2400", read: (from: DerReader) => from.element() },
  { what: "a text in segments", octets: "2c00", read: (from: DerReader) => from.element() },
  { what: "an indefinite length", octets: "30800000", read: (from: DerReader) => from.element() },
  { what: "a length longer than it need be", octets: "30810100", read: (from: DerReader) => from.element() },
  { what: "a length with a zero before it", octets: "30820080", read: (from: DerReader) => from.element() },
  { what: "seven octets of length", octets: "308700000000000001", read: (from: DerReader) => from.element() },
  { what: "an element left over", octets: "3000", read: (from: DerReader) => from.end("the test") },
  { what: "a high tag", octets: "1f2001ff", read: (from: DerReader) => from.nextTag },
  { what: "nothing", octets: "", read: (from: DerReader) => from.element(), code: "ASN1_TRUNCATED" },
  { what: "a tag alone", octets: "30", read: (from: DerReader) => from.element(), code: "ASN1_TRUNCATED" },
  { what: "an element cut short", octets: "300205", read: (from: DerReader) => from.element(), code: "ASN1_TRUNCATED" },
  { what: "a length cut short", octets: "308201", read: (from: DerReader) => from.element(), code: "ASN1_TRUNCATED" },
  {
    what: "an element longer than what holds it",
    octets: "3003 0402 61",
    read: (from: DerReader) => from.sequence().octetString(),
    code: "ASN1_TRUNCATED",
    offset: 102,
  },
] as const satisfies readonly {
  what: string;
  octets: string;
  read: (from: DerReader) => unknown;
  code?: string;
  offset?: number;
}[]) {
  test(`${what} is refused with its offset`, () => refused(octets, read, code, offset));
}

test("segments nested deeper than 64 are over the limit", () => {
  const nested = (depth: number): Uint8Array =>
    Array.from({ length: depth }).reduce<Uint8Array>((inner) => der.element(0x24, inner), der.octetString(latin1("x")));
  const deep = (depth: number): Uint8Array => der.element(0xa0, nested(depth));
  assert.equal(hex(new DerReader(deep(63)).octetString(context(0))), "78");
  assert.throws(() => new DerReader(deep(64)).octetString(context(0)), /nested too deep/);
});
