// What one reader takes for this and another for that (security.md A36). Floor 1, see ../mime.ts.
//
// A signature is worth something only if the signed part is the part that people are shown. So an entity whose
// structure depends on who reads it is named ambiguous, and whoever judges does not open it. The list holds what is
// known to be read differently by common mail programs; what is merely ugly stays off it.

import { latin1Text } from "../bytes.ts";
import { fieldNamed, fieldText, formatHeader, type HeaderBlock, type HeaderField, isContentField } from "./header.ts";
import { type MediaType, readDisposition, readMediaType, transferEncodingOf } from "./media-type.ts";

/** Everything about this header that makes its entity's structure uncertain, in words; empty for honest mail. */
export function ambiguities(header: HeaderBlock): readonly string[] {
  const found: string[] = [];
  const content = { fields: header.fields.filter(isContentField), separator: header.separator };
  const type = fieldNamed(content, "Content-Type");
  const disposition = fieldNamed(content, "Content-Disposition");
  const reading = type === undefined ? undefined : readMediaType(fieldText(type));
  noteHeader(header, found);
  for (const field of content.fields) noteContentField(field, found);
  noteFieldsGivenTwice(content, found);
  if (reading !== undefined) found.push(...reading.problems);
  if (disposition !== undefined) found.push(...readDisposition(fieldText(disposition)).problems);
  noteBoundary(reading?.mediaType, found);
  noteEncoding(content, reading?.mediaType, found);
  return found;
}

function noteHeader(header: HeaderBlock, found: string[]): void {
  const text = latin1Text(formatHeader(header));
  if (header.separator.length === 0) found.push("header without an empty line at its end");
  if (text.includes("\0")) found.push("NUL in the header");
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) found.push("bare CR or LF in the header");
}

function noteContentField(field: HeaderField, found: string[]): void {
  const text = latin1Text(field.octets);
  if (!text.startsWith(":", field.name.length)) found.push(`${field.name} with blanks before its colon`);
  if (/\r\n[ \t]+\r\n/.test(text)) found.push(`${field.name} with a line of blanks`);
}

const single = ["MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"];

function noteFieldsGivenTwice({ fields }: HeaderBlock, found: string[]): void {
  if (fields.length < 2) return;
  const names = fields.map(({ name }) => name.toLowerCase());
  for (const name of single) {
    const lowerCase = name.toLowerCase();
    if (names.indexOf(lowerCase) !== names.lastIndexOf(lowerCase)) found.push(`${name} given twice`);
  }
}

// RFC 2046, 5.1.1 allows up to 70 of fewer characters than these; what lies outside is cut, trimmed or unescaped by some.
const boundaryShape = /^[!#-[\]-~](?:[ !#-[\]-~]{0,68}[!#-[\]-~])?$/;

function noteBoundary(mediaType: MediaType | undefined, found: string[]): void {
  if (!mediaType?.type.startsWith("multipart/")) return;
  const boundary = mediaType.parameters.get("boundary");
  if (boundary === undefined) found.push("multipart without a boundary");
  else if (!boundaryShape.test(boundary) || boundary.includes("=?")) found.push("multipart with an odd boundary");
}

const knownEncodings = new Set(["7bit", "8bit", "binary", "quoted-printable", "base64"]);

function noteEncoding(content: HeaderBlock, mediaType: MediaType | undefined, found: string[]): void {
  const field = fieldNamed(content, "Content-Transfer-Encoding");
  if (field === undefined) return;
  const encoding = transferEncodingOf(content);
  if (fieldText(field).toLowerCase() !== encoding) found.push("Content-Transfer-Encoding with more than one word");
  else if (!knownEncodings.has(encoding)) found.push("Content-Transfer-Encoding unknown");
  // RFC 2045, 6.4 forbids it; some decode all the same, some read the encoded text as parts.
  else if ((encoding === "base64" || encoding === "quoted-printable") && isComposite(mediaType))
    found.push(`${mediaType?.type} encoded as a whole`);
}

const compositeMessages = new Set(["message/rfc822", "message/partial", "message/external-body"]);

function isComposite(mediaType: MediaType | undefined): boolean {
  return mediaType !== undefined && (mediaType.type.startsWith("multipart/") || compositeMessages.has(mediaType.type));
}
