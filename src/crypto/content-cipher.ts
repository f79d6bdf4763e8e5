// Content encryption: AES in CBC and GCM, ChaCha20-Poly1305; Triple-DES to read what is old.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { DerReader, der, tag } from "../asn1.ts";
import { noOctets } from "../bytes.ts";
import { CryptoError } from "./errors.ts";
import type { AlgorithmIdentifier } from "./identifier.ts";
import { algorithmName } from "./names.ts";

export type ContentCipherName =
  | "aes128-cbc"
  | "aes192-cbc"
  | "aes256-cbc"
  | "aes128-gcm"
  | "aes192-gcm"
  | "aes256-gcm"
  | "chacha20-poly1305"
  | "des-ede3-cbc";

export type ContentCipher = {
  readonly name: ContentCipherName;
  readonly oid: string;
  readonly nodeName: string;
  readonly mode: "cbc" | "aead";
  readonly keyOctets: number;
  /** IV or nonce. */
  readonly ivOctets: number;
  readonly weak: boolean;
};

const aes = "2.16.840.1.101.3.4.1";

/** The tag length that we write and, but for `legacy`, the only one we read: never taken from a message (security A25). */
export const tagOctets = 16;

// RFC 5084, 3.2 has no shorter tag; security A25: a shorter one can be guessed.
const leastTagOctets = 12;
// LIMIT: that of OpenSSL.
const maxNonceOctets = 128;

const ciphers: readonly ContentCipher[] = [
  {
    name: "aes128-cbc",
    oid: `${aes}.2`,
    nodeName: "aes-128-cbc",
    mode: "cbc",
    keyOctets: 16,
    ivOctets: 16,
    weak: false,
  },
  {
    name: "aes192-cbc",
    oid: `${aes}.22`,
    nodeName: "aes-192-cbc",
    mode: "cbc",
    keyOctets: 24,
    ivOctets: 16,
    weak: false,
  },
  {
    name: "aes256-cbc",
    oid: `${aes}.42`,
    nodeName: "aes-256-cbc",
    mode: "cbc",
    keyOctets: 32,
    ivOctets: 16,
    weak: false,
  },
  {
    name: "aes128-gcm",
    oid: `${aes}.6`,
    nodeName: "aes-128-gcm",
    mode: "aead",
    keyOctets: 16,
    ivOctets: 12,
    weak: false,
  },
  {
    name: "aes192-gcm",
    oid: `${aes}.26`,
    nodeName: "aes-192-gcm",
    mode: "aead",
    keyOctets: 24,
    ivOctets: 12,
    weak: false,
  },
  {
    name: "aes256-gcm",
    oid: `${aes}.46`,
    nodeName: "aes-256-gcm",
    mode: "aead",
    keyOctets: 32,
    ivOctets: 12,
    weak: false,
  },
  {
    name: "chacha20-poly1305",
    oid: "1.2.840.113549.1.9.16.3.18",
    nodeName: "chacha20-poly1305",
    mode: "aead",
    keyOctets: 32,
    ivOctets: 12,
    weak: false,
  },
  {
    name: "des-ede3-cbc",
    oid: "1.2.840.113549.3.7",
    nodeName: "des-ede3-cbc",
    mode: "cbc",
    keyOctets: 24,
    ivOctets: 8,
    weak: true,
  },
];

export const contentCiphers: ReadonlyMap<string, ContentCipher> = new Map(
  ciphers.map((cipher) => [cipher.name, cipher]),
);
const byOid: ReadonlyMap<string, ContentCipher> = new Map(ciphers.map((cipher) => [cipher.oid, cipher]));

export function contentCipherByOid(oid: string): ContentCipher | undefined {
  return byOid.get(oid);
}

/** Ciphertext octets for `length` octets of content: CBC always pads (RFC 5652, 6.3). */
export function ciphertextLength(cipher: ContentCipher, length: number): number {
  return cipher.mode === "cbc" ? length + cipher.ivOctets - (length % cipher.ivOctets) : length;
}

/** A cipher with the nonce or IV that an identifier gives. */
export type CipherSetting = {
  readonly cipher: ContentCipher;
  readonly iv: Uint8Array;
  /** Where it is not `tagOctets`: from 12 to 15, read under `legacy`. */
  readonly shortTag?: number;
};

/**
 * Reads `contentEncryptionAlgorithm`. With `legacy`, GCM may have a tag from 12 octets on and any nonce.
 *
 * Failures: CRYPTO_UNSUPPORTED for what we do not know, CRYPTO_WEAK for tags and nonces, CRYPTO_PARAMETERS otherwise.
 */
export function cipherSetting(identifier: AlgorithmIdentifier, legacy: boolean = false): CipherSetting {
  const cipher = byOid.get(identifier.oid);
  if (cipher === undefined)
    throw new CryptoError("CRYPTO_UNSUPPORTED", `content encryption ${algorithmName(identifier.oid)}`);
  if (identifier.parameters === undefined)
    throw new CryptoError("CRYPTO_PARAMETERS", `${cipher.name} without parameters`);
  const reader = new DerReader(identifier.parameters);
  if (!cipher.name.endsWith("gcm")) return { cipher, iv: requireIv(cipher, reader.octetString()) };
  // GCMParameters ::= SEQUENCE { aes-nonce OCTET STRING, aes-ICVlen INTEGER DEFAULT 12 } (RFC 5084, 3.2)
  const fields = reader.sequence();
  const nonce = fields.octetString();
  const iv = legacy && nonce.length > 0 && nonce.length <= maxNonceOctets ? nonce : requireIv(cipher, nonce);
  const icvLength = fields.nextIs(tag.integer) ? fields.integer() : leastTagOctets;
  if (icvLength === tagOctets) return { cipher, iv };
  if (legacy && icvLength >= leastTagOctets && icvLength < tagOctets) return { cipher, iv, shortTag: icvLength };
  throw new CryptoError("CRYPTO_WEAK", `an authentication tag of ${icvLength} octets`);
}

/** What about a setting is below the floor, in words. */
export function weaknessesOf({ cipher, iv, shortTag }: CipherSetting): readonly string[] {
  return [
    ...(cipher.weak ? [cipher.name] : []),
    ...(shortTag === undefined ? [] : [`${cipher.name} with a tag of ${shortTag} octets`]),
    ...(iv.length === cipher.ivOctets ? [] : [`${cipher.name} with a nonce of ${iv.length} octets`]),
  ];
}

function requireIv(cipher: ContentCipher, iv: Uint8Array): Uint8Array {
  if (iv.length === cipher.ivOctets) return iv;
  const code = cipher.mode === "aead" ? "CRYPTO_WEAK" : "CRYPTO_PARAMETERS";
  throw new CryptoError(code, `${cipher.name} with ${iv.length} octets of nonce or IV, not ${cipher.ivOctets}`);
}

export function formatCipherSetting({ cipher, iv }: CipherSetting): Uint8Array {
  const nonce = der.octetString(iv);
  const parameters = cipher.name.endsWith("gcm") ? der.sequence(nonce, der.integer(tagOctets)) : nonce;
  return der.sequence(der.oid(cipher.oid), parameters);
}

export type Encryptor = { update(chunk: Uint8Array): Uint8Array; final(): Uint8Array; tag(): Uint8Array };

/** A fresh content-encryption key with its IV or nonce; Triple-DES is never written, so parity does not matter. */
export function newContentKey(cipher: ContentCipher): { readonly key: Uint8Array; readonly setting: CipherSetting } {
  const random = randomBytes(cipher.keyOctets + cipher.ivOctets);
  return { key: random.subarray(0, cipher.keyOctets), setting: { cipher, iv: random.subarray(cipher.keyOctets) } };
}

type AeadName = "chacha20-poly1305";

export function encryptor(setting: CipherSetting, key: Uint8Array, aad: Uint8Array = noOctets): Encryptor {
  const { cipher, iv, shortTag = tagOctets } = setting;
  if (cipher.mode === "cbc") {
    const cbc = createCipheriv(cipher.nodeName, key, iv);
    return { update: (chunk) => cbc.update(chunk), final: () => cbc.final(), tag: () => noOctets };
  }
  const aead = createCipheriv(cipher.nodeName as AeadName, key, iv, { authTagLength: shortTag });
  if (aad.length > 0) aead.setAAD(aad, { plaintextLength: 0 });
  return { update: (chunk) => aead.update(chunk), final: () => aead.final(), tag: () => aead.getAuthTag() };
}

/** `final` throws whatever node:crypto throws; callers must not tell the reasons apart (security A49). */
export type Decryptor = { update(chunk: Uint8Array): Uint8Array; final(tag: Uint8Array): Uint8Array };

export function decryptor(setting: CipherSetting, key: Uint8Array, aad: Uint8Array = noOctets): Decryptor {
  const { cipher, iv, shortTag = tagOctets } = setting;
  if (cipher.mode === "cbc") {
    const cbc = createDecipheriv(cipher.nodeName, key, iv);
    return { update: (chunk) => cbc.update(chunk), final: () => cbc.final() };
  }
  const aead = createDecipheriv(cipher.nodeName as AeadName, key, iv, { authTagLength: shortTag });
  if (aad.length > 0) aead.setAAD(aad, { plaintextLength: 0 });
  return {
    update: (chunk) => aead.update(chunk),
    final(authTag) {
      aead.setAuthTag(authTag);
      return aead.final();
    },
  };
}
