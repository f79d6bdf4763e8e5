// Objects in files: PEM (several in one file, text around them), DER, PKCS #7 bags of certificates.
// Failures name the file, the object and the offset, so that a person finds the line.
import { context, DerReader, tag, toDer } from "../asn1.ts";
import { latin1Text } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { type Crl, parseCrl } from "./crl.ts";
import { x509Error } from "./errors.ts";

export type FileObject = {
  /** What a PEM armour says; "DER" for a file that has none. */
  readonly label: string;
  readonly octets: Uint8Array;
  /** Where the object begins in the file, and its number among others, from 1. */
  readonly offset: number;
  readonly number: number;
  /** The armour with its lines: an encrypted key of the old form keeps its parameters there (RFC 1421). */
  readonly armour?: string;
};

const derSequence = 0x30;
const beginLine = /^-----BEGIN ([A-Z0-9 #]{1,64})-----[ \t]*\r?$/gm;

/** All objects of a PEM file, or the one of a DER file. `file` is how failures name it. */
export function readFileObjects(octets: Uint8Array, file: string): readonly FileObject[] {
  if (octets[0] === derSequence) return [{ label: "DER", octets, offset: 0, number: 1 }];
  const text = latin1Text(octets);
  const objects: FileObject[] = [];
  for (const begin of text.matchAll(beginLine)) {
    const label = begin[1] as string;
    const bodyStart = begin.index + begin[0].length;
    const endLine = `-----END ${label}-----`;
    const bodyEnd = text.indexOf(endLine, bodyStart);
    const number = objects.length + 1;
    if (bodyEnd < 0) throw unreadable(file, number, label, begin.index, `${endLine} is missing`);
    const body = text.slice(bodyStart, bodyEnd);
    const decoded = decodeBody(body);
    if (decoded === undefined) throw unreadable(file, number, label, begin.index, "its base64 is broken");
    const armour = `${text.slice(begin.index, bodyEnd)}${endLine}\n`;
    objects.push({ label, octets: decoded, offset: begin.index, number, armour });
  }
  if (objects.length > 0) return objects;
  throw x509Error("PEM_MALFORMED", `${file}: neither PEM nor DER`, { offset: 0 });
}

/** The certificates of a file in order: PEM, DER, PKCS #7; keys and other objects beside them are passed over. */
export function certificatesInFile(octets: Uint8Array, file: string): readonly Certificate[] {
  const certificates = readFileObjects(octets, file).flatMap((object) => naming(file, object, certificatesOf));
  if (certificates.length > 0) return certificates;
  throw x509Error("PEM_MALFORMED", `${file}: holds no certificate`, { offset: 0 });
}

/** The CRLs of a file in order, PEM or DER. */
export function crlsInFile(octets: Uint8Array, file: string): readonly Crl[] {
  const crls = readFileObjects(octets, file)
    .filter(({ label }) => label === "X509 CRL" || label === "DER")
    .map((object) => naming(file, object, (crl) => parseCrl(crl.octets)));
  if (crls.length > 0) return crls;
  throw x509Error("PEM_MALFORMED", `${file}: holds no CRL`, { offset: 0 });
}

function certificatesOf({ label, octets }: FileObject): readonly Certificate[] {
  switch (label) {
    case "CERTIFICATE":
    case "X509 CERTIFICATE":
      return [parseCertificate(octets)];
    case "PKCS7":
    case "CMS":
      return certificatesOfSignedData(octets);
    case "DER":
      return isContentInfo(octets) ? certificatesOfSignedData(octets) : [parseCertificate(octets)];
    default:
      return [];
  }
}

// ContentInfo begins with an OBJECT IDENTIFIER, a certificate with a SEQUENCE. The length may be BER's indefinite one.
function isContentInfo(octets: Uint8Array): boolean {
  const first = octets[1] ?? 0;
  return octets[first <= 0x80 ? 2 : 2 + (first & 0x7f)] === tag.oid;
}

const idSignedData = "1.2.840.113549.1.7.2";

/** The certificates of a SignedData (RFC 5652, 5.1), in the order they stand there; the signers are not looked at. */
function certificatesOfSignedData(octets: Uint8Array): readonly Certificate[] {
  const contentInfo = new DerReader(toDer(octets)).sequence();
  if (contentInfo.oid() !== idSignedData)
    throw x509Error("PEM_MALFORMED", "a PKCS #7 object of another type", { offset: 0 });
  const signedData = contentInfo.enter(context(0)).sequence();
  signedData.integer();
  signedData.enter(tag.set);
  signedData.sequence();
  const certificates: Certificate[] = [];
  const set = signedData.optional(context(0));
  // Attribute certificates and older forms carry tags; plain ones are SEQUENCEs (RFC 5652, 10.2.2).
  while (set !== undefined && !set.atEnd) {
    if (set.nextIs(tag.sequence)) certificates.push(parseCertificate(set.element()));
    else set.element();
  }
  return certificates;
}

function decodeBody(body: string): Uint8Array | undefined {
  // RFC 1421 header lines end at the first empty line.
  const headerEnd = body.includes(":") ? body.search(/\n[ \t]*\r?\n/) : 0;
  const base64 = body.slice(Math.max(headerEnd, 0)).replace(/[ \t\r\n]+/g, "");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  return Buffer.from(base64, "base64");
}

/** Reads one object and lets every failure say which object of which file it was. */
export function naming<Result>(file: string, object: FileObject, read: (object: FileObject) => Result): Result {
  try {
    return read(object);
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    const { number, label, offset } = object;
    const message = `${file}: object ${number} (${label}) at offset ${offset}: ${thrown.message}`;
    throw x509Error("PEM_MALFORMED", message, { cause: thrown });
  }
}

function unreadable(file: string, number: number, label: string, offset: number, what: string): Error {
  return x509Error("PEM_MALFORMED", `${file}: object ${number} (${label}): ${what}`, { offset });
}
