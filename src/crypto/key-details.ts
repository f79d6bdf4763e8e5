// What a key is, beside its type: asked for every message, and node:crypto works it out anew each time.
import type { AsymmetricKeyDetails, KeyObject } from "node:crypto";

const remembered = new WeakMap<KeyObject, AsymmetricKeyDetails>();

/** Modulus length, exponent, curve: those that a key of its type has. */
export function keyDetails(key: KeyObject): AsymmetricKeyDetails {
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const details = key.asymmetricKeyDetails ?? {};
  remembered.set(key, details);
  return details;
}
