// Short keyed hashes: marks of our own that nobody else can make, in places that others can read.

import { createHmac } from "node:crypto";
import { asBuffer } from "../bytes.ts";

/**
 * HMAC-SHA-256 over a purpose and the parts, each with its length in front so that no two lists of parts read alike;
 * cut to `octets`.
 */
export function keyedHash(key: Uint8Array, octets: number, purpose: string, ...parts: readonly string[]): Uint8Array {
  // In one piece: each call of update costs a microsecond.
  const text = [purpose, ...parts].map((part) => `${Buffer.byteLength(part)}:${part}`).join("");
  return createHmac("sha256", key).update(text).digest().subarray(0, octets);
}

export function base64url(octets: Uint8Array): string {
  return asBuffer(octets).toString("base64url");
}
