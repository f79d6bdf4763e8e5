import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { octetsOf, treeOf, within } from "../../test/asn1-tree.ts";
import { withVectors } from "../../test/vectors.ts";
import { context, der, tag } from "../asn1.ts";
import { privateKeyOf } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import { cachedCertificate, maxCertificateOctets, parseCertificate } from "./certificate.ts";
import { type CertificateTemplate, issueCertificate } from "./certificate-writer.ts";
import { encodeName } from "./name.ts";
import { certificatesInFile } from "./pem.ts";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const template: CertificateTemplate = {
  subject: encodeName(["O", "a.example"], ["CN", "domain-signing-authority"]),
  spki: pair.publicKey.export({ format: "der", type: "spki" }),
  serial: Uint8Array.of(0x0a, 0x12),
  notBefore: new Date("2026-01-01T00:00:00Z"),
  notAfter: new Date("2027-01-01T00:00:00Z"),
  keyUsage: ["digitalSignature"],
  emails: ["domain-signing-authority@a.example"],
};
const issue = (changes: Partial<CertificateTemplate> = {}) =>
  issueCertificate({ ...template, ...changes }, privateKeyOf(pair.privateKey, pair.publicKey));
const good = await issue();

/** The certificate with one piece of its octets replaced by another of the same length. */
function withReplaced(octets: Uint8Array, from: Uint8Array, to: Uint8Array, lastOne: boolean = false): Uint8Array {
  const changed = Buffer.from(octets);
  const at = lastOne ? changed.lastIndexOf(from) : changed.indexOf(from);
  assert.ok(at > 0);
  changed.set(to, at);
  return changed;
}

test("the same octets give the same object, and other octets another", () => {
  assert.equal(cachedCertificate(good), cachedCertificate(Uint8Array.from(good)));
  const other = withReplaced(good, Buffer.from("a.example"), Buffer.from("b.example"));
  assert.notEqual(cachedCertificate(other), cachedCertificate(good));
});

test("what is remembered does not depend on the buffer it came in", async () => {
  const octets = await issue({ serial: Uint8Array.of(0x0b) });
  const buffer = Buffer.concat([Buffer.alloc(100_000), octets]);
  const certificate = cachedCertificate(buffer.subarray(100_000));
  buffer.fill(0);
  assert.deepEqual(Buffer.from(certificate.octets), octets);
  assert.ok(certificate.octets.buffer.byteLength < 100_000);
});

test("A67: thousands of extensions take no more than a quarter of a second", () => {
  const extensions = Array.from({ length: 8_000 }, (_, i) =>
    der.sequence(der.oid(`1.2.${i}`), der.boolean(true), der.octetString(Uint8Array.of(5, 0))),
  );
  const { tbs, signatureAlgorithm, signature } = parseCertificate(good);
  const fields = treeOf(tbs);
  within(fields, -1, 0).encoded = der.sequence(...extensions);
  const octets = der.sequence(octetsOf(fields), signatureAlgorithm, der.bitString(signature));
  const started = performance.now();
  const { extensions: read } = parseCertificate(octets);
  assert.ok(performance.now() - started < 250);
  assert.equal(read.otherCritical.length, extensions.length);
});

test("no more than the limit is remembered", async () => {
  const extensions = [{ oid: "1.2.3", critical: false, value: new Uint8Array(100_000) }];
  const octets = await issue({ extensions });
  const first = cachedCertificate(octets);
  for (let i = 0; i < 100; i++) {
    const serial = Uint8Array.of(0x0a, 0x13 + i);
    cachedCertificate(withReplaced(octets, Uint8Array.of(2, 2, 0x0a, 0x12), Uint8Array.of(2, 2, ...serial)));
  }
  assert.notEqual(cachedCertificate(octets), first);
});

for (const { what, octets, code, field } of [
  { what: "nothing", octets: new Uint8Array(0), code: "X509_MALFORMED", field: "certificate" },
  {
    what: "an octet after it",
    octets: Buffer.concat([good, Buffer.of(0)]),
    code: "X509_MALFORMED",
    field: "certificate",
  },
  { what: "its last octet missing", octets: good.subarray(0, -1), code: "X509_MALFORMED", field: "certificate" },
  { what: "too many octets", octets: new Uint8Array(maxCertificateOctets + 1), code: "X509_LIMIT", field: undefined },
  {
    what: "version 4",
    octets: withReplaced(good, Uint8Array.of(0xa0, 3, 2, 1, 2), Uint8Array.of(0xa0, 3, 2, 1, 3)),
    code: "X509_MALFORMED",
    field: "version",
  },
  {
    what: "extensions and version 2",
    octets: withReplaced(good, Uint8Array.of(0xa0, 3, 2, 1, 2), Uint8Array.of(0xa0, 3, 2, 1, 1)),
    code: "X509_MALFORMED",
    field: "extensions",
  },
  {
    what: "a 31st of February",
    octets: withReplaced(good, Buffer.from("260101"), Buffer.from("260231")),
    code: "X509_MALFORMED",
    field: "validity",
  },
  {
    what: "another algorithm outside than inside",
    octets: withReplaced(good, Buffer.from("2a8648ce3d040302", "hex"), Buffer.from("2a8648ce3d040303", "hex"), true),
    code: "X509_MALFORMED",
    field: "signatureAlgorithm",
  },
]) {
  test(`a certificate with ${what} is refused`, () => {
    assert.throws(
      () => parseCertificate(octets),
      (thrown) => isSecureMailError(thrown, code) && thrown.place.field === field,
    );
  });
}

for (const { what, oid, value, field } of [
  {
    what: "twice the same extension",
    oid: "2.5.29.15",
    value: der.bitString(Uint8Array.of(0x80), 7),
    field: "extensions",
  },
  { what: "an empty extendedKeyUsage", oid: "2.5.29.37", value: der.sequence(), field: "extendedKeyUsage" },
  {
    what: "a basicConstraints with a remainder",
    oid: "2.5.29.19",
    value: der.sequence(der.nullElement()),
    field: "basicConstraints",
  },
  {
    what: "two values in one extension",
    oid: "2.5.29.37",
    value: Buffer.concat([der.sequence(der.oid("1.2.3")), der.nullElement()]),
    field: "extendedKeyUsage",
  },
]) {
  test(`a certificate with ${what} is refused`, async () => {
    const octets = await issue({ extensions: [{ oid, critical: false, value }] });
    assert.throws(
      () => parseCertificate(octets),
      (thrown) => isSecureMailError(thrown, "X509_MALFORMED") && thrown.place.field === field,
    );
  });
}

test("names in the subjectAltName that are no addresses are told apart", async () => {
  const names = der.sequence(
    der.text(context(1), "Domain-Signing-Authority@A.Example"),
    der.text(context(1), "x y@a.example"),
    der.text(context(2), "a.example"),
    der.text(context(6), "smtp://a.example"),
    der.explicit(4, encodeName(["CN", "x"])),
    der.element(context(7), Uint8Array.of(192, 0, 2, 1)),
    der.implicit(
      0,
      der.sequence(der.oid("1.3.6.1.5.5.7.8.9"), der.explicit(0, der.text(tag.utf8String, "ü@a.example"))),
    ),
  );
  const { emails: _, ...without } = template;
  const octets = await issueCertificate(
    { ...without, extensions: [{ oid: "2.5.29.17", critical: true, value: names }] },
    privateKeyOf(pair.privateKey, pair.publicKey),
  );
  const { emails, extensions } = parseCertificate(octets);
  assert.deepEqual(emails, ["Domain-Signing-Authority@a.example"]);
  assert.deepEqual(extensions.subjectAltName, {
    emails,
    rfc822Names: ["Domain-Signing-Authority@A.Example", "x y@a.example"],
    dnsNames: ["a.example"],
    uris: ["smtp://a.example"],
    hasSmtpUtf8Mailbox: true,
  });
});

for (const { what, spki } of [
  { what: "a curve described in full", spki: explicitCurve() },
  { what: "exponent 1", spki: rsaSpki(2048, 1) },
  { what: "an even exponent", spki: rsaSpki(2048, 65536) },
  { what: "an exponent above 2^32", spki: rsaSpki(2048, 2 ** 32 + 1) },
  { what: "16,384 bits", spki: rsaSpki(16384, 65537) },
  { what: "no key at all", spki: der.sequence(der.sequence(der.oid("1.2.3")), der.bitString(Uint8Array.of(0))) },
]) {
  test(`a public key with ${what} is not used`, async () => {
    const certificate = parseCertificate(await issue({ spki }));
    assert.throws(() => certificate.publicKey, { code: "X509_KEY" });
  });
}

function rsaSpki(bits: number, exponent: number): Uint8Array {
  const modulus = Buffer.alloc(bits / 8, 0xff);
  const exponentOctets = Buffer.from(exponent.toString(16).padStart(10, "0"), "hex");
  const key = der.sequence(der.unsignedInteger(modulus), der.unsignedInteger(exponentOctets));
  return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.nullElement()), der.bitString(key));
}

// P-256 spelt out as OpenSSL's param_enc:explicit does, with its own generator: only the spelling is wrong with it.
function explicitCurve(): Uint8Array {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" });
  return publicKey.export({ format: "der", type: "spki" });
}

test("any change to a certificate gives a certificate or a failure with a code", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = Uint8Array.from(good);
      for (const [at, octet] of changes) changed[at] = octet;
      readEverything(changed);
    }),
    { numRuns: 5000 },
  );
});

/** Reads all that a certificate offers; only a SecureMailError may come of it. */
function readEverything(octets: Uint8Array): void {
  try {
    const certificate = parseCertificate(octets);
    assert.equal(
      typeof certificate.subject + typeof certificate.issuerKey + typeof certificate.serialText,
      "stringstringstring",
    );
    assert.equal(certificate.publicKey.type, "public");
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
  }
}

withVectors("openssl-smime-certs", 1, (folder) => {
  const certificates = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file)))
    .filter((octets) => octets.includes("BEGIN CERTIFICATE"))
    .flatMap((octets) => certificatesInFile(octets, "vector"));

  test("certificates by OpenSSL are read as OpenSSL reads them", () => {
    assert.ok(certificates.length >= 20);
    for (const certificate of certificates) {
      const openssl = new X509Certificate(certificate.octets);
      // OpenSSL marks a negative number with a minus, and pads to whole octets.
      assert.equal(certificate.serialText.replace("-", "").toUpperCase(), openssl.serialNumber.replace("-", ""));
      assert.equal(certificate.notAfter.getTime(), openssl.validToDate.getTime());
      assert.equal(certificate.sha256.toUpperCase(), openssl.fingerprint256.replaceAll(":", ""));
      assert.equal(certificate.extensions.basicConstraints?.ca ?? false, openssl.ca);
    }
  });

  test("certificates by OpenSSL with any octet changed are read or refused with a code", () => {
    for (const { octets } of certificates) {
      for (let at = 0; at < octets.length; at += octets.length > 4000 ? 397 : 13) {
        for (const change of [0x01, 0x80, 0xff]) {
          const changed = Uint8Array.from(octets);
          changed[at] = (changed[at] as number) ^ change;
          readEverything(changed);
        }
      }
    }
  });
});
