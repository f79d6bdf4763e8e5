// Encryption under a password, to be read: PBES2 with PBKDF2 and AES or Triple-DES (RFC 8018), and the schemes of
// PKCS #12 that Windows and older OpenSSL write (RFC 7292, C).
import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { DerReader, tag } from "../asn1.ts";
import { concat, noOctets } from "../bytes.ts";
import {
  type AlgorithmIdentifier,
  type Digest,
  digestNamed,
  pkcs12Kdf,
  pkcs12KdfPurpose,
  rc2Decryptor,
  readAlgorithmIdentifier,
} from "../crypto.ts";
import { x509Error } from "./errors.ts";

// LIMIT: OpenSSL writes 2,048, the largest seen in stores is 600,000 (OWASP); more would stall a start for seconds.
const maxIterations = 10_000_000;

const pkcs12Pbe = "1.2.840.113549.1.12.1";
const pkcs5 = "1.2.840.113549.1.5";
const hmacs: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.2.7", "sha1"],
  ["1.2.840.113549.2.8", "sha224"],
  ["1.2.840.113549.2.9", "sha256"],
  ["1.2.840.113549.2.10", "sha384"],
  ["1.2.840.113549.2.11", "sha512"],
]);
const pbes2Ciphers: ReadonlyMap<string, readonly [nodeName: string, keyOctets: number]> = new Map([
  ["2.16.840.1.101.3.4.1.2", ["aes-128-cbc", 16]],
  ["2.16.840.1.101.3.4.1.22", ["aes-192-cbc", 24]],
  ["2.16.840.1.101.3.4.1.42", ["aes-256-cbc", 32]],
  ["1.2.840.113549.3.7", ["des-ede3-cbc", 24]],
] as const);

/** The octets that were encrypted under `password`; PKCS12_PASSWORD where it is not the right one. */
export function decryptWithPassword(
  algorithm: AlgorithmIdentifier,
  password: string,
  ciphertext: Uint8Array,
): Uint8Array {
  const decrypt = decryption(algorithm, password);
  try {
    return decrypt(ciphertext);
  } catch (cause) {
    throw x509Error("PKCS12_PASSWORD", "the password does not decrypt it", { cause });
  }
}

/** The form in which PKCS #12 derives from a password (RFC 7292, B.1): UTF-16 with two zero octets at the end. */
export function bmpPassword(password: string): Uint8Array {
  return Buffer.from(`${password}\0`, "utf16le").swap16();
}

/** PBKDF2-params (RFC 8018, A.2) as a derivation of a key of `keyOctets`. */
function pbkdf2Of(identifier: AlgorithmIdentifier, password: string): (keyOctets: number) => Uint8Array {
  const { oid, parameters } = identifier;
  if (oid !== `${pkcs5}.12` || parameters === undefined) throw unsupported(`key derivation ${oid}`);
  const fields = new DerReader(parameters).sequence();
  if (!fields.nextIs(tag.octetString)) throw unsupported("PBKDF2 with a salt from elsewhere");
  const salt = fields.contents(tag.octetString);
  const iterations = readIterations(fields);
  if (fields.nextIs(tag.integer)) fields.integer();
  const prf = fields.atEnd ? "1.2.840.113549.2.7" : readAlgorithmIdentifier(fields).oid;
  const digest = hmacs.get(prf);
  if (digest === undefined) throw unsupported(`PBKDF2 with ${prf}`);
  return (keyOctets) => pbkdf2Sync(password, salt, iterations, keyOctets, digest);
}

export function readIterations(fields: DerReader): number {
  const iterations = fields.integer();
  if (iterations < 1 || iterations > maxIterations) throw unsupported(`${iterations} iterations`);
  return iterations;
}

type Decryption = (ciphertext: Uint8Array) => Uint8Array;

function decryption({ oid, parameters = noOctets }: AlgorithmIdentifier, password: string): Decryption {
  if (oid === `${pkcs5}.13`) return pbes2(parameters, password);
  const derive = pkcs12Derivation(parameters, digestNamed("sha1"), password);
  switch (oid) {
    case `${pkcs12Pbe}.3`:
      return nodeDecryption("des-ede3-cbc", derive("key", 24), derive("iv", 8));
    case `${pkcs12Pbe}.4`:
      return nodeDecryption("des-ede3-cbc", twoKeys(derive("key", 16)), derive("iv", 8));
    case `${pkcs12Pbe}.5`:
      return rc2(derive("key", 16), derive("iv", 8));
    case `${pkcs12Pbe}.6`:
      return rc2(derive("key", 5), derive("iv", 8));
    default:
      throw unsupported(`encryption ${oid}`);
  }
}

function pbes2(parameters: Uint8Array, password: string): Decryption {
  const fields = new DerReader(parameters).sequence();
  const derive = pbkdf2Of(readAlgorithmIdentifier(fields), password);
  const scheme = readAlgorithmIdentifier(fields);
  const cipher = pbes2Ciphers.get(scheme.oid);
  if (cipher === undefined || scheme.parameters === undefined) throw unsupported(`encryption ${scheme.oid}`);
  const [nodeName, keyOctets] = cipher;
  return nodeDecryption(nodeName, derive(keyOctets), new DerReader(scheme.parameters).octetString());
}

type Derivation = (purpose: "key" | "iv", octets: number) => Uint8Array;

function pkcs12Derivation(parameters: Uint8Array, digest: Digest, password: string): Derivation {
  if (parameters.length === 0) return () => noOctets;
  const fields = new DerReader(parameters).sequence();
  const salt = fields.octetString();
  const iterations = readIterations(fields);
  return (purpose, octets) =>
    pkcs12Kdf(digest, pkcs12KdfPurpose[purpose], bmpPassword(password), salt, iterations, octets);
}

function nodeDecryption(nodeName: string, key: Uint8Array, iv: Uint8Array): Decryption {
  return (ciphertext) => {
    const decipher = createDecipheriv(nodeName, key, iv);
    return concat([decipher.update(ciphertext), decipher.final()]);
  };
}

function rc2(key: Uint8Array, iv: Uint8Array): Decryption {
  return (ciphertext) => {
    const decryptor = rc2Decryptor(key, 8 * key.length, iv);
    return concat([decryptor.update(ciphertext), decryptor.final(noOctets)]);
  };
}

// Two-key Triple-DES: the first key comes again as the third.
function twoKeys(key: Uint8Array): Uint8Array {
  return concat([key, key.subarray(0, 8)]);
}

function unsupported(what: string): Error {
  return x509Error("PKCS12_UNSUPPORTED", `${what} is not implemented`);
}
