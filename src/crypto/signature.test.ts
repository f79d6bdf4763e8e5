import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { latin1 } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { digestNamed } from "./digest.ts";
import { parseAlgorithmIdentifier } from "./identifier.ts";
import { privateKeyOf } from "./key.ts";
import {
  certificateSignatureSchemeOf,
  defaultScheme,
  keyFits,
  runningVerification,
  type SignatureFamily,
  signatureSchemeOf,
  signatureSchemes,
  verifySignature,
} from "./signature.ts";

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const pairs: Readonly<Record<string, Pair>> = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "rsa-pss": generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
  ec: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ed25519: generateKeyPairSync("ed25519"),
  dsa: generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 }),
};
const message = latin1("what is signed");

function pairFor(family: SignatureFamily): Pair {
  return pairs[{ "rsa-v15": "rsa", "rsa-pss": "rsa", ecdsa: "ec", dsa: "dsa", ed25519: "ed25519" }[family]] as Pair;
}

for (const scheme of signatureSchemes.values()) {
  const { publicKey, privateKey } = pairFor(scheme.family);

  test(`${scheme.name} verifies what it signed, by its identifier, and nothing else`, async () => {
    const signature = await privateKeyOf(privateKey, publicKey).sign(scheme, message);
    const identifier = parseAlgorithmIdentifier(scheme.identifier);
    assert.equal(signatureSchemeOf(identifier, scheme.digest), scheme);
    assert.equal(certificateSignatureSchemeOf(identifier)?.name, scheme.name);
    assert.equal(verifySignature(scheme, publicKey, message, signature), true);
    assert.equal(verifySignature(scheme, publicKey, latin1("what is not"), signature), false);
    assert.equal(verifySignature(scheme, publicKey, message, signature.subarray(1)), false);
    assert.equal(verifySignature(scheme, publicKey, message, new Uint8Array(0)), false);
  });

  test(`${scheme.name} over octets that stream by verifies alike, where it can`, async () => {
    const running = runningVerification(scheme, publicKey);
    if (scheme.family === "ed25519") return assert.equal(running, undefined);
    assert.ok(running !== undefined);
    for (const octet of message) running.update(Uint8Array.of(octet));
    assert.equal(running.final(await privateKeyOf(privateKey, publicKey).sign(scheme, message)), true);
    assert.equal(runningVerification(scheme, publicKey)?.final(latin1("no signature")), false);
  });

  test(`${scheme.name} is made and judged with no other kind of key`, () => {
    for (const [type, pair] of Object.entries(pairs)) {
      if (keyFits(scheme.family, type)) continue;
      assert.equal(verifySignature(scheme, pair.publicKey, message, message), false);
      assert.equal(runningVerification(scheme, pair.publicKey), undefined);
      assert.throws(
        () => privateKeyOf(pair.privateKey, pair.publicKey).sign(scheme, message),
        (failure) => isSecureMailError(failure, "CRYPTO_KEY"),
      );
    }
  });
}

test("what is weak about a scheme is named", () => {
  const weak = [...signatureSchemes.values()].flatMap((scheme) =>
    scheme.weak.length > 0 ? [scheme.name, ...scheme.weak] : [],
  );
  assert.deepEqual(
    weak.toSorted(),
    [
      "rsa-v15-sha1",
      "rsa-pss-sha1",
      "ecdsa-sha1",
      "dsa-sha1",
      "dsa-sha256",
      "dsa",
      "dsa",
      "sha1",
      "sha1",
      "sha1",
      "sha1",
    ].toSorted(),
  );
});

for (const { kind, pair, name } of [
  { kind: "RSA", pair: pairs["rsa"], name: "rsa-v15-sha256" },
  { kind: "RSASSA-PSS", pair: pairs["rsa-pss"], name: "rsa-pss-sha256" },
  { kind: "P-256", pair: pairs["ec"], name: "ecdsa-sha256" },
  { kind: "P-384", pair: generateKeyPairSync("ec", { namedCurve: "P-384" }), name: "ecdsa-sha384" },
  { kind: "P-521", pair: generateKeyPairSync("ec", { namedCurve: "P-521" }), name: "ecdsa-sha512" },
  { kind: "Ed25519", pair: pairs["ed25519"], name: "ed25519" },
  { kind: "DSA", pair: pairs["dsa"], name: "dsa-sha256" },
]) {
  test(`${kind} keys sign with ${name} where nobody asks for another`, () => {
    assert.equal(defaultScheme((pair as Pair).publicKey).name, name);
  });
}

test("keys that sign nothing have no scheme", () => {
  const { publicKey } = generateKeyPairSync("x25519");
  assert.throws(
    () => defaultScheme(publicKey),
    (failure) => isSecureMailError(failure, "CRYPTO_KEY"),
  );
});

test("another salt than the usual is a scheme of its own, by the same name", async () => {
  const usual = signatureSchemes.get("rsa-pss-sha256");
  assert.ok(usual !== undefined);
  const fields = Buffer.from(usual.identifier).toString("hex").replace(/20$/, "00");
  const other = signatureSchemeOf(parseAlgorithmIdentifier(Buffer.from(fields, "hex")), digestNamed("sha256"));
  assert.deepEqual([other?.name, other?.saltLength], ["rsa-pss-sha256", 0]);
  const { publicKey, privateKey } = pairs["rsa"] as Pair;
  const signature = await privateKeyOf(privateKey, publicKey).sign(other ?? usual, message);
  assert.equal(verifySignature(other ?? usual, publicKey, message, signature), true);
  assert.equal(verifySignature(usual, publicKey, message, signature), false);
});

test("a certificate's signature algorithm says its own hash; rsaEncryption says none", () => {
  assert.equal(certificateSignatureSchemeOf({ oid: "1.2.840.113549.1.1.1", parameters: der.nullElement() }), undefined);
  assert.equal(certificateSignatureSchemeOf({ oid: "1.2.3" }), undefined);
});

test("a PSS signature that lost its leading zero is none", async () => {
  const { publicKey, privateKey } = pairFor("rsa-v15");
  const scheme = signatureSchemes.get("rsa-pss-sha256");
  assert.ok(scheme !== undefined);
  const key = privateKeyOf(privateKey, publicKey);
  // One in 256 begins with a zero; the salt makes each another.
  let signature = await key.sign(scheme, message);
  for (let tries = 0; signature[0] !== 0 && tries < 20_000; tries++) signature = await key.sign(scheme, message);
  assert.equal(signature[0], 0);
  assert.equal(verifySignature(scheme, publicKey, message, signature), true);
  assert.equal(verifySignature(scheme, publicKey, message, signature.subarray(1)), false);
});
