// KeyAgreeRecipientInfo (RFC 5652 6.2.2, RFC 5753, RFC 8418), always [1] IMPLICIT.
import { constructedBit, context, type DerReader, der, tag } from "../asn1.ts";
import {
  type AgreementScheme,
  type AlgorithmIdentifier,
  aesWrapFor,
  algorithmName,
  CryptoError,
  keyAgreement,
  type PrivateKey,
  readAlgorithmIdentifier,
  unwrapKey,
  wrapKey,
} from "../crypto.ts";
import type { Certificate } from "../x509.ts";
import {
  type CertificateIdentifier,
  formatIssuerAndSerial,
  readCertificateIdentifier,
  requireKeyIdentifier,
} from "./identifiers.ts";
import { maxUkmOctets } from "./limits.ts";

/** What all encrypted keys of one KeyAgreeRecipientInfo share. */
export type KeyAgreement = {
  readonly originatorAlgorithm: AlgorithmIdentifier;
  readonly originatorKey: Uint8Array;
  readonly ukm?: Uint8Array;
};

export type KeyAgreementRecipient = {
  readonly kind: "keyAgreement";
  readonly rid: CertificateIdentifier;
  readonly algorithm: AlgorithmIdentifier;
  readonly encryptedKey: Uint8Array;
  readonly agreement: KeyAgreement;
};

/** From the fields behind the [1] tag: one recipient for each RecipientEncryptedKey. */
export function readKeyAgreement(fields: DerReader): (KeyAgreementRecipient | { readonly kind: "unreadable" })[] {
  fields.integer();
  const originator = fields.enter(context(0));
  // Static originators (issuer and serial, key identifier) need a sender's certificate: nobody sends them.
  if (!originator.nextIs(context(1))) return [{ kind: "unreadable" }];
  const originatorFields = originator.enter(context(1));
  const originatorAlgorithm = readAlgorithmIdentifier(originatorFields);
  const publicKey = originatorFields.bitString().octets;
  const ukm = fields.optional(context(1))?.octetString();
  if (ukm !== undefined && ukm.length > maxUkmOctets) return [{ kind: "unreadable" }];
  const agreement = { originatorAlgorithm, originatorKey: publicKey, ...(ukm === undefined ? {} : { ukm }) };
  const algorithm = readAlgorithmIdentifier(fields);
  const recipients: (KeyAgreementRecipient | { readonly kind: "unreadable" })[] = [];
  for (const keys = fields.sequence(); !keys.atEnd; ) {
    const entry = keys.sequence();
    const rid = readKeyAgreeIdentifier(entry);
    const encryptedKey = entry.octetString();
    recipients.push(
      rid === undefined ? { kind: "unreadable" } : { kind: "keyAgreement", rid, algorithm, encryptedKey, agreement },
    );
  }
  return recipients;
}

/** KeyAgreeRecipientIdentifier ::= CHOICE { issuerAndSerialNumber, rKeyId [0] IMPLICIT RecipientKeyIdentifier } */
function readKeyAgreeIdentifier(entry: DerReader): CertificateIdentifier | undefined {
  if (!entry.nextIs(context(0))) return readCertificateIdentifier(entry);
  return { kind: "subjectKeyIdentifier", keyIdentifier: entry.enter(context(0)).octetString() };
}

/** Undefined where the key does not open it; the caller goes on with a random one. */
export async function agreeKeyWith(
  agreement: KeyAgreement,
  algorithm: AlgorithmIdentifier,
  encryptedKey: Uint8Array,
  key: PrivateKey,
): Promise<Uint8Array | undefined> {
  const known = keyAgreement.agreementOf(algorithm);
  if (known === undefined) throw new CryptoError("CRYPTO_UNSUPPORTED", `key agreement ${algorithmName(algorithm.oid)}`);
  const peer = keyAgreement.originatorKey(agreement.originatorAlgorithm, agreement.originatorKey, key.publicKey);
  const secret = peer === undefined ? undefined : await key.agree(peer);
  if (secret === undefined) return undefined;
  return unwrapKey(known.wrap, keyAgreement.keyEncryptionKey(known, secret, agreement.ukm), encryptedKey);
}

/** One KeyAgreeRecipientInfo with an ephemeral key of its own. */
export function formatKeyAgreement(
  certificate: Certificate,
  identifier: "issuer" | "ski",
  scheme: AgreementScheme,
  contentKey: Uint8Array,
): Uint8Array {
  const wrap = aesWrapFor(contentKey.length);
  const { algorithm, publicKey, secret } = keyAgreement.agreeWithRecipient(certificate.publicKey);
  const wrapIdentifier = wrap.identifier;
  const kek = keyAgreement.keyEncryptionKey({ scheme, wrap, wrapIdentifier }, secret, undefined);
  return der.element(
    context(1) | constructedBit,
    der.integer(3),
    der.explicit(0, der.element(context(1) | constructedBit, algorithm, der.bitString(publicKey))),
    keyAgreement.formatAgreement(scheme, wrap),
    der.sequence(
      der.sequence(formatKeyAgreeIdentifier(certificate, identifier), der.octetString(wrapKey(wrap, kek, contentKey))),
    ),
  );
}

function formatKeyAgreeIdentifier(certificate: Certificate, identifier: "issuer" | "ski"): Uint8Array {
  if (identifier === "issuer") return formatIssuerAndSerial(certificate);
  return der.element(context(0) | constructedBit, der.element(tag.octetString, requireKeyIdentifier(certificate)));
}
