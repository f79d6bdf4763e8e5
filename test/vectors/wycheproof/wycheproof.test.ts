// Project Wycheproof: known weaknesses of implementations, through the functions that the codec calls (security A08).
// A case must come out as its result says; "acceptable" may be refused, but not come out as something else.

import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { DerReader, der, tag } from "../../../src/asn1.ts";
import { concat } from "../../../src/bytes.ts";
import { hkdf } from "../../../src/crypto/kdf.ts";
import {
  aesWrapFor,
  contentEncryption,
  type DigestName,
  digestNamed,
  type KeyTransport,
  keyAgreement,
  keyTransport,
  parseAlgorithmIdentifier,
  privateKeyOf,
  readAlgorithmIdentifier,
  type SignatureScheme,
  signatureSchemeOf,
  unwrapKey,
  verifySignature,
  wrapKey,
} from "../../../src/crypto.ts";
import { isSecureMailError } from "../../../src/errors.ts";
import { cipherNamed, schemeNamed } from "../../correspondents.ts";
import { withVectors } from "../../vectors.ts";

type Fields = Readonly<Record<string, string>>;
type Case = Fields & {
  readonly tcId: number;
  readonly result: "valid" | "invalid" | "acceptable";
  readonly size: number;
};
type Group = Readonly<Record<string, string & number>> & {
  readonly tests: readonly Case[];
  readonly publicKey: unknown;
};

/** What a case came to: the octets asked for, "refused", or something else in words. */
type Outcome = "right" | "refused" | "wrong";

withVectors("wycheproof", 10, (folder) => {
  const suite = (
    file: string,
    cases: number,
    judge: (group: Group) => (one: Case) => Outcome | Promise<Outcome>,
  ): void => {
    test(`Wycheproof ${file}: ${cases} cases without deviation`, async () => {
      const { testGroups }: { testGroups: Group[] } = JSON.parse(readFileSync(path.join(folder, file), "utf8"));
      const deviations: string[] = [];
      let judged = 0;
      for (const group of testGroups) {
        const outcomeOf = judge(group);
        for (const one of group.tests) {
          const outcome = await outcomeOf(one);
          judged++;
          if (!expected(one, outcome)) deviations.push(`${one.tcId} ${one["comment"]}: ${one.result}, was ${outcome}`);
        }
      }
      assert.deepEqual(deviations, []);
      assert.equal(judged, cases);
    });
  };

  suite("ecdsa_secp256r1_sha256_test.json", 484, (group) => verifying(schemeNamed("ecdsa-sha256"), spki(group)));
  suite("ed25519_test.json", 151, (group) => verifying(schemeNamed("ed25519"), spki(group)));
  suite("rsa_pss_misc_params_test.json", 150, verifyingPss);
  suite("aes_gcm_test.json", 316, (group) => (one) => decryptGcm(group, one));
  suite("aes_wrap_test.json", 165, () => unwrap);
  suite("hkdf_sha256_test.json", 86, () => deriveHkdf);
  suite("ecdh_secp256r1_test.json", 612, () => agreeP256);
  suite("x25519_test.json", 518, () => agreeX25519);
  suite("rsa_oaep_misc_test.json", 395, (group) => {
    const transport = oaepOf(group);
    return decrypting(group, (one) => transport(octets(one["label"])));
  });
  suite("rsa_pkcs1_2048_test.json", 67, (group) => decrypting(group, () => keyTransport.rsaV15));
});

function expected({ result }: Case, outcome: Outcome): boolean {
  if (result === "acceptable") return outcome !== "wrong";
  return outcome === (result === "valid" ? "right" : "refused");
}

function octets(text: string | undefined): Buffer {
  return Buffer.from(text ?? "", "hex");
}

function same(found: Uint8Array | undefined, wanted: string | undefined): Outcome {
  if (found === undefined) return "refused";
  return Buffer.compare(found, octets(wanted)) === 0 ? "right" : "wrong";
}

function spki(group: Group): KeyObject {
  return createPublicKey({ key: octets(group["publicKeyDer"]), format: "der", type: "spki" });
}

function verifying(scheme: SignatureScheme, key: KeyObject): (one: Case) => Outcome {
  return (one) => (verifySignature(scheme, key, octets(one["msg"]), octets(one["sig"])) ? "right" : "refused");
}

/** MGF1 with another hash than the signature's is not implemented: it must be said, never judged. */
function verifyingPss(group: Group): (one: Case) => Outcome {
  const key = spki(group);
  const algorithm = readAlgorithmIdentifier(new DerReader(octets(group["publicKeyDer"])).sequence());
  const hash = nameOf(group["sha"]);
  const scheme = signatureSchemeOf(algorithm, digestNamed(hash));
  // With SHA-224, which no profile has, there is no PSS either.
  if (hash === "sha224" || group["sha"] !== group["mgfSha"]) return () => (scheme === undefined ? "right" : "wrong");
  assert.equal(scheme?.saltLength, group["sLen"]);
  // The key says what it is for (id-RSASSA-PSS), so node:crypto asks for the same parameters.
  return scheme === undefined ? () => "refused" : verifying(scheme, key);
}

function nameOf(hash: string | undefined): DigestName {
  return (hash ?? "").replace("-", "").toLowerCase() as DigestName;
}

function decryptGcm(group: Group, one: Case): Outcome {
  const cipher = cipherNamed(`aes${group["keySize"]}-gcm`);
  const parameters = der.sequence(der.octetString(octets(one["iv"])), der.integer(16));
  try {
    const setting = contentEncryption.cipherSetting({ oid: cipher.oid, parameters });
    const decryptor = contentEncryption.decryptor(setting, octets(one["key"]), octets(one["aad"]));
    const plaintext = concat([decryptor.update(octets(one["ct"])), decryptor.final(octets(one["tag"]))]);
    return same(plaintext, one["msg"]);
  } catch (failure) {
    // RFC 5084, 3.2 recommends 12 octets of nonce; others are refused before any key is touched.
    const refusedNonce = isSecureMailError(failure, "CRYPTO_WEAK") && group["ivSize"] !== 96;
    return refusedNonce && one.result === "valid" ? "right" : "refused";
  }
}

function unwrap(one: Case): Outcome {
  const key = octets(one["key"]);
  const wrap = aesWrapFor(key.length);
  const outcome = same(unwrapKey(wrap, key, octets(one["ct"])), one["msg"]);
  if (one.result !== "valid") return outcome;
  return outcome === "right" ? same(wrapKey(wrap, key, octets(one["msg"])), one["ct"]) : outcome;
}

function deriveHkdf(one: Case): Outcome {
  try {
    const made = hkdf(digestNamed("sha256"), octets(one["ikm"]), octets(one["salt"]), octets(one["info"]), one.size);
    return same(made, one["okm"]);
  } catch {
    return "refused";
  }
}

async function agreeP256(one: Case): Promise<Outcome> {
  const jwk = privateP256(octets(one["private"]));
  const own = privateKeyOf(jwk, createPublicKey(jwk));
  let peer: KeyObject | undefined;
  try {
    const fields = new DerReader(octets(one["public"])).sequence();
    const algorithm = readAlgorithmIdentifier(fields);
    const { octets: point, unusedBits } = fields.bitString();
    fields.end("SubjectPublicKeyInfo");
    peer = unusedBits === 0 ? keyAgreement.originatorKey(algorithm, point, own.publicKey) : undefined;
  } catch (failure) {
    if (!isSecureMailError(failure)) throw failure;
  }
  return peer === undefined ? "refused" : same(await own.agree(peer), one["shared"]);
}

function privateP256(scalar: Buffer): KeyObject {
  const exact = Buffer.concat([Buffer.alloc(32), scalar]).subarray(-32);
  const curve = der.sequence(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7"));
  const ecPrivateKey = der.sequence(der.integer(1), der.octetString(exact));
  const pkcs8 = der.sequence(der.integer(0), curve, der.octetString(ecPrivateKey));
  return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
}

async function agreeX25519(one: Case): Promise<Outcome> {
  const identifier = der.sequence(der.oid("1.3.101.110"));
  const inner = der.octetString(octets(one["private"]));
  const pkcs8 = der.sequence(der.integer(0), identifier, der.octetString(inner));
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  const own = privateKeyOf(key, createPublicKey(key));
  const algorithm = parseAlgorithmIdentifier(identifier);
  const peer = keyAgreement.originatorKey(algorithm, octets(one["public"]), own.publicKey);
  const shared = peer === undefined ? undefined : await own.agree(peer);
  // RFC 8418, 3: an all-zero secret is none.
  if (/^0*$/.test(one["shared"] ?? "")) return shared === undefined ? "refused" : "wrong";
  return same(shared, one["shared"]);
}

function oaepOf(group: Group): (label: Uint8Array) => KeyTransport {
  const { identifier } = keyTransport.rsaOaep(nameOf(group["sha"]), nameOf(group["mgfSha"]));
  const fields = new DerReader(identifier).sequence();
  const oid = fields.oid();
  const parameters = new DerReader(fields.element()).sequence().rest();
  return (label) => {
    const source = der.sequence(der.oid("1.2.840.113549.1.1.9"), der.octetString(label));
    const labelled = label.length === 0 ? [] : [der.explicit(2, source)];
    const transport = keyTransport.keyTransportOf({ oid, parameters: der.sequence(parameters, ...labelled) });
    assert.ok(transport !== undefined);
    return transport;
  };
}

function decrypting(group: Group, transportOf: (one: Case) => KeyTransport): (one: Case) => Promise<Outcome> {
  const key = createPrivateKey({ key: octets(group["privateKeyPkcs8"]), format: "der", type: "pkcs8" });
  const own = privateKeyOf(key, createPublicKey(key));
  return async (one) => {
    const found = await own.decrypt(transportOf(one), octets(one["ct"]));
    // PKCS #1 v1.5: what is not padded right comes out as octets that nobody can tell from a key, always the same.
    if (one.result !== "invalid" || found === undefined) return same(found, one["msg"]);
    const again = await own.decrypt(transportOf(one), octets(one["ct"]));
    return same(found, one["msg"]) === "wrong" && Buffer.compare(found, again ?? tagless) === 0 ? "refused" : "wrong";
  };
}

const tagless = Uint8Array.of(tag.null);
