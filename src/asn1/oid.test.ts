import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hex } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { decodeOid, encodeOid } from "./oid.ts";

for (const { dotted, contents } of [
  { dotted: "1.2.840.113549.1.7.2", contents: "2a864886f70d010702" },
  { dotted: "2.999.3", contents: "883703" }, // X.690, 8.19.5
  { dotted: "0.0", contents: "00" },
  { dotted: "0.39", contents: "27" },
  { dotted: "1.0", contents: "28" },
  { dotted: "1.39", contents: "4f" },
  { dotted: "2.0", contents: "50" },
  { dotted: "2.47", contents: "7f" },
  { dotted: "2.48", contents: "8100" },
  { dotted: "1.2.128.16383.16384", contents: "2a8100ff7f818000" },
  // A UUID below 2.25: arcs may be longer than a number of JavaScript holds.
  { dotted: "2.25.340282366920938463463374607431768211455", contents: "6983ffffffffffffffffffffffffffffffffff7f" },
]) {
  test(`${dotted} is ${contents}`, () => {
    assert.equal(hex(encodeOid(dotted)), contents);
    assert.equal(decodeOid(Buffer.from(contents, "hex")), dotted);
  });
}

for (const { what, contents, code } of [
  { what: "without octets", contents: "", code: "ASN1_MALFORMED" },
  { what: "that ends in mid-arc", contents: "2a86", code: "ASN1_MALFORMED" },
  { what: "with leading zeros in an arc", contents: "2a8001", code: "ASN1_MALFORMED" },
  { what: "that begins with leading zeros", contents: "8037", code: "ASN1_MALFORMED" },
  { what: "of 129 octets", contents: `${"81".repeat(128)}01`, code: "ASN1_LIMIT" },
]) {
  test(`an object identifier ${what} is refused with its offset`, () => {
    assert.throws(
      () => decodeOid(Buffer.from(contents, "hex"), 7),
      (failure) => isSecureMailError(failure, code) && failure.place.offset === 7,
    );
  });
}

test("every object identifier comes back as it was", () => {
  const arc = fc.bigInt({ min: 0n, max: 2n ** 130n });
  const first = fc.oneof(
    fc.tuple(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: 39n })),
    fc.tuple(fc.constant(2n), arc),
  );
  fc.assert(
    fc.property(first, fc.array(arc, { maxLength: 5 }), (start, rest) => {
      const dotted = [...start, ...rest].join(".");
      assert.equal(decodeOid(encodeOid(dotted)), dotted);
    }),
  );
});
