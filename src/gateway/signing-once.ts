// A message to many domains is signed once: what is signed is the same for all, and with RSA a signature is most of a
// small message's price.

import { latin1Text } from "../bytes.ts";
import type { PrivateKey } from "../crypto.ts";
import type { OwnDomain } from "./passage.ts";

/** The domain with a key that remembers what it signed; for one message, as long as that is here. */
export function signingOnce(domain: OwnDomain): OwnDomain {
  const { key } = domain.signing;
  const made = new Map<string, ReturnType<PrivateKey["sign"]>>();
  const remembering: PrivateKey = {
    ...key,
    sign: (scheme, octets) =>
      made.getOrInsertComputed(`${scheme.name} ${latin1Text(octets)}`, () => key.sign(scheme, octets)),
  };
  return { ...domain, signing: { ...domain.signing, key: remembering } };
}
