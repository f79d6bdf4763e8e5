// Header fields octet for octet. Floor 1, see ../mime.ts.
//
// A field that was read is written back as it stood: signatures of others (DKIM) cover its folding and its spelling.
// Fields can be taken out or put in whole, nothing edits one. New ones come from `formatField` in field-writer.ts.
import { concat, latin1, latin1Text, noOctets } from "../bytes.ts";
import { overLimit } from "./mime-error.ts";

export type HeaderField = {
  /** As written, without blanks before the colon; "" for an mbox "From " or ">From " line on top. */
  readonly name: string;
  /** The whole field with its folding and its final CRLF, verbatim. */
  readonly octets: Uint8Array;
};

export type HeaderBlock = {
  readonly fields: readonly HeaderField[];
  /** CRLF; empty where the input ended, or where a line that is no field ended the header and so begins the body. */
  readonly separator: Uint8Array;
};

// LIMIT: house.md 5. Postfix allows 100 kB (header_size_limit) a field and truncates; nobody honest comes near.
export const maxHeaderSize: number = 256 * 1024;

const crlf = latin1("\r\n");
const fieldName = /[\x21-\x39\x3b-\x7e]+(?=[ \t]*:)/y;
// "From :" is a field with a blank before its colon, and must not hide from who looks for From.
const mboxLine = /^>*From (?![ \t]*:)/;

export type HeaderSplit = { readonly header: HeaderBlock /** Where the body begins. */; readonly bodyAt: number };

/**
 * Splits the octets from the start of an entity up to its first empty line, or to its end: then they are `complete`.
 * Octets that are not were cut at `maxHeaderSize`.
 *
 * Only CRLF ends a line: what other programs make of a bare CR or LF is for `ambiguities` to say.
 */
export function splitHeader(octets: Uint8Array, complete: boolean): HeaderSplit {
  const text = latin1Text(octets);
  const fields: HeaderField[] = [];
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("\r\n", at)) return { header: { fields, separator: crlf }, bodyAt: at + 2 };
    const name = nameAt(text, at);
    if (name === undefined) {
      if (!complete && text.indexOf("\r\n", at) === -1) break;
      return { header: { fields, separator: noOctets }, bodyAt: at };
    }
    const end = fieldEnd(text, at);
    // Whether the next line goes on with this field cannot be seen where the octets were cut.
    if (!complete && end === text.length) break;
    fields.push({ name, octets: octets.subarray(at, end) });
    at = end;
  }
  if (!complete) throw overLimit(`header block larger than ${maxHeaderSize} octets`, { offset: octets.length });
  return { header: { fields, separator: noOctets }, bodyAt: at };
}

function nameAt(text: string, at: number): string | undefined {
  if (at === 0 && mboxLine.test(text)) return "";
  fieldName.lastIndex = at;
  return fieldName.test(text) ? text.slice(at, fieldName.lastIndex) : undefined;
}

/** The end of the field at `at`: behind the first CRLF that no blank or tab follows. */
function fieldEnd(text: string, at: number): number {
  for (let lineEnd = text.indexOf("\r\n", at); lineEnd !== -1; lineEnd = text.indexOf("\r\n", lineEnd + 2)) {
    const next = text.charCodeAt(lineEnd + 2);
    if (next !== 0x20 && next !== 0x09) return lineEnd + 2;
  }
  return text.length;
}

/** The header as it stood, with its separator. */
export function formatHeader(header: HeaderBlock): Uint8Array {
  return concat([...header.fields.map((field) => field.octets), header.separator]);
}

/** The first field of that name, whatever its case. */
export function fieldNamed(header: HeaderBlock, name: string): HeaderField | undefined {
  const wanted = name.toLowerCase();
  return header.fields.find((field) => hasName(field, wanted));
}

export function fieldsNamed(header: HeaderBlock, name: string): readonly HeaderField[] {
  const wanted = name.toLowerCase();
  return header.fields.filter((field) => hasName(field, wanted));
}

function hasName(field: HeaderField, lowerCase: string): boolean {
  return field.name.length === lowerCase.length && field.name.toLowerCase() === lowerCase;
}

/** A field that describes this entity's content rather than the letter: MIME-Version and Content-* (RFC 2045, 9). */
export function isContentField(field: HeaderField): boolean {
  return contentFieldName.test(field.name);
}

const contentFieldName = /^(?:mime-version$|content-)/i;

/** What stands behind the colon, unfolded (RFC 5322, 2.2.3), outer blanks removed. UTF-8 where it is that, else Latin-1. */
export function fieldText(field: HeaderField): string {
  const text = decodeText(field.octets);
  const from = field.name === "" ? 0 : text.indexOf(":") + 1;
  return trimBlanks(unfold(text.slice(from, text.endsWith("\r\n") ? -2 : undefined)));
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(octets: Uint8Array): string {
  const text = latin1Text(octets);
  if (!hasEightBit.test(text)) return text;
  try {
    return utf8.decode(octets);
  } catch {
    return text;
  }
}

const hasEightBit = /[\x80-\xff]/;

function unfold(text: string): string {
  return text.includes("\r\n") ? text.replace(/\r\n(?=[ \t])/g, "") : text;
}

/** Blank and tab only: `trim` would take control characters and what Unicode calls a space along. */
export function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
