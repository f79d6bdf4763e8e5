// Extensions of a certificate (RFC 5280, 4.2): those that are processed as types, all of them as octets.
import { context, DerReader, tag } from "../asn1.ts";
import { equalOctets, latin1Text } from "../bytes.ts";
import { formatEmailAddress, parseEmailAddress } from "./email.ts";
import { namingField, x509Error } from "./errors.ts";

export const extensionOids = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** In the order of their bits (RFC 5280, 4.2.1.3). */
export const keyUsages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof keyUsages)[number];

export type Extension = { readonly oid: string; readonly critical: boolean; readonly value: Uint8Array };

export type SubjectAltName = {
  /** The rfc822Names that are an identity: strict, domain in lower case. */
  readonly emails: readonly string[];
  /** Every rfc822Name, one character an octet, whatever it holds: to be shown, never to be compared. */
  readonly rfc822Names: readonly string[];
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  readonly hasSmtpUtf8Mailbox: boolean;
};

export type Extensions = {
  readonly all: readonly Extension[];
  readonly keyUsage?: readonly KeyUsage[];
  /** Purposes as OIDs. */
  readonly extendedKeyUsage?: readonly string[];
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLen?: number };
  readonly subjectAltName?: SubjectAltName;
  readonly subjectKeyIdentifier?: Uint8Array;
  readonly authorityKeyIdentifier?: Uint8Array;
  readonly hasNameConstraints: boolean;
  /** OIDs of critical extensions that are not read into the fields above. */
  readonly otherCritical: readonly string[];
};

type Typed = { -readonly [Name in keyof Extensions]: Extensions[Name] };

// Reads one extension's value into the typed view. What is not in the table is not processed.
const readers: ReadonlyMap<string, readonly [name: string, read: (value: DerReader, into: Typed) => void]> = new Map([
  [extensionOids.subjectKeyIdentifier, ["subjectKeyIdentifier", readSubjectKeyIdentifier]],
  [extensionOids.keyUsage, ["keyUsage", readKeyUsage]],
  [extensionOids.subjectAltName, ["subjectAltName", readSubjectAltName]],
  [extensionOids.basicConstraints, ["basicConstraints", readBasicConstraints]],
  [extensionOids.authorityKeyIdentifier, ["authorityKeyIdentifier", readAuthorityKeyIdentifier]],
  [extensionOids.extendedKeyUsage, ["extendedKeyUsage", readExtendedKeyUsage]],
] as const);

export const noExtensions: Extensions = { all: [], hasNameConstraints: false, otherCritical: [] };

/** `reader` stands in the Extensions SEQUENCE. */
export function readExtensions(reader: DerReader): Extensions {
  const all: Extension[] = [];
  const otherCritical: string[] = [];
  const seen = new Set<string>();
  const typed: Typed = { all, hasNameConstraints: false, otherCritical };
  do {
    const { offset } = reader;
    const { extension, value } = readExtension(reader);
    const { oid, critical } = extension;
    if (seen.has(oid)) {
      throw x509Error("X509_MALFORMED", `extension ${oid} occurs twice`, { field: "extensions", offset });
    }
    seen.add(oid);
    all.push(extension);
    const processed = readers.get(oid);
    if (processed !== undefined) readValue(processed[0], processed[1], value, typed);
    else if (oid === extensionOids.nameConstraints) typed.hasNameConstraints = true;
    if (processed === undefined && critical) otherCritical.push(oid);
  } while (!reader.atEnd);
  return typed;
}

/** One Extension; also as CRLs have them. */
export function readExtension(reader: DerReader): { readonly extension: Extension; readonly value: DerReader } {
  const fields = reader.sequence();
  const oid = fields.oid();
  const critical = fields.nextIs(tag.boolean) && fields.boolean();
  const value = fields.contents(tag.octetString);
  const valueOffset = fields.offset - value.length;
  fields.end("Extension");
  return { extension: { oid, critical, value }, value: new DerReader(value, valueOffset) };
}

function readValue(name: string, read: (value: DerReader, into: Typed) => void, value: DerReader, into: Typed): void {
  try {
    read(value, into);
    value.end(name);
  } catch (thrown) {
    throw namingField(thrown, name);
  }
}

function readSubjectKeyIdentifier(value: DerReader, into: Typed): void {
  into.subjectKeyIdentifier = value.contents(tag.octetString);
}

function readAuthorityKeyIdentifier(value: DerReader, into: Typed): void {
  const fields = value.sequence();
  if (fields.nextIs(context(0))) into.authorityKeyIdentifier = fields.contents(context(0));
  // Issuer and serial of the issuer's certificate: a hint that path building does without.
  fields.rest();
}

function readKeyUsage(value: DerReader, into: Typed): void {
  const { octets } = value.bitString();
  into.keyUsage = keyUsages.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function readExtendedKeyUsage(value: DerReader, into: Typed): void {
  const purposes = value.sequence();
  const oids: string[] = [];
  do oids.push(purposes.oid());
  while (!purposes.atEnd);
  into.extendedKeyUsage = oids;
}

function readBasicConstraints(value: DerReader, into: Typed): void {
  const fields = value.sequence();
  const ca = fields.nextIs(tag.boolean) && fields.boolean();
  const pathLen = fields.nextIs(tag.integer) ? fields.integer() : undefined;
  fields.end("BasicConstraints");
  into.basicConstraints = pathLen === undefined ? { ca } : { ca, pathLen };
}

const smtpUtf8Mailbox = "1.3.6.1.5.5.7.8.9";

function readSubjectAltName(value: DerReader, into: Typed): void {
  const names = value.sequence();
  const rfc822Names: string[] = [];
  const dnsNames: string[] = [];
  const uris: string[] = [];
  let hasSmtpUtf8Mailbox = false;
  do {
    switch (names.nextTag) {
      case context(0):
        if (names.enter(context(0)).oid() === smtpUtf8Mailbox) hasSmtpUtf8Mailbox = true;
        break;
      case context(1):
        rfc822Names.push(latin1Text(names.contents(context(1))));
        break;
      case context(2):
        dnsNames.push(latin1Text(names.contents(context(2))));
        break;
      case context(6):
        uris.push(latin1Text(names.contents(context(6))));
        break;
      default:
        names.element();
    }
  } while (!names.atEnd);
  const parsed = rfc822Names.map(parseEmailAddress).filter((address) => address !== undefined);
  const emails = parsed.map(formatEmailAddress);
  into.subjectAltName = { emails, rfc822Names, dnsNames, uris, hasSmtpUtf8Mailbox };
}

// RFC 8550 4.4.2: a restriction only where it is present.
const usagesFor: Readonly<Record<"signing" | "encryption", readonly KeyUsage[]>> = {
  signing: ["digitalSignature", "nonRepudiation"],
  encryption: ["keyEncipherment", "keyAgreement"],
};

/** Whether the key usage, where there is one, lets mail be signed with the key, or encrypted to it. */
export function keyUsageFits({ keyUsage }: Extensions, purpose: "signing" | "encryption"): boolean {
  return keyUsage === undefined || usagesFor[purpose].some((usage) => keyUsage.includes(usage));
}

/** Whether an issuer's key identifier contradicts what the subject says about it; absence contradicts nothing. */
export function keyIdentifiersFit(subject: Extensions, issuer: Extensions): boolean {
  const { authorityKeyIdentifier } = subject;
  const { subjectKeyIdentifier } = issuer;
  if (authorityKeyIdentifier === undefined || subjectKeyIdentifier === undefined) return true;
  return equalOctets(authorityKeyIdentifier, subjectKeyIdentifier);
}
