// How a SignerInfo names its signer and a RecipientInfo its recipient: issuer and serial, or key identifier.
import { context, type DerReader, der, tag } from "../asn1.ts";
import { equalOctets, hex } from "../bytes.ts";
import { CryptoError } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import { type Certificate, integerText, nameKey, nameText } from "../x509.ts";

export type CertificateIdentifier =
  | { readonly kind: "issuerAndSerialNumber"; readonly issuerName: Uint8Array; readonly serial: Uint8Array }
  | { readonly kind: "subjectKeyIdentifier"; readonly keyIdentifier: Uint8Array };

/** Reads a SignerIdentifier or RecipientIdentifier; undefined for an alternative that CMS does not have. */
export function readCertificateIdentifier(reader: DerReader): CertificateIdentifier | undefined {
  if (reader.nextIs(context(0))) return { kind: "subjectKeyIdentifier", keyIdentifier: reader.octetString(context(0)) };
  if (!reader.nextIs(tag.sequence)) return undefined;
  const fields = reader.sequence();
  return { kind: "issuerAndSerialNumber", issuerName: fields.element(), serial: fields.integerOctets() };
}

export function identifies(identifier: CertificateIdentifier, certificate: Certificate): boolean {
  if (identifier.kind === "subjectKeyIdentifier") {
    const own = certificate.extensions.subjectKeyIdentifier;
    return own !== undefined && equalOctets(own, identifier.keyIdentifier);
  }
  if (!equalOctets(identifier.serial, certificate.serial)) return false;
  const { issuerName, issuerKey } = certificate;
  return equalOctets(identifier.issuerName, issuerName) || readName(nameKey, identifier.issuerName) === issuerKey;
}

/** Undefined where somebody's name is none: no reason not to look for others. */
function readName(read: (octets: Uint8Array) => string, octets: Uint8Array): string | undefined {
  try {
    return read(octets);
  } catch (failure) {
    if (!isSecureMailError(failure)) throw failure;
    return undefined;
  }
}

const issuerAndSerialOf = new WeakMap<Certificate, Uint8Array>();

/** IssuerAndSerialNumber of a certificate. */
export function formatIssuerAndSerial(certificate: Certificate): Uint8Array {
  const known = issuerAndSerialOf.get(certificate);
  if (known !== undefined) return known;
  const made = der.sequence(certificate.issuerName, der.element(tag.integer, certificate.serial));
  issuerAndSerialOf.set(certificate, made);
  return made;
}

/** RecipientIdentifier, or SignerIdentifier: the key identifier is [0] IMPLICIT. */
export function formatRecipientIdentifier(certificate: Certificate, identifier: "issuer" | "ski"): Uint8Array {
  return identifier === "issuer"
    ? formatIssuerAndSerial(certificate)
    : der.element(context(0), requireKeyIdentifier(certificate));
}

export function requireKeyIdentifier(certificate: Certificate): Uint8Array {
  const { subjectKeyIdentifier } = certificate.extensions;
  if (subjectKeyIdentifier === undefined)
    throw new CryptoError("CRYPTO_KEY", "the certificate has no subjectKeyIdentifier");
  return subjectKeyIdentifier;
}

/** How a report shows it; `named` is the certificate it names, where that is at hand and spares decoding. */
export function describeIdentifier(identifier: CertificateIdentifier, named?: Certificate): Record<string, string> {
  if (identifier.kind === "subjectKeyIdentifier") return { subjectKeyIdentifier: hex(identifier.keyIdentifier) };
  const issuer = named?.issuer ?? readName(nameText, identifier.issuerName) ?? `#${hex(identifier.issuerName)}`;
  return { issuer, serial: integerText(identifier.serial) };
}
