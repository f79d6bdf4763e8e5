// Signature schemes: an allow-list of complete triples (digest, signature, parameters); whatever is not in it
// is not judged at all (security A07). Only node:crypto does the mathematics (A08).
import { constants, createVerify, type KeyObject, verify as nodeVerify } from "node:crypto";
import { der } from "../asn1.ts";
import { asBuffer } from "../bytes.ts";
import { type Digest, type DigestName, digestNamed } from "./digest.ts";
import { CryptoError } from "./errors.ts";
import { type AlgorithmIdentifier, formatAlgorithmIdentifier, parametersAbsentOrNull } from "./identifier.ts";
import { keyDetails } from "./key-details.ts";
import { formatPssParameters, parsePssParameters } from "./rsa-parameters.ts";

export type SignatureFamily = "rsa-v15" | "rsa-pss" | "ecdsa" | "dsa" | "ed25519";

export type SignatureScheme = {
  /** As options and reports write it: `rsa-pss-sha256`. */
  readonly name: string;
  readonly family: SignatureFamily;
  /** What hashes the content; RFC 8419 ties Ed25519 to SHA-512. */
  readonly digest: Digest;
  /** Octets of salt, for RSASSA-PSS. */
  readonly saltLength?: number;
  /** signatureAlgorithm as we write it. */
  readonly identifier: Uint8Array;
  /** What about it is below the floor. */
  readonly weak: readonly string[];
};

const rsaEncryption = "1.2.840.113549.1.1.1";
const rsassaPss = "1.2.840.113549.1.1.10";
const ed25519 = "1.3.101.112";
const nist = "2.16.840.1.101.3.4.3";

/** OIDs that name signature and hash together. */
const combined: ReadonlyMap<string, readonly [SignatureFamily, DigestName]> = new Map([
  ["1.2.840.113549.1.1.5", ["rsa-v15", "sha1"]],
  ["1.2.840.113549.1.1.14", ["rsa-v15", "sha224"]],
  ["1.2.840.113549.1.1.11", ["rsa-v15", "sha256"]],
  ["1.2.840.113549.1.1.12", ["rsa-v15", "sha384"]],
  ["1.2.840.113549.1.1.13", ["rsa-v15", "sha512"]],
  [`${nist}.14`, ["rsa-v15", "sha3-256"]],
  [`${nist}.15`, ["rsa-v15", "sha3-384"]],
  [`${nist}.16`, ["rsa-v15", "sha3-512"]],
  ["1.2.840.10045.4.1", ["ecdsa", "sha1"]],
  ["1.2.840.10045.4.3.1", ["ecdsa", "sha224"]],
  ["1.2.840.10045.4.3.2", ["ecdsa", "sha256"]],
  ["1.2.840.10045.4.3.3", ["ecdsa", "sha384"]],
  ["1.2.840.10045.4.3.4", ["ecdsa", "sha512"]],
  [`${nist}.10`, ["ecdsa", "sha3-256"]],
  [`${nist}.11`, ["ecdsa", "sha3-384"]],
  [`${nist}.12`, ["ecdsa", "sha3-512"]],
  ["1.2.840.10040.4.3", ["dsa", "sha1"]],
  [`${nist}.2`, ["dsa", "sha256"]],
] as const);

const schemes = new Map<string, SignatureScheme>();

function scheme(family: SignatureFamily, digest: Digest, identifier: Uint8Array, saltLength?: number): SignatureScheme {
  const name = family === "ed25519" ? family : `${family}-${digest.name}`;
  const weak = [...(digest.weak ? [digest.name] : []), ...(family === "dsa" ? ["dsa"] : [])];
  return { name, family, digest, identifier, weak, ...(saltLength === undefined ? {} : { saltLength }) };
}

for (const [oid, [family, digestName]] of combined) {
  // RFC 3370 3.2, RFC 5754 3.2: NULL for RSA; absent for the others.
  const parameters = family === "rsa-v15" ? [der.nullElement()] : [];
  const made = scheme(family, digestNamed(digestName), der.sequence(der.oid(oid), ...parameters));
  schemes.set(made.name, made);
}
for (const name of ["sha1", "sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"] as const) {
  const hash = digestNamed(name);
  const identifier = der.sequence(der.oid(rsassaPss), formatPssParameters(hash));
  schemes.set(`rsa-pss-${name}`, scheme("rsa-pss", hash, identifier, hash.octets));
}
schemes.set("ed25519", scheme("ed25519", digestNamed("sha512"), der.sequence(der.oid(ed25519))));

/** All schemes by name. */
export const signatureSchemes: ReadonlyMap<string, SignatureScheme> = schemes;

/**
 * The scheme that a signature identifier means together with a digest: undefined is "unsupported", a throw of
 * CRYPTO_PARAMETERS is "contradicts itself" (hash of the content and of the signature differ, parameters where
 * none may be).
 */
export function signatureSchemeOf(signature: AlgorithmIdentifier, digest: Digest): SignatureScheme | undefined {
  if (signature.oid === rsaEncryption) {
    requireParameters(parametersAbsentOrNull(signature), "rsaEncryption");
    return schemes.get(`rsa-v15-${digest.name}`);
  }
  if (signature.oid === rsassaPss) return pssScheme(signature, digest);
  if (signature.oid === ed25519) {
    requireParameters(signature.parameters === undefined, "Ed25519");
    requireSame(digest.name, "sha512");
    return schemes.get("ed25519");
  }
  const pair = combined.get(signature.oid);
  if (pair === undefined) return undefined;
  const [family, digestName] = pair;
  requireParameters(
    family === "rsa-v15" ? parametersAbsentOrNull(signature) : signature.parameters === undefined,
    family,
  );
  requireSame(digest.name, digestName);
  return schemes.get(`${family}-${digestName}`);
}

/** The scheme a certificate or CRL is signed with: the hash is the signature algorithm's own. */
export function certificateSignatureSchemeOf(signature: AlgorithmIdentifier): SignatureScheme | undefined {
  if (signature.oid === ed25519) return signatureSchemeOf(signature, digestNamed("sha512"));
  if (signature.oid === rsassaPss) return signatureSchemeOf(signature, parsePssParameters(signature).hash);
  const pair = combined.get(signature.oid);
  return pair === undefined ? undefined : signatureSchemeOf(signature, digestNamed(pair[1]));
}

function pssScheme(signature: AlgorithmIdentifier, digest: Digest): SignatureScheme | undefined {
  const { hash, mgfHash, saltLength } = parsePssParameters(signature);
  requireSame(digest.name, hash.name);
  if (mgfHash.name !== hash.name) return undefined;
  const usual = schemes.get(`rsa-pss-${hash.name}`);
  if (usual === undefined || usual.saltLength === saltLength) return usual;
  return scheme("rsa-pss", hash, formatAlgorithmIdentifier(signature), saltLength);
}

function requireParameters(fit: boolean, family: string): void {
  if (!fit) throw new CryptoError("CRYPTO_PARAMETERS", `parameters that ${family} signatures do not have`);
}

function requireSame(digest: DigestName, expected: DigestName): void {
  if (digest !== expected)
    throw new CryptoError("CRYPTO_PARAMETERS", `signature over ${expected}, content digested with ${digest}`);
}

/** The key types of node:crypto that a family is made with. */
const keyTypes: Readonly<Record<SignatureFamily, readonly string[]>> = {
  "rsa-v15": ["rsa"],
  "rsa-pss": ["rsa", "rsa-pss"],
  ecdsa: ["ec"],
  dsa: ["dsa"],
  ed25519: ["ed25519"],
};

export function keyFits(family: SignatureFamily, keyType: string | undefined): boolean {
  return keyTypes[family].includes(keyType ?? "");
}

export function signOptions(
  scheme: SignatureScheme,
  key: KeyObject,
): { key: KeyObject; padding?: number; saltLength?: number } {
  if (scheme.family === "rsa-pss") {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: scheme.saltLength ?? scheme.digest.octets };
  }
  return { key };
}

/** Whether `signature` over `octets` was made with the private half of `key`. */
export function verifySignature(
  scheme: SignatureScheme,
  key: KeyObject,
  octets: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!keyFits(scheme.family, key.asymmetricKeyType)) return false;
  const hash = scheme.family === "ed25519" ? null : scheme.digest.name;
  return verifies(
    () => hasWholeLength(scheme, key, signature) && nodeVerify(hash, octets, signOptions(scheme, key), signature),
  );
}

/**
 * RFC 8017 8.1.2: a PSS signature is as long as the modulus. OpenSSL also takes one whose leading zero was dropped,
 * which is one more way to write the same signature.
 */
function hasWholeLength({ family }: SignatureScheme, key: KeyObject, signature: Uint8Array): boolean {
  return family !== "rsa-pss" || signature.length === Math.ceil((keyDetails(key).modulusLength ?? 0) / 8);
}

/** Malformed signature values and parameters out of the key's range throw: no signature either way. */
function verifies(verification: () => boolean): boolean {
  try {
    return verification();
  } catch {
    return false;
  }
}

/** As `verifySignature`, over octets that stream by; undefined for schemes that need all octets at once. */
export function runningVerification(
  scheme: SignatureScheme,
  key: KeyObject,
): { update(chunk: Uint8Array): void; final(signature: Uint8Array): boolean } | undefined {
  if (scheme.family === "ed25519" || !keyFits(scheme.family, key.asymmetricKeyType)) return undefined;
  const verification = createVerify(scheme.digest.name);
  return {
    update: (chunk) => {
      verification.update(asBuffer(chunk));
    },
    final: (signature) =>
      verifies(
        () => hasWholeLength(scheme, key, signature) && verification.verify(signOptions(scheme, key), signature),
      ),
  };
}

/** The scheme that fits a public key where nobody asked for another: profile B's, by key type and strength. */
export function defaultScheme(key: KeyObject): SignatureScheme {
  const curve = keyDetails(key).namedCurve;
  const ecdsa = curve === "secp384r1" ? "ecdsa-sha384" : curve === "secp521r1" ? "ecdsa-sha512" : "ecdsa-sha256";
  const byType: Readonly<Record<string, string>> = {
    rsa: "rsa-v15-sha256",
    "rsa-pss": "rsa-pss-sha256",
    ec: ecdsa,
    ed25519: "ed25519",
    dsa: "dsa-sha256",
  };
  const found = schemes.get(byType[key.asymmetricKeyType ?? ""] ?? "");
  if (found === undefined)
    throw new CryptoError("CRYPTO_KEY", `no signature is made with ${key.asymmetricKeyType} keys`);
  return found;
}
