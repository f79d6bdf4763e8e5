// The one place where header fields are made (security.md A31). Floor 1, see ../mime.ts.
//
// Names of certificates, values of directories and texts of strangers end in fields. Whatever they hold, one call
// writes one field: what could begin another line is refused, not repaired.
import { latin1 } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { type MimeErrorCode, overLimit } from "./mime-error.ts";

// RFC 5322, 2.1.1: lines should have at most 78 characters and must have at most 998, without CRLF.
const softLineLength = 78;
const hardLineLength = 998;

/**
 * One field, folded at blanks, with its final CRLF. The value is ASCII; `encodeWords` (encoded-word.ts) makes it so for free text.
 *
 * Refuses control characters, tab included: the value is a line, folding is done here.
 */
export function formatField(name: string, value: string): Uint8Array {
  if (!isFieldName(name)) throw refused(`"${printable(name)}" is no name of a header field`, name);
  const odd = firstOutsidePrintable(value);
  if (odd !== -1) throw refused(`character ${hexCode(value, odd)} in a header field`, name);
  return latin1(`${foldLine(`${name}:`, value)}\r\n`);
}

function foldLine(start: string, value: string): string {
  const words = value.split(" ").filter((word) => word !== "");
  let folded = "";
  let line = start;
  for (const word of words) {
    // Nothing is folded right behind the colon: the first line would look empty to some readers.
    if (line.length + 1 + word.length > softLineLength && line !== start) {
      folded += `${line}\r\n`;
      line = "";
    }
    line += ` ${word}`;
    if (line.length > hardLineLength) throw overLimit("a word too long for a header field", { field: start });
  }
  return folded + line;
}

/** RFC 5322, 3.6.8; the limit is Postfix's for a name it will still call one. */
export function isFieldName(name: string): boolean {
  return /^[\x21-\x39\x3b-\x7e]{1,76}$/.test(name);
}

function firstOutsidePrintable(text: string): number {
  return text.search(/[^\x20-\x7e]/);
}

function refused(what: string, name: string): SecureMailError<MimeErrorCode> {
  return new SecureMailError("MIME_FIELD", "permanent", what, { field: printable(name) });
}

function printable(text: string): string {
  return text.slice(0, 76).replace(/[^\x20-\x7e]/g, "?");
}

function hexCode(text: string, at: number): string {
  return `U+${(text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
