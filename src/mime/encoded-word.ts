// Encoded words: text beyond ASCII in header fields (RFC 2047). Floor 1, see ../mime.ts.

import { latin1 } from "../bytes.ts";

// RFC 2047, 2: an encoded word has at most 75 characters. 45 octets give 60 of base64 and 12 around them.
const octetsAWord = 45;

/** Free text (a Subject, a display name) as RFC 2047 encoded words; ASCII text that cannot be misread as one stays. */
export function encodeWords(text: string): string {
  if (!/[^\x20-\x7e]/.test(text) && !text.includes("=?")) return text;
  const words: string[] = [];
  let word = "";
  for (const character of text.toWellFormed()) {
    if (Buffer.byteLength(word + character) > octetsAWord) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  words.push(word);
  return words.map((part) => `=?utf-8?B?${Buffer.from(part).toString("base64")}?=`).join(" ");
}

export type DecodedWords = {
  readonly text: string;
  /** Whether every reader must come to this text: all words well formed, in character sets that hold no surprises. */
  readonly certain: boolean;
};

const wordShape = /=\?([^?*\s=]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=/g;

/** Decodes what is a word and leaves the rest; blanks between two words go (RFC 2047, 6.2). */
export function decodeWords(text: string): DecodedWords {
  if (!text.includes("=?")) return { text, certain: true };
  let decoded = "";
  let certain = true;
  let from = 0;
  let wordBefore = false;
  for (const { 0: word, 1: charset = "", 2: encoding = "", 3: encoded = "", index } of text.matchAll(wordShape)) {
    const between = text.slice(from, index);
    if (between.includes("=?")) certain = false;
    if (!wordBefore || !/^[ \t]*$/.test(between)) decoded += between;
    const octets = encoding.toUpperCase() === "B" ? fromBase64(encoded) : fromQ(encoded);
    const characters = octets && decodeCharset(octets, charset.toLowerCase());
    if (characters === undefined) certain = false;
    decoded += characters ?? word;
    wordBefore = characters !== undefined;
    from = index + word.length;
  }
  const rest = text.slice(from);
  return { text: decoded + rest, certain: certain && !rest.includes("=?") };
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}

function fromQ(text: string): Uint8Array | undefined {
  if (/=(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const octets = text
    .replaceAll("_", " ")
    .replace(/=(..)/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  return latin1(octets);
}

/** `undefined` for a character set that is unknown or that does not hold ASCII as it is. */
function decodeCharset(octets: Uint8Array, charset: string): string | undefined {
  if (charset.startsWith("utf-16") || charset.startsWith("utf-32")) return undefined;
  try {
    return new TextDecoder(charset, { fatal: charset === "utf-8" }).decode(octets);
  } catch {
    return undefined;
  }
}
