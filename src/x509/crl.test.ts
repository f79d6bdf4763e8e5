import assert from "node:assert/strict";
import { test } from "node:test";
import { der, tag } from "../asn1.ts";
import { isSecureMailError } from "../errors.ts";
import { parseCrl } from "./crl.ts";
import { encodeName, nameKey } from "./name.ts";

const algorithm = der.sequence(der.oid("1.2.840.10045.4.3.2"));
const issuer = encodeName(["CN", "Root"]);
const day = (date: string) => der.time(new Date(`${date}T00:00:00Z`));
const entry = (serial: number, ...extensions: readonly Uint8Array[]) =>
  der.sequence(der.integer(serial), day("2026-02-01"), ...(extensions.length > 0 ? [der.sequence(...extensions)] : []));
const extension = (oid: string, critical: boolean) =>
  der.sequence(der.oid(oid), der.boolean(critical), der.octetString(der.nullElement()));

function crl(...fields: readonly Uint8Array[]): Uint8Array {
  const tbs = der.sequence(der.integer(1), algorithm, issuer, day("2026-03-01"), ...fields);
  return der.sequence(tbs, algorithm, der.bitString(new Uint8Array(8)));
}

test("a CRL tells which serial numbers it lists since when", () => {
  const list = parseCrl(crl(day("2026-04-01"), der.sequence(entry(5), entry(300, extension("2.5.29.21", false)))));
  assert.equal(list.issuer, "CN=Root");
  assert.equal(list.issuerKey, nameKey(issuer));
  assert.equal(list.nextUpdate?.toISOString(), "2026-04-01T00:00:00.000Z");
  assert.equal(list.revocationDate(Uint8Array.of(5))?.toISOString(), "2026-02-01T00:00:00.000Z");
  assert.equal(list.revocationDate(Uint8Array.of(1, 44))?.toISOString(), "2026-02-01T00:00:00.000Z");
  assert.equal(list.revocationDate(Uint8Array.of(6)), undefined);
  assert.deepEqual(list.otherCritical, []);
});

test("a CRL without entries and without nextUpdate is read", () => {
  const list = parseCrl(crl());
  assert.equal(list.nextUpdate, undefined);
  assert.equal(list.revocationDate(Uint8Array.of(5)), undefined);
});

test("critical extensions of the list and of an entry are told", () => {
  const entries = der.sequence(entry(5, extension("2.5.29.29", true), extension("2.5.29.21", true)));
  const extensions = der.explicit(0, der.sequence(extension("2.5.29.28", true), extension("2.5.29.20", false)));
  assert.deepEqual(parseCrl(crl(entries, extensions)).otherCritical, ["2.5.29.29", "2.5.29.28"]);
});

for (const { what, octets } of [
  { what: "an entry without a date", octets: crl(der.sequence(der.sequence(der.integer(5)))) },
  { what: "something after its extensions", octets: crl(der.explicit(0, der.sequence()), der.nullElement()) },
  {
    what: "another algorithm inside",
    octets: der.sequence(
      der.sequence(der.sequence(der.oid("1.2.3")), issuer, day("2026-03-01")),
      algorithm,
      der.bitString(new Uint8Array(1)),
    ),
  },
  {
    what: "a name that is none",
    octets: der.sequence(
      der.sequence(algorithm, der.element(tag.set | 0x20), day("2026-03-01")),
      algorithm,
      der.bitString(new Uint8Array(1)),
    ),
  },
]) {
  test(`a CRL with ${what} is refused`, () => {
    assert.throws(
      () => parseCrl(octets),
      (thrown) => isSecureMailError(thrown, "X509_MALFORMED"),
    );
  });
}
