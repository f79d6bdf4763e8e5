import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { privateKeyOf, signatureSchemes } from "../crypto.ts";
import { parseCertificate } from "./certificate.ts";
import { issueCertificate } from "./certificate-writer.ts";
import { encodeName } from "./name.ts";

const notBefore = new Date("2026-01-01T00:00:00Z");
const notAfter = new Date("2051-01-01T00:00:00Z");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed25519 = generateKeyPairSync("ed25519");

const spkiOf = (publicKey: KeyObject) => publicKey.export({ format: "der", type: "spki" });

for (const { name, pair } of [
  { name: "rsa-v15-sha256", pair: rsa },
  { name: "rsa-pss-sha256", pair: rsa },
  { name: "ecdsa-sha256", pair: ec },
  { name: "ed25519", pair: ed25519 },
]) {
  test(`OpenSSL reads and verifies a certificate signed with ${name}`, async () => {
    const subject = encodeName(["C", "AT"], ["O", "See"], ["CN", "Root"]);
    const octets = await issueCertificate(
      {
        subject,
        spki: spkiOf(pair.publicKey),
        serial: Buffer.from("00f1", "hex"),
        notBefore,
        notAfter,
        ca: { pathLen: 1 },
        keyUsage: ["keyCertSign", "cRLSign"],
      },
      privateKeyOf(pair.privateKey, pair.publicKey),
      signatureSchemes.get(name),
    );
    const openssl = new X509Certificate(octets);
    assert.ok(openssl.verify(pair.publicKey));
    assert.ok(openssl.ca);
    assert.equal(openssl.serialNumber, "F1");
    assert.equal(openssl.subject, "C=AT\nO=See\nCN=Root");
    assert.equal(openssl.validToDate.getTime(), notAfter.getTime());
  });
}

test("what is written is what is read", async () => {
  const authority = privateKeyOf(ec.privateKey, ec.publicKey);
  const validity = { notBefore, notAfter };
  const root = parseCertificate(
    await issueCertificate(
      {
        subject: encodeName(["CN", "Root"]),
        spki: spkiOf(ec.publicKey),
        serial: Uint8Array.of(1),
        ...validity,
        ca: {},
      },
      authority,
    ),
  );
  const emails = ["domain-signing-authority@a.example", "domain-confidentiality-authority@a.example"];
  const leaf = parseCertificate(
    await issueCertificate(
      {
        subject: encodeName(["CN", "a.example"]),
        spki: spkiOf(ed25519.publicKey),
        issuer: root,
        serial: Buffer.from("8a12", "hex"),
        ...validity,
        keyUsage: ["digitalSignature", "keyAgreement", "decipherOnly"],
        extendedKeyUsage: ["1.3.6.1.5.5.7.3.4"],
        emails,
      },
      authority,
    ),
  );
  assert.equal(leaf.version, 3);
  assert.equal(leaf.serialText, "8a12");
  assert.equal(leaf.issuer, "CN=Root");
  assert.equal(leaf.issuerKey, root.subjectKey);
  assert.deepEqual(leaf.emails, emails);
  assert.deepEqual(leaf.extensions.keyUsage, ["digitalSignature", "keyAgreement", "decipherOnly"]);
  assert.deepEqual(leaf.extensions.extendedKeyUsage, ["1.3.6.1.5.5.7.3.4"]);
  assert.deepEqual(root.extensions.basicConstraints, { ca: true });
  assert.deepEqual(leaf.extensions.authorityKeyIdentifier, root.extensions.subjectKeyIdentifier);
  assert.equal(leaf.publicKey.asymmetricKeyType, "ed25519");
});
