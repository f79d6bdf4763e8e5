// Certificates (RFC 5280, 4.1), read strictly and cheaply: this is on the way of every message. What costs more than
// looking (text of names, the key, the digest) is made when first asked for.
import { hash, type KeyObject } from "node:crypto";
import { context, DerReader } from "../asn1.ts";
import { equalOctets, hex } from "../bytes.ts";
import { namingField, x509Error } from "./errors.ts";
import { type Extensions, noExtensions, readExtensions } from "./extensions.ts";
import { nameKey, nameText, requireName } from "./name.ts";
import { publicKeyOfSpki } from "./public-key.ts";

export type Certificate = {
  /** DER as received. */
  readonly octets: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Contents octets of the INTEGER. */
  readonly serial: Uint8Array;
  /** Lower-case hex without a sign octet: `0a12`. */
  readonly serialText: string;
  /** DER of the Name. */
  readonly issuerName: Uint8Array;
  readonly subjectName: Uint8Array;
  /** RFC 4514 text, to be shown. */
  readonly issuer: string;
  readonly subject: string;
  /** Equal if and only if the names are equal (RFC 5280, 7.1). */
  readonly issuerKey: string;
  readonly subjectKey: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER of the subjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** DER of the AlgorithmIdentifier. */
  readonly signatureAlgorithm: Uint8Array;
  /** What the signature covers. */
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
  readonly extensions: Extensions;
  /** Addresses that the certificate names, strictly read: never from the subject, never an SmtpUTF8Mailbox. */
  readonly emails: readonly string[];
  /** Lower-case hex of the whole certificate's digest. */
  readonly sha256: string;
  /** Throws X509_KEY where the key is none that is used here. */
  readonly publicKey: KeyObject;
};

// LIMIT: the largest SLH-DSA signature has 49,856 octets; a certificate of a mail domain about 1,000.
export const maxCertificateOctets: number = 128 * 1024;

/** Reads a DER certificate; X509_MALFORMED names field and offset. */
export function parseCertificate(octets: Uint8Array): Certificate {
  return new ParsedCertificate(readFields(octets));
}

// LIMIT: some thousand certificates, the members of a large community and their chains.
const maxCachedOctets = 8 * 1024 * 1024;
const cache = new Map<string, Certificate>();
let cachedOctets = 0;

/** As `parseCertificate`, and the same object for the same octets while they are remembered. */
export function cachedCertificate(octets: Uint8Array): Certificate {
  const sha256 = hash("sha256", octets, "hex");
  const known = cache.get(sha256);
  if (known !== undefined) {
    // A Map keeps the order of insertion: what was used last is forgotten last.
    cache.delete(sha256);
    cache.set(sha256, known);
    return known;
  }
  // A copy, for `octets` may be a few in a buffer that holds a whole message. (`slice` of a Buffer copies nothing.)
  const certificate = new ParsedCertificate(readFields(new Uint8Array(octets)), sha256);
  cache.set(sha256, certificate);
  cachedOctets += octets.length;
  for (const [oldest, { octets: forgotten }] of cache) {
    if (cachedOctets <= maxCachedOctets) break;
    cache.delete(oldest);
    cachedOctets -= forgotten.length;
  }
  return certificate;
}

/** Whether both names are the same: such a certificate was issued by its subject to itself (RFC 5280, 6.1). */
export function isSelfIssued(certificate: Certificate): boolean {
  const { issuerName, subjectName } = certificate;
  return equalOctets(issuerName, subjectName) || certificate.issuerKey === certificate.subjectKey;
}

type Fields = Pick<
  Certificate,
  | "octets"
  | "version"
  | "serial"
  | "issuerName"
  | "subjectName"
  | "notBefore"
  | "notAfter"
  | "spki"
  | "signatureAlgorithm"
  | "tbs"
  | "signature"
  | "extensions"
>;

function readFields(octets: Uint8Array): Fields {
  if (octets.length > maxCertificateOctets) {
    throw x509Error("X509_LIMIT", `a certificate of ${octets.length} octets`, { offset: 0 });
  }
  try {
    const outer = new DerReader(octets);
    const certificate = outer.sequence();
    outer.end("Certificate");
    const tbsOffset = certificate.offset;
    const tbs = certificate.element();
    const signatureAlgorithm = certificate.element();
    const { octets: signature, unusedBits } = certificate.bitString();
    certificate.end("Certificate");
    if (unusedBits !== 0)
      throw x509Error("X509_MALFORMED", "a signature that is no whole octets", { field: "signatureValue" });
    const fields = readTbs(new DerReader(tbs, tbsOffset).sequence());
    // RFC 5280 4.1.1.2: only the inner one is signed, so the outer one may not say anything else.
    if (!equalOctets(fields.innerAlgorithm, signatureAlgorithm)) {
      throw x509Error("X509_MALFORMED", "two different signature algorithms", { field: "signatureAlgorithm" });
    }
    return { octets, tbs, signatureAlgorithm, signature, ...fields };
  } catch (thrown) {
    throw namingField(thrown, "certificate");
  }
}

type TbsFields = Omit<Fields, "octets" | "tbs" | "signatureAlgorithm" | "signature"> & {
  readonly innerAlgorithm: Uint8Array;
};

function readTbs(reader: DerReader): TbsFields {
  let field = "version";
  try {
    const version = readVersion(reader.optional(context(0)));
    field = "serialNumber";
    const serial = reader.integerOctets();
    field = "signature";
    const innerAlgorithm = reader.element();
    field = "issuer";
    const issuerName = readName(reader);
    field = "validity";
    const validity = reader.sequence();
    const notBefore = validity.time();
    const notAfter = validity.time();
    validity.end("Validity");
    field = "subject";
    const subjectName = readName(reader);
    field = "subjectPublicKeyInfo";
    const spki = reader.element();
    field = "issuerUniqueID";
    if (version > 1 && reader.nextIs(context(1))) reader.element();
    if (version > 1 && reader.nextIs(context(2))) reader.element();
    field = "extensions";
    const extensions = version === 3 ? readOptionalExtensions(reader) : noExtensions;
    reader.end("TBSCertificate");
    return { version, serial, innerAlgorithm, issuerName, notBefore, notAfter, subjectName, spki, extensions };
  } catch (thrown) {
    throw namingField(thrown, field);
  }
}

function readVersion(field: DerReader | undefined): 1 | 2 | 3 {
  if (field === undefined) return 1;
  const { offset } = field;
  const version = field.integer() + 1;
  field.end("version");
  if (version === 1 || version === 2 || version === 3) return version;
  throw x509Error("X509_MALFORMED", `certificate version ${version}`, { field: "version", offset });
}

function readName(reader: DerReader): Uint8Array {
  const { offset } = reader;
  const octets = reader.element();
  requireName(octets, offset);
  return octets;
}

function readOptionalExtensions(reader: DerReader): Extensions {
  const field = reader.optional(context(3));
  if (field === undefined) return noExtensions;
  const extensions = readExtensions(field.sequence());
  field.end("extensions");
  return extensions;
}

// A class, because a getter on a prototype costs nothing until it is asked.
class ParsedCertificate implements Certificate {
  readonly octets: Uint8Array;
  readonly version: 1 | 2 | 3;
  readonly serial: Uint8Array;
  readonly issuerName: Uint8Array;
  readonly subjectName: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spki: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
  readonly extensions: Extensions;
  #sha256: string | undefined;
  #issuer: string | undefined;
  #subject: string | undefined;
  #issuerKey: string | undefined;
  #subjectKey: string | undefined;
  #publicKey: KeyObject | undefined;

  constructor(fields: Fields, sha256?: string) {
    this.octets = fields.octets;
    this.version = fields.version;
    this.serial = fields.serial;
    this.issuerName = fields.issuerName;
    this.subjectName = fields.subjectName;
    this.notBefore = fields.notBefore;
    this.notAfter = fields.notAfter;
    this.spki = fields.spki;
    this.signatureAlgorithm = fields.signatureAlgorithm;
    this.tbs = fields.tbs;
    this.signature = fields.signature;
    this.extensions = fields.extensions;
    this.#sha256 = sha256;
  }

  get serialText(): string {
    return integerText(this.serial);
  }

  get issuer(): string {
    this.#issuer ??= nameText(this.issuerName);
    return this.#issuer;
  }

  get subject(): string {
    this.#subject ??= nameText(this.subjectName);
    return this.#subject;
  }

  get issuerKey(): string {
    this.#issuerKey ??= nameKey(this.issuerName);
    return this.#issuerKey;
  }

  get subjectKey(): string {
    this.#subjectKey ??= nameKey(this.subjectName);
    return this.#subjectKey;
  }

  get emails(): readonly string[] {
    return this.extensions.subjectAltName?.emails ?? [];
  }

  get sha256(): string {
    this.#sha256 ??= hash("sha256", this.octets, "hex");
    return this.#sha256;
  }

  get publicKey(): KeyObject {
    this.#publicKey ??= publicKeyOfSpki(this.spki);
    return this.#publicKey;
  }
}

/** Hex of an INTEGER's value: without the sign octet of a positive one, with a minus before a negative one. */
export function integerText(contents: Uint8Array): string {
  const first = contents[0] as number;
  if (first >= 0x80) {
    const magnitude = (1n << BigInt(8 * contents.length)) - BigInt(`0x${hex(contents)}`);
    return `-${magnitude.toString(16)}`;
  }
  return hex(first === 0 && contents.length > 1 ? contents.subarray(1) : contents);
}
