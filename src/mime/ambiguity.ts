// What one reader takes for this and another for that (security.md A36). Floor 1, see ../mime.ts.
//
// A signature is worth something only if the signed part is the part that people are shown. So an entity whose
// structure depends on who reads it is named ambiguous, and whoever judges does not open it. The list holds what is
// known to be read differently by common mail programs; what is merely ugly stays off it.

import { latin1Text } from "../bytes.ts";
import {
  fieldNamed,
  fieldsNamed,
  fieldText,
  formatHeader,
  type HeaderBlock,
  type HeaderField,
  isContentField,
} from "./header.ts";
import { type MediaType, readDisposition, readMediaType, transferEncodingOf } from "./media-type.ts";

/** Everything about this header that makes its entity's structure uncertain, in words; empty for honest mail. */
export function ambiguities(header: HeaderBlock): readonly string[] {
  const type = fieldNamed(header, "Content-Type");
  const disposition = fieldNamed(header, "Content-Disposition");
  const reading = type === undefined ? undefined : readMediaType(fieldText(type));
  return [
    ...headerAmbiguities(header),
    ...header.fields.filter(isContentField).flatMap(contentFieldAmbiguities),
    ...single.filter((name) => fieldsNamed(header, name).length > 1).map((name) => `${name} given twice`),
    ...(reading?.problems ?? []),
    ...(disposition === undefined ? [] : readDisposition(fieldText(disposition)).problems),
    ...boundaryAmbiguities(reading?.mediaType),
    ...encodingAmbiguities(header, reading?.mediaType),
  ];
}

const single = ["MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"];

function headerAmbiguities(header: HeaderBlock): string[] {
  const found: string[] = [];
  const text = latin1Text(formatHeader(header));
  if (header.separator.length === 0) found.push("header without an empty line at its end");
  if (text.includes("\0")) found.push("NUL in the header");
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) found.push("bare CR or LF in the header");
  return found;
}

function contentFieldAmbiguities(field: HeaderField): string[] {
  const found: string[] = [];
  const text = latin1Text(field.octets);
  if (!text.startsWith(":", field.name.length)) found.push(`${field.name} with blanks before its colon`);
  if (/\r\n[ \t]+\r\n/.test(text)) found.push(`${field.name} with a line of blanks`);
  return found;
}

// RFC 2046, 5.1.1 allows up to 70 of fewer characters than these; what lies outside is cut, trimmed or unescaped by some.
const boundaryShape = /^[!#-[\]-~](?:[ !#-[\]-~]{0,68}[!#-[\]-~])?$/;

function boundaryAmbiguities(mediaType: MediaType | undefined): string[] {
  if (!mediaType?.type.startsWith("multipart/")) return [];
  const boundary = mediaType.parameters.get("boundary");
  if (boundary === undefined) return ["multipart without a boundary"];
  return boundaryShape.test(boundary) && !boundary.includes("=?") ? [] : ["multipart with an odd boundary"];
}

const knownEncodings = new Set(["7bit", "8bit", "binary", "quoted-printable", "base64"]);

function encodingAmbiguities(header: HeaderBlock, mediaType: MediaType | undefined): string[] {
  const field = fieldNamed(header, "Content-Transfer-Encoding");
  if (field === undefined) return [];
  const encoding = transferEncodingOf(header);
  if (fieldText(field).toLowerCase() !== encoding) return ["Content-Transfer-Encoding with more than one word"];
  if (!knownEncodings.has(encoding)) return ["Content-Transfer-Encoding unknown"];
  // RFC 2045, 6.4 forbids it; some decode all the same, some read the encoded text as parts.
  const encoded = encoding === "base64" || encoding === "quoted-printable";
  return encoded && isComposite(mediaType) ? [`${mediaType?.type} encoded as a whole`] : [];
}

const compositeMessages = new Set(["message/rfc822", "message/partial", "message/external-body"]);

function isComposite(mediaType: MediaType | undefined): boolean {
  return mediaType !== undefined && (mediaType.type.startsWith("multipart/") || compositeMessages.has(mediaType.type));
}
