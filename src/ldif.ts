// LDIF (RFC 2849), as far as a snapshot of a directory needs it: entries, no changes. Floor 1, pure.
//
//   parseLdif    octets of a file to its entries; every fault with its line
//   formatLdif   entries to a file that any LDAP server loads
//   withEntries  a file with entries changed or added, and everything else, comments too, as it stood
//
// QUIRK: UTF-8 that should have been base64 is read, for many writers leave it. URLs (`attribute:< file:...`) are
// refused: a directory file does not make us open others.

import { isUtf8 } from "node:buffer";
import { asBuffer, latin1, latin1Text } from "./bytes.ts";
import { SecureMailError } from "./errors.ts";

export type LdifErrorCode =
  | "LDIF_MALFORMED" // the octets are not LDIF
  | "LDIF_UNSUPPORTED" // change records, controls and URLs are no part of a directory snapshot
  | "LDIF_LIMIT"; // larger than any directory of a community

export type LdifValue = {
  /** Attribute type in lower case, without options. */
  readonly type: string;
  /** Options in lower case, `binary` for one. */
  readonly options: readonly string[];
  readonly octets: Uint8Array;
  /** Where it begins, from 1; 0 for what was not read from a file. */
  readonly line: number;
};

export type LdifEntry = {
  readonly dn: string;
  readonly values: readonly LdifValue[];
  readonly line: number;
};

// LIMIT: the largest certificate of x509 in base64, with room; a community of 10,000 domains with ten certificates
// each needs about 300 MB, and then it has a directory server.
export const maxLdifOctets: number = 256 * 1024 * 1024;
export const maxLdifLine: number = 1024 * 1024;
export const maxLdifEntries = 100_000;

/** Columns before a line is folded (RFC 2849, note 10 leaves it open; this is what OpenLDAP writes). */
const foldAt = 76;

/** Throws LDIF_MALFORMED, LDIF_UNSUPPORTED or LDIF_LIMIT, with the line. */
export function parseLdif(octets: Uint8Array): readonly LdifEntry[] {
  if (octets.length > maxLdifOctets) throw fault("LDIF_LIMIT", 1, `a file of ${octets.length} octets`);
  const entries: LdifEntry[] = [];
  let present: { dn: string; values: LdifValue[]; line: number } | undefined;
  let first = true;
  for (const { text, line } of logicalLines(octets)) {
    if (text === "") {
      present = undefined;
      continue;
    }
    const value = parseLine(text, line);
    if (first && value.type === "version") requireVersion(value);
    else if (present !== undefined) present.values.push(requireAttribute(value));
    else {
      if (entries.length >= maxLdifEntries) throw fault("LDIF_LIMIT", line, `more than ${maxLdifEntries} entries`);
      present = { dn: requireDn(value), values: [], line };
      entries.push(present);
    }
    first = false;
  }
  const empty = entries.find(({ values }) => values.length === 0);
  if (empty !== undefined) throw fault("LDIF_MALFORMED", empty.line, "an entry without attributes");
  return entries;
}

/** A value for `formatLdif`: the description as it shall be written, `userCertificate;binary`. */
export type LdifAttribute = readonly [description: string, value: string | Uint8Array];

export type NewLdifEntry = { readonly dn: string; readonly attributes: readonly LdifAttribute[] };

export function formatLdif(entries: Iterable<NewLdifEntry>): string {
  let file = "version: 1\n";
  for (const entry of entries) file += `\n${formatEntry(entry)}`;
  return file;
}

/** The file with these entries in place of those of the same name, or behind all others. */
export function withEntries(octets: Uint8Array, entries: Iterable<NewLdifEntry>): Uint8Array {
  const present = new Map(parseLdif(octets).map(({ dn, line }) => [dnKey(dn), line]));
  const lines = latin1Text(octets).split("\n");
  const changes = [...entries].map((entry) => ({ text: formatEntry(entry), line: present.get(dnKey(entry.dn)) }));
  const replaced = changes.filter((change) => change.line !== undefined);
  // From the end, so that the numbers of lines further up stay right.
  for (const { text, line = 0 } of replaced.toSorted((a, b) => (b.line ?? 0) - (a.line ?? 0))) {
    const end = lines.findIndex((text, at) => at >= line && /^\r?$/.test(text));
    lines.splice(line - 1, (end < 0 ? lines.length : end) - line + 1, ...text.trimEnd().split("\n"));
  }
  const kept = lines.join("\n").trimEnd();
  const added = changes.filter(({ line }) => line === undefined).map(({ text }) => `\n${text}`);
  return latin1(`${kept === "" ? "version: 1" : kept}\n${added.join("")}`);
}

function formatEntry({ dn, attributes }: NewLdifEntry): string {
  return [formatLine("dn", dn), ...attributes.map(([name, value]) => formatLine(name, value))].join("");
}

/** Whether two names are the same, near enough for files that people write (RFC 4514 knows more ways to write one). */
function dnKey(dn: string): string {
  return dn.toLowerCase().replace(/\s*([,=])\s*/g, "$1");
}

/** The value as text; LDIF_MALFORMED where the octets are not UTF-8. */
export function ldifText({ octets, type, line }: LdifValue): string {
  if (!isUtf8(octets)) throw fault("LDIF_MALFORMED", line, `${type} is not UTF-8`);
  return asBuffer(octets).toString("utf8");
}

/** Lines with their continuations joined and comments left out. */
function* logicalLines(octets: Uint8Array): Generator<{ text: string; line: number }> {
  let pending: { text: string; line: number } | undefined;
  let line = 0;
  for (const physical of physicalLines(latin1Text(octets))) {
    line += 1;
    if (physical.startsWith(" ")) {
      if (pending === undefined || pending.text === "") throw fault("LDIF_MALFORMED", line, "continues no line");
      if (pending.text.length + physical.length > maxLdifLine) throw fault("LDIF_LIMIT", line, "a line without end");
      pending.text += physical.slice(1);
      continue;
    }
    if (pending !== undefined && !pending.text.startsWith("#")) yield pending;
    pending = { text: physical, line };
  }
  if (pending !== undefined && !pending.text.startsWith("#")) yield pending;
}

function* physicalLines(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const lf = text.indexOf("\n", at);
    const end = lf === -1 ? text.length : lf;
    yield text.slice(at, end > at && text[end - 1] === "\r" ? end - 1 : end);
    at = end + 1;
  }
}

const description = /^([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)((?:;[A-Za-z0-9-]+)*)$/;

function parseLine(text: string, line: number): LdifValue {
  if (text.length > maxLdifLine) throw fault("LDIF_LIMIT", line, "a line without end");
  if (text === "-") throw fault("LDIF_UNSUPPORTED", line, "a change record");
  const colon = text.indexOf(":");
  const [, type, options = ""] = description.exec(text.slice(0, Math.max(colon, 0))) ?? [];
  if (type === undefined) throw fault("LDIF_MALFORMED", line, "no attribute and colon where a line begins");
  return {
    type: type.toLowerCase(),
    options: options.toLowerCase().split(";").slice(1),
    octets: parseValue(text.slice(colon + 1), line),
    line,
  };
}

function parseValue(text: string, line: number): Uint8Array {
  const value = text.slice(/^[:<]?/.exec(text)?.[0].length).replace(/^ +/, "");
  if (text.startsWith("<")) throw fault("LDIF_UNSUPPORTED", line, "a value by URL");
  if (text.startsWith(":")) return decodeBase64(value, line);
  const octets = latin1(value);
  if (/[\0\r]/.test(value) || !isUtf8(octets)) throw fault("LDIF_MALFORMED", line, "a value that needs base64");
  return octets;
}

function decodeBase64(text: string, line: number): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw fault("LDIF_MALFORMED", line, "not base64");
  }
  return Buffer.from(text, "base64");
}

function requireVersion(value: LdifValue): void {
  if (ldifText(value) !== "1") throw fault("LDIF_UNSUPPORTED", value.line, "a version other than 1");
}

function requireDn(value: LdifValue): string {
  if (value.type !== "dn") throw fault("LDIF_MALFORMED", value.line, `an entry begins with dn, not ${value.type}`);
  return ldifText(value);
}

function requireAttribute(value: LdifValue): LdifValue {
  if (value.type === "dn") throw fault("LDIF_MALFORMED", value.line, "an empty line is missing before this entry");
  if (["changetype", "control"].includes(value.type)) throw fault("LDIF_UNSUPPORTED", value.line, "a change record");
  return value;
}

function formatLine(name: string, value: string | Uint8Array): string {
  const isPlain = typeof value === "string" && /^(?:[!-9;=-~][ -~]*)?$/.test(value) && !value.endsWith(" ");
  const octets = typeof value === "string" ? Buffer.from(value) : asBuffer(value);
  const text = isPlain ? `${name}: ${value}` : `${name}:: ${octets.toString("base64")}`;
  let folded = text.slice(0, foldAt);
  for (let at = foldAt; at < text.length; at += foldAt - 1) folded += `\n ${text.slice(at, at + foldAt - 1)}`;
  return `${folded}\n`;
}

function fault(code: LdifErrorCode, line: number, what: string): SecureMailError<LdifErrorCode> {
  return new SecureMailError(code, "permanent", `line ${line}: ${what}`);
}
