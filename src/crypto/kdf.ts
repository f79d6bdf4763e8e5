// Key derivation for key agreement: the X9.63 KDF (SEC 1, 3.6.1), which node:crypto does not offer, and HKDF.
import { createHash, hkdfSync } from "node:crypto";
import { concat, noOctets } from "../bytes.ts";
import { type Digest, digestOctets } from "./digest.ts";

/** Hash(Z || counter || sharedInfo) for counter = 1, 2, ... cut to `octets`. */
export function x963Kdf(digest: Digest, secret: Uint8Array, sharedInfo: Uint8Array, octets: number): Uint8Array {
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(1);
  if (octets <= digest.octets) return digestOctets(digest, concat([secret, counter, sharedInfo])).subarray(0, octets);
  const blocks: Uint8Array[] = [];
  for (let made = 0; made < octets; made += digest.octets) {
    counter.writeUInt32BE(blocks.length + 1);
    blocks.push(createHash(digest.name).update(secret).update(counter).update(sharedInfo).digest());
  }
  return concat(blocks).subarray(0, octets);
}

/** HKDF (RFC 5869) as RFC 8418 2.2 uses it: salt is the ukm, info the ECC-CMS-SharedInfo. */
export function hkdf(
  digest: Digest,
  secret: Uint8Array,
  salt: Uint8Array | undefined,
  info: Uint8Array,
  octets: number,
): Uint8Array {
  return new Uint8Array(hkdfSync(digest.name, secret, salt ?? noOctets, info, octets));
}
