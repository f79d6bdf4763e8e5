import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { concat, hex, latin1 } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { parseAlgorithmIdentifier } from "./identifier.ts";
import { privateKeyOf } from "./key.ts";
import {
  agreementOf,
  agreementSchemes,
  agreeWithRecipient,
  formatAgreement,
  keyEncryptionKey,
  originatorKey,
} from "./key-agreement.ts";
import { aesWrapFor } from "./key-wrap.ts";

const octets = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");
const kinds = ["P-256", "P-384", "P-521", "x25519"] as const;

function pairOf(kind: (typeof kinds)[number]) {
  return kind === "x25519" ? generateKeyPairSync("x25519") : generateKeyPairSync("ec", { namedCurve: kind });
}

for (const kind of kinds) {
  test(`sender and recipient agree on ${kind}`, async () => {
    const { publicKey, privateKey } = pairOf(kind);
    const own = privateKeyOf(privateKey, publicKey);
    const sender = agreeWithRecipient(publicKey);
    const peer = originatorKey(parseAlgorithmIdentifier(sender.algorithm), sender.publicKey, publicKey);
    assert.ok(peer !== undefined);
    assert.deepEqual(await own.agree(peer), Buffer.from(sender.secret));
    assert.notDeepEqual(agreeWithRecipient(publicKey).publicKey, sender.publicKey);
  });

  test(`a sender's key that is none on ${kind} gives no secret`, async () => {
    const { publicKey, privateKey } = pairOf(kind);
    const { algorithm, publicKey: point } = agreeWithRecipient(publicKey);
    const identifier = parseAlgorithmIdentifier(algorithm);
    for (const wrong of [new Uint8Array(0), point.subarray(1), concat([point, point]), Uint8Array.of(0)]) {
      // The point at infinity is a key to node:crypto, until somebody agrees with it.
      const peer = originatorKey(identifier, wrong, publicKey);
      assert.equal(peer === undefined ? undefined : await privateKeyOf(privateKey, publicKey).agree(peer), undefined);
    }
    assert.equal(originatorKey({ oid: "1.2.3" }, point, publicKey), undefined);
    const others = kinds.filter((other) => other !== kind).map((other) => agreeWithRecipient(pairOf(other).publicKey));
    for (const other of others) {
      const foreign = originatorKey(parseAlgorithmIdentifier(other.algorithm), other.publicKey, publicKey);
      assert.equal(foreign, undefined);
    }
  });
}

test("X25519 gives the secret of RFC 7748, 6.1", async () => {
  const pkcs8 = octets(
    "302e020100300506032b656e04220420 5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
  );
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  const own = privateKeyOf(key, createPublicKey(key));
  const alice = octets("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  const secret = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  const identifier = { oid: "1.3.101.110" };
  // Bare, and in an OCTET STRING as some read RFC 8418.
  for (const encoded of [alice, der.octetString(alice)]) {
    const peer = originatorKey(identifier, encoded, own.publicKey);
    assert.ok(peer !== undefined);
    assert.equal(hex((await own.agree(peer)) ?? octets("")), secret);
  }
});

test("an all-zero secret is none (RFC 8418, 3)", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const peer = originatorKey({ oid: "1.3.101.110" }, new Uint8Array(32), publicKey);
  assert.ok(peer !== undefined);
  assert.equal(await privateKeyOf(privateKey, publicKey).agree(peer), undefined);
});

test("parameters of the sender's key are absent, NULL or the curve's name", () => {
  const { publicKey } = pairOf("P-256");
  const oid = "1.2.840.10045.2.1";
  const { publicKey: point } = agreeWithRecipient(publicKey);
  for (const parameters of [der.nullElement(), der.oid("1.2.840.10045.3.1.7")]) {
    assert.notEqual(originatorKey({ oid, parameters }, point, publicKey), undefined);
  }
  for (const parameters of [der.oid("1.3.132.0.34"), der.sequence(der.integer(1)), der.integer(0)]) {
    assert.equal(originatorKey({ oid, parameters }, point, publicKey), undefined);
  }
});

test("the key-encryption key covers wrap, ukm and length (RFC 5753, 7.2)", () => {
  const wrap = aesWrapFor(32);
  const secret = latin1("a secret");
  const derived = (sharedInfo: string): string =>
    createHash("sha256")
      .update(concat([secret, octets("00000001"), octets(sharedInfo)]))
      .digest("hex");
  const agreed = (name: string, ukm?: Uint8Array): string => {
    const scheme = agreementSchemes.get(name);
    assert.ok(scheme !== undefined);
    return hex(keyEncryptionKey({ scheme, wrap, wrapIdentifier: wrap.identifier }, secret, ukm));
  };
  const aes256Wrap = "300b060960864801650304012d";
  assert.equal(agreed("ecdh-sha256"), derived(`3015 ${aes256Wrap} a206 0404 00000100`));
  assert.equal(agreed("ecdh-cofactor-sha256"), agreed("ecdh-sha256"));
  assert.equal(agreed("ecdh-sha256", latin1("ukm")), derived(`301c ${aes256Wrap} a005 0403 756b6d a206 0404 00000100`));
  assert.notEqual(agreed("ecdh-hkdf-sha256"), agreed("ecdh-sha256"));
  assert.notEqual(agreed("ecdh-hkdf-sha256", latin1("ukm")), agreed("ecdh-hkdf-sha256"));
});

for (const scheme of agreementSchemes.values()) {
  test(`${scheme.name} comes back by its identifier, with its wrap as it was written`, () => {
    const wrap = aesWrapFor(16);
    const agreement = agreementOf(parseAlgorithmIdentifier(formatAgreement(scheme, wrap)));
    assert.deepEqual(agreement?.scheme, scheme);
    assert.equal(agreement?.wrap, wrap);
    assert.equal(hex(agreement?.wrapIdentifier ?? octets("")), hex(wrap.identifier));
  });
}

test("a wrap that carries NULL stands in the shared info with it", () => {
  const withNull = der.sequence(der.oid(aesWrapFor(32).oid), der.nullElement());
  const oid = "1.3.132.1.11.1";
  assert.equal(hex(agreementOf({ oid, parameters: withNull })?.wrapIdentifier ?? octets("")), hex(withNull));
});

test("schemes and wraps that nobody knows are none", () => {
  const wrap = aesWrapFor(16).identifier;
  assert.equal(agreementOf({ oid: "1.2.3", parameters: wrap }), undefined);
  assert.equal(agreementOf({ oid: "1.3.132.1.11.1" }), undefined);
  assert.equal(agreementOf({ oid: "1.3.132.1.11.1", parameters: der.sequence(der.oid("1.2.3")) }), undefined);
});

test("with keys that do not agree there is nothing to write", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  assert.throws(
    () => agreeWithRecipient(publicKey),
    (failure) => isSecureMailError(failure, "CRYPTO_KEY"),
  );
});
