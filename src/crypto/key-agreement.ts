// Key agreement: ephemeral-static ECDH (RFC 5753) and X25519 (RFC 8418).
import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import { DerReader, der } from "../asn1.ts";
import { asBuffer, equalOctets } from "../bytes.ts";
import { type Digest, type DigestName, digestNamed } from "./digest.ts";
import { CryptoError } from "./errors.ts";
import {
  type AlgorithmIdentifier,
  formatAlgorithmIdentifier,
  parametersAbsentOrNull,
  parseAlgorithmIdentifier,
  readAlgorithmIdentifier,
} from "./identifier.ts";
import { hkdf, x963Kdf } from "./kdf.ts";
import { keyDetails } from "./key-details.ts";
import { type KeyWrap, keyWrapOf } from "./key-wrap.ts";

export type AgreementScheme = {
  /** `ecdh-sha256`, `ecdh-cofactor-sha256`, `ecdh-hkdf-sha256`. */
  readonly name: string;
  readonly oid: string;
  readonly kdf: "x963" | "hkdf";
  readonly digest: Digest;
};

const certicom = "1.3.132.1";
const x963 = "1.3.133.16.840.63.0";
const smimeAlg = "1.2.840.113549.1.9.16.3";

function row(name: string, oid: string, kdf: "x963" | "hkdf", digest: DigestName): AgreementScheme {
  return { name, oid, kdf, digest: digestNamed(digest) };
}

// Cofactor and standard Diffie-Hellman are the same on the curves here, whose cofactor is 1.
const schemes: readonly AgreementScheme[] = [
  row("ecdh-sha1", `${x963}.2`, "x963", "sha1"),
  row("ecdh-sha224", `${certicom}.11.0`, "x963", "sha224"),
  row("ecdh-sha256", `${certicom}.11.1`, "x963", "sha256"),
  row("ecdh-sha384", `${certicom}.11.2`, "x963", "sha384"),
  row("ecdh-sha512", `${certicom}.11.3`, "x963", "sha512"),
  row("ecdh-cofactor-sha1", `${x963}.3`, "x963", "sha1"),
  row("ecdh-cofactor-sha224", `${certicom}.14.0`, "x963", "sha224"),
  row("ecdh-cofactor-sha256", `${certicom}.14.1`, "x963", "sha256"),
  row("ecdh-cofactor-sha384", `${certicom}.14.2`, "x963", "sha384"),
  row("ecdh-cofactor-sha512", `${certicom}.14.3`, "x963", "sha512"),
  row("ecdh-hkdf-sha256", `${smimeAlg}.19`, "hkdf", "sha256"),
  row("ecdh-hkdf-sha384", `${smimeAlg}.20`, "hkdf", "sha384"),
  row("ecdh-hkdf-sha512", `${smimeAlg}.21`, "hkdf", "sha512"),
];

const byOid: ReadonlyMap<string, AgreementScheme> = new Map(schemes.map((scheme) => [scheme.oid, scheme]));
export const agreementSchemes: ReadonlyMap<string, AgreementScheme> = new Map(
  schemes.map((scheme) => [scheme.name, scheme]),
);

/** A scheme together with the key wrap that its identifier carries as parameters. */
export type Agreement = {
  readonly scheme: AgreementScheme;
  readonly wrap: KeyWrap;
  readonly wrapIdentifier: Uint8Array;
};

/** undefined where scheme or wrap is none that we know. */
export function agreementOf(identifier: AlgorithmIdentifier): Agreement | undefined {
  const scheme = byOid.get(identifier.oid);
  if (scheme === undefined || identifier.parameters === undefined) return undefined;
  const wrap = keyWrapOf(parseAlgorithmIdentifier(identifier.parameters));
  return wrap === undefined ? undefined : { scheme, wrap, wrapIdentifier: identifier.parameters };
}

export function formatAgreement(scheme: AgreementScheme, wrap: KeyWrap): Uint8Array {
  return formatAlgorithmIdentifier({ oid: scheme.oid, parameters: wrap.identifier });
}

/**
 * The key-encryption key (RFC 5753 7.2). `wrapIdentifier` stands in SharedInfo as it was sent: senders differ in
 * whether AES wrap carries NULL.
 */
export function keyEncryptionKey(
  { scheme, wrap, wrapIdentifier }: Agreement,
  secret: Uint8Array,
  ukm: Uint8Array | undefined,
): Uint8Array {
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(wrap.keyOctets * 8);
  const entityUInfo = ukm === undefined ? [] : [der.explicit(0, der.octetString(ukm))];
  const sharedInfo = der.sequence(wrapIdentifier, ...entityUInfo, der.explicit(2, der.octetString(bits)));
  return scheme.kdf === "hkdf"
    ? hkdf(scheme.digest, secret, ukm, sharedInfo, wrap.keyOctets)
    : x963Kdf(scheme.digest, secret, sharedInfo, wrap.keyOctets);
}

export type Originator = {
  /** OriginatorPublicKey's AlgorithmIdentifier as we write it, and the BIT STRING's octets. */
  readonly algorithm: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array;
};

const ecPublicKey = "1.2.840.10045.2.1";
const x25519 = "1.3.101.110";

/** Makes an ephemeral key for the recipient's curve and agrees with it. */
export function agreeWithRecipient(recipient: KeyObject): Originator {
  if (recipient.asymmetricKeyType === "x25519") {
    const { publicKey, privateKey } = generateKeyPairSync("x25519");
    const octets = publicKey.export({ format: "raw-public" });
    return {
      algorithm: der.sequence(der.oid(x25519)),
      publicKey: octets,
      secret: diffieHellman({ privateKey, publicKey: recipient }),
    };
  }
  const namedCurve = curveOf(recipient);
  if (namedCurve === undefined) {
    throw new CryptoError("CRYPTO_KEY", `no key agreement with ${recipient.asymmetricKeyType} keys`);
  }
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  // RFC 5753 7.1.2: parameters absent, the point uncompressed.
  const octets = publicKey.export({ format: "raw-public", type: "uncompressed" });
  return {
    algorithm: der.sequence(der.oid(ecPublicKey)),
    publicKey: octets,
    secret: diffieHellman({ privateKey, publicKey: recipient }),
  };
}

function curveOf(key: KeyObject): string | undefined {
  return key.asymmetricKeyType === "ec" ? keyDetails(key).namedCurve : undefined;
}

/** The sender's ephemeral key, on the curve of our own; undefined where it is no key on that curve. */
export function originatorKey(
  algorithm: AlgorithmIdentifier,
  octets: Uint8Array,
  own: KeyObject,
): KeyObject | undefined {
  try {
    if (own.asymmetricKeyType === "x25519") {
      if (algorithm.oid !== x25519) return undefined;
      // RFC 8418's "MUST be encoded as an OCTET STRING" was read by some as one inside the BIT STRING.
      const raw = octets.length === 34 && octets[0] === 4 ? new DerReader(octets).octetString() : octets;
      return createPublicKey({ key: Buffer.from(raw), format: "raw-public", asymmetricKeyType: "x25519" });
    }
    const namedCurve = curveOf(own);
    if (algorithm.oid !== ecPublicKey || namedCurve === undefined || !isOnCurveOf(algorithm, own)) return undefined;
    return createPublicKey({ key: asBuffer(octets), format: "raw-public", asymmetricKeyType: "ec", namedCurve });
  } catch {
    return undefined;
  }
}

/** RFC 5753 7.1.2: parameters are absent, NULL, or name the curve; a curve described in full is no curve of ours. */
function isOnCurveOf(algorithm: AlgorithmIdentifier, own: KeyObject): boolean {
  if (algorithm.parameters === undefined || parametersAbsentOrNull(algorithm)) return true;
  const parameters = curveParametersOf(own);
  return parameters !== undefined && equalOctets(parameters, algorithm.parameters);
}

const curveParameters = new WeakMap<KeyObject, Uint8Array | undefined>();

/** The parameters in a key's own SubjectPublicKeyInfo; node:crypto takes as long to write one as to agree on a secret. */
function curveParametersOf(key: KeyObject): Uint8Array | undefined {
  if (curveParameters.has(key)) return curveParameters.get(key);
  const spki = new DerReader(key.export({ format: "der", type: "spki" })).sequence();
  const { parameters } = readAlgorithmIdentifier(spki);
  curveParameters.set(key, parameters);
  return parameters;
}
