// Certificates out: as small as the profile of a domain certificate allows (RFC 5280, 4; standards 11.5).
import { createHash } from "node:crypto";
import { context, DerReader, der, tag } from "../asn1.ts";
import { defaultScheme, type PrivateKey, type SignatureScheme } from "../crypto.ts";
import type { Certificate } from "./certificate.ts";
import { type Extension, extensionOids, type KeyUsage, keyUsages } from "./extensions.ts";

export type CertificateTemplate = {
  /** DER of the Name, as `encodeName` gives it. */
  readonly subject: Uint8Array;
  /** DER of the subjectPublicKeyInfo: `publicKey.export({ format: "der", type: "spki" })`. */
  readonly spki: Uint8Array;
  /** Absent for a self-signed certificate. */
  readonly issuer?: Certificate;
  /** Magnitude, big-endian; RFC 5280 4.1.2.2 asks for 1 to 20 octets. */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Absent for an end entity. */
  readonly ca?: { readonly pathLen?: number };
  readonly keyUsage?: readonly KeyUsage[];
  /** Purposes as OIDs. */
  readonly extendedKeyUsage?: readonly string[];
  readonly emails?: readonly string[];
  readonly extensions?: readonly Extension[];
};

/** DER of a certificate signed with `signingKey`, which is the issuer's. */
export async function issueCertificate(
  template: CertificateTemplate,
  signingKey: PrivateKey,
  scheme: SignatureScheme = defaultScheme(signingKey.publicKey),
): Promise<Uint8Array> {
  const tbs = der.sequence(
    der.explicit(0, der.integer(2)),
    der.unsignedInteger(template.serial),
    scheme.identifier,
    template.issuer?.subjectName ?? template.subject,
    der.sequence(der.time(template.notBefore), der.time(template.notAfter)),
    template.subject,
    template.spki,
    der.explicit(3, der.sequence(...extensionsOf(template).map(encodeExtension))),
  );
  return der.sequence(tbs, scheme.identifier, der.bitString(await signingKey.sign(scheme, tbs)));
}

function extensionsOf(template: CertificateTemplate): Extension[] {
  const { ca, keyUsage, extendedKeyUsage, emails, issuer, spki } = template;
  const made: Extension[] = [];
  const add = (oid: string, critical: boolean, value: Uint8Array) => made.push({ oid, critical, value });
  if (ca !== undefined) add(extensionOids.basicConstraints, true, basicConstraints(ca));
  if (keyUsage !== undefined) add(extensionOids.keyUsage, true, encodeKeyUsage(keyUsage));
  if (extendedKeyUsage !== undefined) {
    add(extensionOids.extendedKeyUsage, false, der.sequence(...extendedKeyUsage.map(der.oid)));
  }
  add(extensionOids.subjectKeyIdentifier, false, der.octetString(keyIdentifier(spki)));
  const issuerKeyIdentifier = issuer?.extensions.subjectKeyIdentifier;
  if (issuerKeyIdentifier !== undefined) {
    const field = der.implicit(0, der.octetString(issuerKeyIdentifier));
    add(extensionOids.authorityKeyIdentifier, false, der.sequence(field));
  }
  if (emails !== undefined) {
    add(extensionOids.subjectAltName, false, der.sequence(...emails.map((email) => der.text(context(1), email))));
  }
  return [...made, ...(template.extensions ?? [])];
}

function encodeExtension({ oid, critical, value }: Extension): Uint8Array {
  return der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

function basicConstraints({ pathLen }: { readonly pathLen?: number }): Uint8Array {
  return der.sequence(der.boolean(true), ...(pathLen === undefined ? [] : [der.integer(pathLen)]));
}

// Trailing zero bits of a named bit list are left out (X.690, 11.2.2).
function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  const bits = usages.map((usage) => keyUsages.indexOf(usage)).sort((a, b) => a - b);
  const last = bits.at(-1);
  if (last === undefined) return der.bitString(new Uint8Array(0));
  const octets = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] as number) | (0x80 >> (bit & 7));
  return der.bitString(octets, 7 - (last & 7));
}

// RFC 7093 2, method 1: the leftmost 160 bits of the key's SHA-256.
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const fields = new DerReader(spki).sequence();
  fields.enter(tag.sequence);
  return createHash("sha256").update(fields.bitString().octets).digest().subarray(0, 20);
}
