// subjectPublicKeyInfo to a key that node:crypto works with, after the checks that node:crypto leaves out
// (security A67): curves by name only, RSA within sizes and exponents that cost no more than milliseconds.
import { createPublicKey, type KeyObject } from "node:crypto";
import { DerReader, tag } from "../asn1.ts";
import { namingField, x509Error } from "./errors.ts";

const idEcPublicKey = "1.2.840.10045.2.1";

// LIMIT: security A67. A modulus of 16384 bits would take 4 times as long per signature.
const maxRsaBits = 8192;
const maxRsaExponent = 2n ** 32n;

/** Reads a DER SubjectPublicKeyInfo; X509_KEY where the key is not one that can be used. */
export function publicKeyOfSpki(spki: Uint8Array): KeyObject {
  requireNamedCurve(spki);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw unusable("the public key cannot be read", cause);
  }
  const { modulusLength = 0, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (modulusLength > maxRsaBits) throw unusable(`a public key of ${modulusLength} bits`);
  if (publicExponent !== undefined && !isHonestExponent(publicExponent)) {
    throw unusable("an RSA public exponent that is even, 1 or above 2^32");
  }
  return key;
}

// With exponent 1 every octet string of the right form is its own signature.
function isHonestExponent(exponent: bigint): boolean {
  return exponent >= 3n && exponent <= maxRsaExponent && exponent % 2n === 1n;
}

// OpenSSL computes on curves that a certificate describes in full; one with a trap door would be believed (CVE-2020-0601).
function requireNamedCurve(spki: Uint8Array): void {
  try {
    const algorithm = new DerReader(spki).sequence().sequence();
    if (algorithm.oid() === idEcPublicKey && !algorithm.nextIs(tag.oid))
      throw unusable("an elliptic curve without a name");
  } catch (thrown) {
    throw namingField(thrown, "subjectPublicKeyInfo", "X509_KEY");
  }
}

function unusable(message: string, cause?: unknown): Error {
  return x509Error("X509_KEY", message, { field: "subjectPublicKeyInfo", ...(cause === undefined ? {} : { cause }) });
}
