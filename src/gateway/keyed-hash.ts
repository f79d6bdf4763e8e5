// Short keyed hashes: marks of our own that nobody else can make, in places that others can read.

import { createHmac } from "node:crypto";
import { asBuffer } from "../bytes.ts";

/**
 * HMAC-SHA-256 over a purpose and the parts, each with its length in front so that no two lists of parts read alike;
 * cut to `octets`.
 */
export function keyedHash(key: Uint8Array, octets: number, purpose: string, ...parts: readonly string[]): Uint8Array {
  const mac = createHmac("sha256", key);
  for (const part of [purpose, ...parts]) mac.update(`${Buffer.byteLength(part)}:`).update(part);
  return mac.digest().subarray(0, octets);
}

export function base64url(octets: Uint8Array): string {
  return asBuffer(octets).toString("base64url");
}
