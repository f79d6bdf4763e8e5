// The key derivation of PKCS #12 (RFC 7292, appendix B), which node:crypto does not offer. To read key files only.
import { concat } from "../bytes.ts";
import { type Digest, digestOctets } from "./digest.ts";

/** What the derived octets are for (RFC 7292, B.3). */
export const pkcs12KdfPurpose = { key: 1, iv: 2, mac: 3 } as const;

/** `password` is a BMPString with its two zero octets at the end (B.1), or empty. */
export function pkcs12Kdf(
  digest: Digest,
  purpose: 1 | 2 | 3,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  octets: number,
): Uint8Array {
  // v of RFC 7292: the hash's block.
  const block = digest.octets > 32 ? 128 : 64;
  const diversifier = new Uint8Array(block).fill(purpose);
  const input = concat([repeated(salt, block), repeated(password, block)]);
  const derived: Uint8Array[] = [];
  for (let made = 0; made < octets; made += digest.octets) {
    let a: Uint8Array = concat([diversifier, input]);
    for (let round = 0; round < iterations; round++) a = digestOctets(digest, a);
    derived.push(a);
    addToBlocks(input, repeated(a, block).subarray(0, block), block);
  }
  return concat(derived).subarray(0, octets);
}

/** As many whole blocks of `octets`, over and over, as hold them once. */
function repeated(octets: Uint8Array, block: number): Uint8Array {
  const length = block * Math.ceil(octets.length / block);
  return Uint8Array.from({ length }, (_, i) => octets[i % octets.length] as number);
}

// Each block becomes block + addend + 1 modulo 2^(8v).
function addToBlocks(blocks: Uint8Array, addend: Uint8Array, block: number): void {
  for (let start = 0; start < blocks.length; start += block) {
    let carry = 1;
    for (let i = block - 1; i >= 0; i--) {
      carry += (blocks[start + i] as number) + (addend[i] as number);
      blocks[start + i] = carry & 0xff;
      carry >>= 8;
    }
  }
}
