// KeyTransRecipientInfo ::= SEQUENCE { version, rid, keyEncryptionAlgorithm, encryptedKey } (RFC 5652, 6.2.1)
import { type DerReader, der } from "../asn1.ts";
import {
  type AlgorithmIdentifier,
  algorithmName,
  CryptoError,
  type KeyTransport,
  keyTransport,
  type PrivateKey,
  readAlgorithmIdentifier,
} from "../crypto.ts";
import type { Certificate } from "../x509.ts";
import { type CertificateIdentifier, formatRecipientIdentifier, readCertificateIdentifier } from "./identifiers.ts";

export type KeyTransportRecipient = {
  readonly kind: "keyTransport";
  readonly rid: CertificateIdentifier;
  readonly algorithm: AlgorithmIdentifier;
  readonly encryptedKey: Uint8Array;
};

/** From the fields behind the SEQUENCE tag. */
export function readKeyTransport(fields: DerReader): KeyTransportRecipient | { readonly kind: "unreadable" } {
  fields.integer();
  const rid = readCertificateIdentifier(fields);
  if (rid === undefined) return { kind: "unreadable" };
  return { kind: "keyTransport", rid, algorithm: readAlgorithmIdentifier(fields), encryptedKey: fields.octetString() };
}

/** Undefined where the key does not open it; the caller goes on with a random one. */
export async function transportedKey(
  algorithm: AlgorithmIdentifier,
  encryptedKey: Uint8Array,
  key: PrivateKey,
): Promise<Uint8Array | undefined> {
  const transport = keyTransport.keyTransportOf(algorithm);
  if (transport === undefined)
    throw new CryptoError("CRYPTO_UNSUPPORTED", `key transport ${algorithmName(algorithm.oid)}`);
  return key.decrypt(transport, encryptedKey);
}

/** RFC 5652 6.2.1: version 0 with issuerAndSerialNumber, 2 with subjectKeyIdentifier. */
export function formatKeyTransport(
  certificate: Certificate,
  identifier: "issuer" | "ski",
  transport: KeyTransport,
  contentKey: Uint8Array,
): Uint8Array {
  return der.sequence(
    der.integer(identifier === "issuer" ? 0 : 2),
    formatRecipientIdentifier(certificate, identifier),
    transport.identifier,
    der.octetString(keyTransport.transportKey(transport, certificate.publicKey, contentKey)),
  );
}
