// RC2 (RFC 2268) in CBC mode, decryption only: PKCS #12 stores and mail of the nineties are encrypted with it,
// and OpenSSL refuses it outside its legacy provider. Never used by the gateway.
import { concat } from "../bytes.ts";
import type { Decryptor } from "./content-cipher.ts";
import { CryptoError } from "./errors.ts";

const blockOctets = 8;

// RFC 2268 2: from the digits of pi.
const piTable: Uint8Array = Buffer.from(
  `d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32
   bd8f40eb86b77b0bf09521225c6b4e8254d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626
   6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed708e8eade8052eef784aa72ac354d6a2a
   961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731
   2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2e
   c5f3db47e5a59c770aa62068fe7fc1ad`.replace(/\s/g, ""),
  "hex",
);

/** Decrypts RC2-CBC with PKCS #7 padding as it streams; `final` throws where the padding is none. */
export function rc2Decryptor(key: Uint8Array, effectiveBits: number, iv: Uint8Array): Decryptor {
  if (key.length < 1 || key.length > 128 || effectiveBits < 1 || effectiveBits > 1024 || iv.length !== blockOctets) {
    throw new CryptoError(
      "CRYPTO_PARAMETERS",
      `RC2 with ${key.length} octets, ${effectiveBits} bits, IV of ${iv.length}`,
    );
  }
  const expanded = expandKey(key, effectiveBits);
  let previous = iv;
  // The last whole block waits, for it may be the one with the padding.
  let waiting: Uint8Array = new Uint8Array(0);
  return {
    update(chunk) {
      const octets = concat([waiting, chunk]);
      const ready = Math.max(0, Math.ceil(octets.length / blockOctets) - 1) * blockOctets;
      waiting = octets.subarray(ready);
      const plain = decryptBlocks(expanded, previous, octets.subarray(0, ready));
      if (ready > 0) previous = octets.subarray(ready - blockOctets, ready);
      return plain;
    },
    final() {
      const plain = decryptBlocks(expanded, previous, waiting);
      const padding = plain.at(-1) ?? 0;
      const honest = plain.length === blockOctets && padding >= 1 && padding <= blockOctets;
      if (!honest || plain.subarray(-padding).some((octet) => octet !== padding)) {
        throw new CryptoError("CRYPTO_PARAMETERS", "bad decrypt");
      }
      return plain.subarray(0, blockOctets - padding);
    },
  };
}

/** One block without mode or padding, as the RFC's vectors have it. */
export function rc2DecryptBlock(key: Uint8Array, effectiveBits: number, block: Uint8Array): Uint8Array {
  return decryptBlocks(expandKey(key, effectiveBits), new Uint8Array(blockOctets), block);
}

function expandKey(key: Uint8Array, effectiveBits: number): Uint16Array {
  const pi = (value: number): number => piTable[value & 0xff] as number;
  const bytes = new Uint8Array(128);
  bytes.set(key);
  const at = (index: number): number => bytes[index] as number;
  for (let i = key.length; i < 128; i++) bytes[i] = pi(at(i - 1) + at(i - key.length));
  const effectiveOctets = Math.ceil(effectiveBits / 8);
  const mask = 0xff >> (8 * effectiveOctets - effectiveBits);
  bytes[128 - effectiveOctets] = pi(at(128 - effectiveOctets) & mask);
  for (let i = 127 - effectiveOctets; i >= 0; i--) bytes[i] = pi(at(i + 1) ^ at(i + effectiveOctets));
  return Uint16Array.from({ length: 64 }, (_, i) => at(2 * i) | (at(2 * i + 1) << 8));
}

function decryptBlocks(key: Uint16Array, iv: Uint8Array, octets: Uint8Array): Uint8Array {
  if (octets.length % blockOctets !== 0) throw new CryptoError("CRYPTO_PARAMETERS", "bad decrypt");
  const plain = new Uint8Array(octets.length);
  const words = new Uint16Array(4);
  for (let start = 0; start < octets.length; start += blockOctets) {
    for (let i = 0; i < 4; i++)
      words[i] = (octets[start + 2 * i] as number) | ((octets[start + 2 * i + 1] as number) << 8);
    decryptWords(key, words);
    const chain = start === 0 ? iv : octets.subarray(start - blockOctets, start);
    for (let i = 0; i < blockOctets; i++) {
      const word = words[i >> 1] as number;
      plain[start + i] = (i % 2 === 0 ? word & 0xff : word >> 8) ^ (chain[i] as number);
    }
  }
  return plain;
}

const rotations = [1, 2, 3, 5] as const;

// RFC 2268 4: five mixing rounds, a mashing round, six, a mashing round, five; all backwards.
function decryptWords(key: Uint16Array, words: Uint16Array): void {
  const r = (index: number): number => words[index & 3] as number;
  for (let round = 15; round >= 0; round--) {
    for (let i = 3; i >= 0; i--) {
      const rotation = rotations[i] as number;
      const rotated = (r(i) >>> rotation) | (r(i) << (16 - rotation));
      words[i] = rotated - (key[4 * round + i] as number) - (r(i - 1) & r(i - 2)) - (~r(i - 1) & r(i - 3));
    }
    if (round !== 11 && round !== 5) continue;
    for (let i = 3; i >= 0; i--) words[i] = r(i) - (key[r(i - 1) & 63] as number);
  }
}
