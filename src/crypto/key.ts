// Private keys behind an interface that may be asynchronous: today a KeyObject in this process, later an agent
// or a token in another. Nothing above this file sees key material.
import { diffieHellman, type KeyObject, sign as nodeSign, privateDecrypt } from "node:crypto";
import { CryptoError } from "./errors.ts";
import type { KeyTransport } from "./key-transport.ts";
import { keyFits, type SignatureScheme, signOptions } from "./signature.ts";

export type PrivateKey = {
  /** As node:crypto says it: rsa, rsa-pss, ec, ed25519, x25519, dsa. */
  readonly type: string;
  /** The public half: certificates are matched by it. */
  readonly publicKey: KeyObject;
  sign(scheme: SignatureScheme, octets: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** The content key, or undefined: callers go on with a random one (security A49). */
  decrypt(transport: KeyTransport, encryptedKey: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** The shared secret with `peer`, or undefined where there is none (RFC 8418: all zero). */
  agree(peer: KeyObject): Uint8Array | undefined | Promise<Uint8Array | undefined>;
};

/** A key held in this process. `publicKey` is that of its certificate. */
export function privateKeyOf(key: KeyObject, publicKey: KeyObject): PrivateKey {
  const type = key.asymmetricKeyType ?? "";
  return {
    type,
    publicKey,
    sign(scheme, octets) {
      if (!keyFits(scheme.family, type))
        throw new CryptoError("CRYPTO_KEY", `${scheme.name} is not made with ${type} keys`);
      return nodeSign(scheme.family === "ed25519" ? null : scheme.digest.name, octets, signOptions(scheme, key));
    },
    decrypt: (transport, encryptedKey) =>
      type === "rsa" ? attempt(() => privateDecrypt({ key, ...transport.nodeOptions }, encryptedKey)) : undefined,
    agree: (peer) => attempt(() => diffieHellman({ privateKey: key, publicKey: peer })),
  };
}

function attempt(operation: () => Uint8Array): Uint8Array | undefined {
  try {
    return operation();
  } catch {
    return undefined;
  }
}
