// Lenient mathematics (security A08): what others took for a signature and node:crypto must not. The published vectors
// are in ../vectors/wycheproof.

import assert from "node:assert/strict";
import { constants, privateEncrypt } from "node:crypto";
import { test } from "node:test";
import { der } from "../../src/asn1.ts";
import { concat, latin1 } from "../../src/bytes.ts";
import { digestOctets, verifySignature } from "../../src/crypto.ts";
import { schemeNamed, signer } from "../correspondents.ts";
import { rsaPair } from "../mint.ts";

const sha256Oid = "2.16.840.1.101.3.4.2.1";
const p256 = await signer("p256");
const rsa = await signer("rsa");

const message = latin1("a message");
const sha256 = schemeNamed("rsa-v15-sha256");
const digest = digestOctets(sha256.digest, message);
const { publicKey, privateKey } = rsaPair(2048);

function digestInfo(
  algorithm: Uint8Array = der.sequence(der.oid(sha256Oid), der.nullElement()),
  ...more: readonly Uint8Array[]
): Uint8Array {
  return der.sequence(algorithm, der.octetString(digest), ...more);
}

/** EMSA-PKCS1-v1_5 (RFC 8017, 9.2) as somebody else may have understood it. */
function encoded(info: Uint8Array, start: string = "\x00\x01", fill: number = 0xff, stop: string = "\x00"): Uint8Array {
  const padding = Buffer.alloc(256 - start.length - stop.length - info.length, fill);
  return concat([latin1(start), padding, latin1(stop), info]);
}

const ones = (count: number): string => "\xff".repeat(count);
const garbage = (from: Uint8Array): Uint8Array => Buffer.concat([from, Buffer.alloc(256, 0x5a)]).subarray(0, 256);
const longLength = concat([Uint8Array.of(0x30, 0x81, digestInfo().length - 2), digestInfo().subarray(2)]);
const withOneZero = encoded(digestInfo()).with(100, 0);

for (const { what, em, valid } of [
  { what: "as RFC 8017 writes it", em: encoded(digestInfo()), valid: true },
  { what: "with octets behind the digest", em: garbage(concat([latin1(`\x00\x01${ones(8)}\x00`), digestInfo()])) },
  { what: "with an element behind the digest", em: encoded(digestInfo(undefined, der.integer(1))) },
  {
    what: "with parameters of another kind",
    em: encoded(digestInfo(der.sequence(der.oid(sha256Oid), der.octetString(Buffer.alloc(99))))),
  },
  { what: "without parameters", em: encoded(digestInfo(der.sequence(der.oid(sha256Oid)))) },
  {
    what: "with the name of another digest",
    em: encoded(digestInfo(der.sequence(der.oid("2.16.840.1.101.3.4.2.6"), der.nullElement()))),
  },
  { what: "with a length longer than it need be", em: encoded(longLength) },
  { what: "as block type 2", em: encoded(digestInfo(), "\x00\x02", 0x77) },
  { what: "as block type 0", em: encoded(digestInfo(), "\x00\x00", 0x00) },
  { what: "with a zero inside the padding", em: withOneZero },
  { what: "without the zero before the digest", em: encoded(digestInfo(), "\x00\x01", 0xff, "") },
  { what: "with the digest alone", em: encoded(digest) },
  { what: "with seven octets of padding", em: garbage(concat([latin1(`\x00\x01${ones(7)}\x00`), digestInfo()])) },
]) {
  test(`A08: a PKCS #1 signature ${what} is ${valid ? "one" : "none"}`, () => {
    const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, em);
    assert.equal(verifySignature(sha256, publicKey, message, signature), valid ?? false);
  });
}

test("A08: an RSA signature of another length than the modulus is none", async () => {
  const signature = await rsa.key.sign(sha256, message);
  const key = rsa.certificate.publicKey;
  assert.equal(verifySignature(sha256, key, message, signature), true);
  const shorter = signature.subarray(1);
  for (const other of [concat([Uint8Array.of(0), signature]), shorter, new Uint8Array(0), new Uint8Array(256)]) {
    assert.equal(verifySignature(sha256, key, message, other), false);
  }
});

test("A08: an Ed25519 signature whose S is not reduced is none", async () => {
  const own = await signer("ed25519");
  const signature = Buffer.from(await own.key.sign(own.scheme, message));
  assert.equal(verifySignature(own.scheme, own.certificate.publicKey, message, signature), true);
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`) + order;
  Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse().copy(signature, 32);
  assert.equal(verifySignature(own.scheme, own.certificate.publicKey, message, signature), false);
});

test("A08: an ECDSA signature of zeros, of the order, in BER or with more behind it is none", async () => {
  const good = await p256.key.sign(p256.scheme, message);
  const n = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const key = p256.certificate.publicKey;
  assert.equal(verifySignature(p256.scheme, key, message, good), true);
  for (const signature of [
    der.sequence(der.integer(0), der.integer(0)),
    der.sequence(der.integer(1), der.integer(0)),
    der.sequence(der.unsignedInteger(n), der.unsignedInteger(n)),
    concat([Uint8Array.of(0x30, 0x81, good.length - 2), good.subarray(2)]),
    concat([good, Uint8Array.of(0)]),
    der.sequence(...[good.subarray(2)], der.integer(1)),
    new Uint8Array(0),
  ]) {
    assert.equal(verifySignature(p256.scheme, key, message, signature), false, Buffer.from(signature).toString("hex"));
  }
});
