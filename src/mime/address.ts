// Addresses, read so that no other reader can find another domain in them. Floor 1, see ../mime.ts.
//
// Mail is believed by the domain in From. Parsers of addresses differ in hundreds of ways over comments, quotes,
// routes, groups and encoded words (security.md A11), and an attacker needs one that shows his victim another domain
// than we judged. So this reads a small grammar in which there is exactly one "@", and gives up on everything else.
// Not read is not believed; nothing is ever repaired.

import { isUtf8 } from "node:buffer";
import { domainToUnicode } from "node:url";
import { latin1Text } from "../bytes.ts";
import { type DomainName, parseDomainName } from "../domain.ts";
import { decodeWords } from "./encoded-word.ts";
import { fieldsNamed, fieldText, type HeaderBlock, type HeaderField, trimBlanks } from "./header.ts";

export type Address = {
  /** Local part as written, "@", domain as below. */
  readonly address: string;
  readonly domain: DomainName;
};

/**
 * The one mailbox of the one From field; `undefined` wherever two readers could differ about its domain.
 *
 * Says nothing about the header around it: see `ambiguities` for a header that ends where other readers go on.
 */
export function fromDomain(header: HeaderBlock): Address | undefined {
  const [field, ...others] = fieldsNamed(header, "From");
  if (field === undefined || others.length > 0 || !isPlainField(field)) return undefined;
  const text = fieldText(field);
  if (text.indexOf("@") !== text.lastIndexOf("@")) return undefined;
  const written = addrSpecOf(text);
  // Where octets are no UTF-8, which characters they mean is a guess: good enough for a name, not for an address.
  if (written === undefined || (!isUtf8(field.octets) && !isAscii(written))) return undefined;
  const address = isPlainAddrSpec(written) ? parseAddress(written) : undefined;
  return address !== undefined && isPlainDomain(written, address.domain) ? address : undefined;
}

/** `local@domain` as SMTP commands carry it (RFC 5321, 4.1.2), no blanks, no comments, no address literal. */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf("@");
  const localPart = text.slice(0, Math.max(at, 0));
  const domain = parseDomainName(text.slice(at + 1));
  if (domain === undefined || !isLocalPart(localPart)) return undefined;
  return { address: `${localPart}@${domain}`, domain };
}

// LIMIT: RFC 5321, 4.5.3.1.1 asks for 64 octets; return paths that carry another address in them are longer.
const maxLocalPart = 256;

const dotString = /^[^\s"(),:;<>@[\\\].]+(?:\.[^\s"(),:;<>@[\\\].]+)*$/;
const quotedString = /^"(?:[^"\\]|\\[\x20-\x7e])*"$/;

function isLocalPart(text: string): boolean {
  if (Buffer.byteLength(text) > maxLocalPart || /\p{Cc}/u.test(text) || !text.isWellFormed()) return false;
  return dotString.test(text) || quotedString.test(text);
}

/** Whether this is one field to every reader, its lines and characters the same to all. */
function isPlainField(field: HeaderField): boolean {
  const text = latin1Text(field.octets);
  const lines = text.split("\r\n");
  if (lines.at(-1) === "") lines.pop();
  const isPlainLine = (line: string) => !/^[ \t]*$/.test(line) && !/[^\t\x20-\x7e\x80-\xff]/.test(line);
  return text.startsWith(":", field.name.length) && lines.every(isPlainLine) && !overlong.test(text);
}

// UTF-8 of an ASCII character in more octets than it takes: refused by most readers, a "<" or "@" to careless ones.
const overlong = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]/;

/** The address between whatever harmless may stand around it: `name <address>`, `address (comment)`. */
function addrSpecOf(text: string): string | undefined {
  const { mailbox, comment } = splitFinalComment(text);
  if (!isHarmless(comment)) return undefined;
  const open = mailbox.indexOf("<");
  if (open === -1) return mailbox;
  if (mailbox.indexOf(">") !== mailbox.length - 1) return undefined;
  return isDisplayName(trimBlanks(mailbox.slice(0, open))) ? mailbox.slice(open + 1, -1) : undefined;
}

function splitFinalComment(text: string): { readonly mailbox: string; readonly comment: string } {
  const [, mailbox, comment] = /^([^()]*[ \t])\(([^()]*)\)$/.exec(text) ?? [];
  if (mailbox === undefined || comment === undefined) return { mailbox: text, comment: "" };
  return { mailbox: trimBlanks(mailbox), comment };
}

/**
 * Nothing, words, or one quoted string. Commas, semicolons and colons stand there only between quotes or in an encoded
 * word ("Doe, John" is how directories write names): with one "@" in all the field they cannot yield another domain.
 */
function isDisplayName(text: string): boolean {
  const quoted = /^"([^"]*)"$/.exec(text)?.[1];
  return isHarmless(quoted ?? text) && (quoted !== undefined || !/[,;:()]/.test(text));
}

/** No reader, not even one that decodes words before it parses, or normalises before it compares, finds structure. */
function isHarmless(text: string): boolean {
  const { text: decoded, certain } = decodeWords(text);
  return certain && !/[@<>"\\]|\p{Cc}/u.test(decoded.replaceAll("\t", " ").normalize("NFKC"));
}

/** Between the quotes of a local part, too, nothing that some readers take for structure; no encoded word anywhere. */
function isPlainAddrSpec(text: string): boolean {
  return !/[,;:<>\\()[\]]|=\?/.test(text);
}

// IDNA 2003 and 2008 map these four differently (UTS 46, 4): one reader's "faß.example" is another's "fass.example".
const deviating = /[\u00df\u03c2\u200c\u200d]/;

/** A domain in Unicode must be written as it is meant: full-width letters or other dots are mapped by some readers only. */
function isPlainDomain(addrSpec: string, domain: DomainName): boolean {
  const written = addrSpec.slice(addrSpec.lastIndexOf("@") + 1);
  const lowerCase = written.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return isAscii(written) || (!deviating.test(written) && lowerCase === domainToUnicode(domain));
}

function isAscii(text: string): boolean {
  return !/[^\x21-\x7e]/.test(text);
}
