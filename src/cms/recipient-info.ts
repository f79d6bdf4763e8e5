// RecipientInfos: who can open a message and how. Reading gives values; opening is one operation with one private
// key; writing makes one RecipientInfo for each certificate.
import { context, DerReader, toDer } from "../asn1.ts";
import type { AlgorithmIdentifier, PrivateKey } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import type { Certificate } from "../x509.ts";
import { type CertificateIdentifier, identifies } from "./identifiers.ts";
import { agreeKeyWith, type KeyAgreement, readKeyAgreement } from "./recipient-key-agree.ts";
import { readKeyTransport, transportedKey } from "./recipient-key-trans.ts";

/** One entry that may be opened: a key-agreement RecipientInfo has one for each of its encrypted keys. */
export type Recipient =
  | {
      readonly kind: "keyTransport";
      readonly rid: CertificateIdentifier;
      readonly algorithm: AlgorithmIdentifier;
      readonly encryptedKey: Uint8Array;
    }
  | {
      readonly kind: "keyAgreement";
      readonly rid: CertificateIdentifier;
      readonly algorithm: AlgorithmIdentifier;
      readonly encryptedKey: Uint8Array;
      readonly agreement: KeyAgreement;
    }
  /** Key-encryption key, password and other recipients: named, never opened (security A29). */
  | { readonly kind: "kek" | "password" | "other" | "unreadable" };

/** Reads one RecipientInfo as it came. What cannot be read is one more recipient that is not us. */
export function parseRecipientInfo(octets: Uint8Array, offset: number): Recipient[] {
  try {
    return readRecipientInfo(toDer(octets), offset);
  } catch (failure) {
    if (isSecureMailError(failure)) return [{ kind: "unreadable" }];
    throw failure;
  }
}

const otherKinds: ReadonlyMap<number, "kek" | "password" | "other"> = new Map([
  [context(2), "kek"],
  [context(3), "password"],
  [context(4), "other"],
]);

function readRecipientInfo(octets: Uint8Array, offset: number): Recipient[] {
  const reader = new DerReader(octets, offset);
  const other = otherKinds.get(reader.nextTag);
  if (other !== undefined) return [{ kind: other }];
  return reader.nextIs(context(1)) ? readKeyAgreement(reader.enter(context(1))) : [readKeyTransport(reader.sequence())];
}

/** An own key with the certificate that senders encrypt to. */
export type DecryptionKey = { readonly key: PrivateKey; readonly certificate: Certificate };

export type Addressed = { readonly recipient: Recipient; readonly own: DecryptionKey };

/** The first own key, in the order given, that an entry names and that could open it. */
export function addressedKey(recipients: readonly Recipient[], keys: readonly DecryptionKey[]): Addressed | undefined {
  for (const own of keys) {
    const recipient = recipients.find((candidate) => names(candidate, own.certificate));
    if (recipient !== undefined) return { recipient, own };
  }
  return undefined;
}

function names(recipient: Recipient, certificate: Certificate): boolean {
  return "rid" in recipient && identifies(recipient.rid, certificate);
}

/**
 * The content-encryption key, or undefined: one private-key operation. Throws CRYPTO_UNSUPPORTED before the key is
 * touched where the algorithm is none that we do.
 */
export function openRecipient({ recipient, own }: Addressed): Promise<Uint8Array | undefined> {
  if (recipient.kind === "keyTransport") return transportedKey(recipient.algorithm, recipient.encryptedKey, own.key);
  if (recipient.kind === "keyAgreement")
    return agreeKeyWith(recipient.agreement, recipient.algorithm, recipient.encryptedKey, own.key);
  return Promise.resolve(undefined);
}
