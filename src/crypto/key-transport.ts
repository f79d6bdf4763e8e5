// Key transport: RSA PKCS #1 v1.5 and OAEP (RFC 3370 4.2, RFC 3560).
import { constants, type KeyObject, publicEncrypt } from "node:crypto";
import { der } from "../asn1.ts";
import { type DigestName, digestNamed } from "./digest.ts";
import { CryptoError } from "./errors.ts";
import type { AlgorithmIdentifier } from "./identifier.ts";
import { formatOaepParameters, parseOaepParameters } from "./rsa-parameters.ts";

const rsaEncryption = "1.2.840.113549.1.1.1";
const rsaesOaep = "1.2.840.113549.1.1.7";

export type KeyTransport = {
  /** `rsa-v15`, `rsa-oaep-sha256`, `rsa-oaep-sha256-mgf1-sha1`. */
  readonly name: string;
  readonly identifier: Uint8Array;
  readonly nodeOptions: { padding: number; oaepHash?: string; mgf1Hash?: string; oaepLabel?: Uint8Array };
};

export const rsaV15: KeyTransport = {
  name: "rsa-v15",
  identifier: der.sequence(der.oid(rsaEncryption), der.nullElement()),
  nodeOptions: { padding: constants.RSA_PKCS1_PADDING },
};

export function rsaOaep(hashName: DigestName, mgfName: DigestName = hashName, label?: Uint8Array): KeyTransport {
  const name = hashName === mgfName ? `rsa-oaep-${hashName}` : `rsa-oaep-${hashName}-mgf1-${mgfName}`;
  const parameters = formatOaepParameters(digestNamed(hashName), digestNamed(mgfName));
  const oaepLabel = label === undefined || label.length === 0 ? {} : { oaepLabel: label };
  return {
    name,
    identifier: der.sequence(der.oid(rsaesOaep), parameters),
    nodeOptions: { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hashName, mgf1Hash: mgfName, ...oaepLabel },
  };
}

/** All but the mixed ones, by name. */
export const keyTransports: ReadonlyMap<string, KeyTransport> = new Map(
  [rsaV15, rsaOaep("sha1"), rsaOaep("sha256"), rsaOaep("sha384"), rsaOaep("sha512")].map((transport) => [
    transport.name,
    transport,
  ]),
);

/** By the name of options and reports; mixed hashes too. */
export function keyTransportNamed(name: string): KeyTransport | undefined {
  const mixed = /^rsa-oaep-(sha\d+)-mgf1-(sha\d+)$/.exec(name);
  return mixed === null ? keyTransports.get(name) : rsaOaep(mixed[1] as DigestName, mixed[2] as DigestName);
}

/** undefined where it is no key transport that we know. */
export function keyTransportOf(identifier: AlgorithmIdentifier): KeyTransport | undefined {
  if (identifier.oid === rsaEncryption) return rsaV15;
  if (identifier.oid !== rsaesOaep) return undefined;
  const { hash, mgfHash, label } = parseOaepParameters(identifier);
  const plain = label.length === 0 && hash === mgfHash ? keyTransports.get(`rsa-oaep-${hash.name}`) : undefined;
  return plain ?? rsaOaep(hash.name, mgfHash.name, label);
}

export function transportKey(transport: KeyTransport, recipient: KeyObject, contentKey: Uint8Array): Uint8Array {
  if (recipient.asymmetricKeyType !== "rsa")
    throw new CryptoError("CRYPTO_KEY", `${transport.name} needs an RSA certificate`);
  return publicEncrypt({ key: recipient, ...transport.nodeOptions }, contentKey);
}
