// Content-Type and Content-Transfer-Encoding (RFC 2045, 5 and 6). Floor 1, see ../mime.ts.
//
// Reading is tolerant, because honest mail is full of small mistakes. What one reader forgives and another reads
// otherwise is put on a list of problems; `ambiguities` (ambiguity.ts) decides from it what is not opened.
import { fieldNamed, fieldText, type HeaderBlock, trimBlanks } from "./header.ts";
import { atEnd, type Cursor, cursorAt, skipCfws, skipCharacter, takeMatch, takeQuoted } from "./lexeme.ts";
import { isFileName, joinParameters, type WrittenParameter } from "./parameters.ts";

export type MediaType = {
  /** Type and subtype in lower case: "application/pkcs7-mime". */
  readonly type: string;
  /** Names in lower case, values as meant: quoted strings and RFC 2231 resolved. */
  readonly parameters: ReadonlyMap<string, string>;
};

export type MediaTypeReading = {
  readonly mediaType: MediaType | undefined;
  /** Where two readers may see two things, in words. */
  readonly problems: readonly string[];
};

// LIMIT: honest fields have up to a dozen, RFC 2231 continuations of a long file name included.
const maxParameters = 100;

const token = /[!#-'*+\-.0-9A-Z^-~]+/y; // RFC 2045, 5.1
const bareValue = /[^;]*/y;

/** What a receiver assumes where there is no Content-Type (RFC 2045, 5.2). */
export const defaultMediaType: MediaType = { type: "text/plain", parameters: new Map() };

/** `undefined` where the text names no type and subtype. */
export function parseMediaType(text: string): MediaType | undefined {
  return readMediaType(text).mediaType;
}

/** Of the first Content-Type; text/plain where there is none, or none that can be read (RFC 2045, 5.2). */
export function mediaTypeOf(header: HeaderBlock): MediaType {
  const field = fieldNamed(header, "Content-Type");
  return (field && parseMediaType(fieldText(field))) ?? defaultMediaType;
}

/** The name under which this entity would be saved: `filename` of Content-Disposition, else `name` of Content-Type. */
export function fileNameOf(header: HeaderBlock): string | undefined {
  const field = fieldNamed(header, "Content-Disposition");
  const name = field && readDisposition(fieldText(field)).parameters.get("filename");
  return name ?? mediaTypeOf(header).parameters.get("name");
}

/** In lower case, comments removed; "7bit" where no field says otherwise. */
export function transferEncodingOf(header: HeaderBlock): string {
  const field = fieldNamed(header, "Content-Transfer-Encoding");
  if (field === undefined) return "7bit";
  const cursor = cursorAt(fieldText(field));
  skipCfws(cursor);
  return takeMatch(cursor, token).toLowerCase() || "7bit";
}

// Mail after mail says the same few things here. Bounded, and never a long value: what comes from outside fills it.
const maxRemembered = 200;
const maxRememberedLength = 200;
const mediaTypes = new Map<string, MediaTypeReading>();
const dispositions = new Map<string, ParametersReading>();

function remembered<Reading>(readings: Map<string, Reading>, text: string, read: (text: string) => Reading): Reading {
  const known = readings.get(text);
  if (known !== undefined) return known;
  const reading = read(text);
  if (readings.size >= maxRemembered) readings.clear();
  if (text.length <= maxRememberedLength) readings.set(text, reading);
  return reading;
}

export function readMediaType(text: string): MediaTypeReading {
  return remembered(mediaTypes, text, parseWholeMediaType);
}

function parseWholeMediaType(text: string): MediaTypeReading {
  const cursor = cursorAt(text);
  const type = takeType(cursor);
  if (type === undefined) return { mediaType: undefined, problems: ["Content-Type without type and subtype"] };
  const { parameters, problems } = readParameters(cursor, "Content-Type");
  return { mediaType: { type, parameters }, problems };
}

/** The parameters of a Content-Disposition (RFC 2183), where its file name is. */
export function readDisposition(text: string): ParametersReading {
  return remembered(dispositions, text, parseDisposition);
}

function parseDisposition(text: string): ParametersReading {
  const cursor = cursorAt(text);
  skipCfws(cursor);
  takeMatch(cursor, token);
  skipCfws(cursor);
  return readParameters(cursor, "Content-Disposition");
}

type ParametersReading = { readonly parameters: ReadonlyMap<string, string>; readonly problems: readonly string[] };

function readParameters(cursor: Cursor, field: string): ParametersReading {
  const problems: string[] = [];
  const written: WrittenParameter[] = [];
  while (!atEnd(cursor)) {
    if (!skipCharacter(cursor, ";")) {
      problems.push(`${field} with text where a semicolon should be`);
      takeMatch(cursor, bareValue);
      continue;
    }
    if (written.length === maxParameters) {
      problems.push(`${field} with more than ${maxParameters} parameters`);
      break;
    }
    const parameter = takeParameter(cursor, problems);
    if (parameter !== undefined) written.push(parameter);
  }
  if (cursor.comments.length > 0) problems.push(`${field} with a comment`);
  if (cursor.unterminated) problems.push(`${field} with an open quote or comment`);
  return { parameters: joinParameters(written, problems), problems };
}

function takeType(cursor: Cursor): string | undefined {
  skipCfws(cursor);
  const type = takeMatch(cursor, token);
  skipCfws(cursor);
  if (type === "" || !skipCharacter(cursor, "/")) return undefined;
  skipCfws(cursor);
  const subtype = takeMatch(cursor, token);
  skipCfws(cursor);
  return subtype === "" ? undefined : `${type}/${subtype}`.toLowerCase();
}

function takeParameter(cursor: Cursor, problems: string[]): WrittenParameter | undefined {
  skipCfws(cursor);
  if (atEnd(cursor) || cursor.text[cursor.at] === ";") return undefined; // QUIRK RFC 2045, 5.1: a semicolon too many
  const name = takeMatch(cursor, token).toLowerCase();
  skipCfws(cursor);
  if (name === "" || !skipCharacter(cursor, "=")) {
    problems.push("a parameter that has no value");
    takeMatch(cursor, bareValue);
    return undefined;
  }
  skipCfws(cursor);
  return { name, value: takeValue(cursor, name, problems) };
}

function takeValue(cursor: Cursor, name: string, problems: string[]): string {
  const from = cursor.at;
  if (cursor.text[from] === '"') {
    const value = takeQuoted(cursor);
    // File names with unescaped backslashes are old Windows habit, and no reader takes structure from them.
    const plain = cursor.unterminated || value.length === cursor.at - from - 2;
    if (!plain && !isFileName(name)) problems.push(`${name} with a backslash`);
    skipCfws(cursor);
    return value;
  }
  // QUIRK RFC 2045, 5.1: values with "=", "/", "?" or blanks often lack their quotes; they end at the semicolon.
  const value = trimBlanks(takeMatch(cursor, /[^;(]*/y));
  skipCfws(cursor);
  if (/[\s"\\]/.test(value) && !isFileName(name)) problems.push(`${name} not quoted`);
  return value;
}
