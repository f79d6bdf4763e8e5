// Canary words: they stand in every text that must not be seen outside, and whoever sees one, in whatever coding, has
// found a leak (security.md 7.2). Sought raw, in base64 at each alignment, quoted-printable, hex, URL coding, UTF-16,
// and inside gzip, zlib and deflate, these also under base64.

import { randomInt } from "node:crypto";
import { constants, inflateRawSync, inflateSync } from "node:zlib";

const letters = "abcdefghijklmnopqrstuvwxyz";

/** What all words begin with: sought first, so that much traffic is searched once and not once for each word. */
const beginning = "thecanaryforwhichthereisnoreader";

/** 28 letters are 131 bits, and no coding of text has to escape any of them. */
export function canary(): string {
  return `${beginning}${Array.from({ length: 28 }, () => letters[randomInt(letters.length)]).join("")}`;
}

export type Sighting = { readonly word: string; readonly coding: string };

/** Every word that can be seen in the octets, and how. */
export function sightings(octets: Buffer, words: readonly string[]): readonly Sighting[] {
  const suspicious = codingsOf(beginning);
  const found: Sighting[] = [];
  for (const [how, view] of viewsOf(octets)) {
    if (!suspicious.some(({ text }) => view.includes(text))) continue;
    for (const word of words) {
      const seen = codingsOf(word).filter(({ text }) => view.includes(text));
      found.push(...seen.map(({ coding }) => ({ word, coding: `${how}${coding}` })));
    }
  }
  return found;
}

function codingsOf(word: string): readonly { readonly coding: string; readonly text: string }[] {
  const octets = Buffer.from(word);
  const hex = octets.toString("hex");
  return [
    { coding: "raw", text: word },
    { coding: "raw, capitals", text: word.toUpperCase() },
    { coding: "hex", text: hex },
    { coding: "hex, capitals", text: hex.toUpperCase() },
    { coding: "UTF-16LE", text: Buffer.from(word, "utf16le").toString("latin1") },
    { coding: "UTF-16BE", text: Buffer.from(word, "utf16le").swap16().toString("latin1") },
    ...base64Of(octets).map((text) => ({ coding: "base64", text })),
    ...base64Of(Buffer.from(word, "utf16le")).map((text) => ({ coding: "base64 of UTF-16", text })),
  ];
}

/** What of the base64 does not depend on its neighbours, at each of three alignments. */
function base64Of(octets: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const coded = Buffer.concat([Buffer.alloc(shift), octets])
      .toString("base64")
      .replaceAll("=", "");
    return coded.slice(shift === 0 ? 0 : 4, -3);
  });
}

/** The octets as they are and as coded text may hide them. */
function* viewsOf(octets: Buffer): Generator<[string, string]> {
  const text = octets.toString("latin1");
  yield ["", text];
  const unfolded = text.replace(/[\r\n\t ]+/g, "");
  yield ["folded ", unfolded];
  if (text.includes("="))
    yield ["quoted-printable ", percentless(text.replace(/=[ \t]*\r?\n/g, ""), /=([0-9A-Fa-f]{2})/g)];
  if (text.includes("%")) yield ["URL ", percentless(unfolded, /%([0-9A-Fa-f]{2})/g)];
  for (const inner of compressedIn(octets)) yield ["compressed ", inner.toString("latin1")];
  for (const [run] of text.matchAll(/[A-Za-z0-9+/]{20,}={0,2}(?:\r?\n[A-Za-z0-9+/]+={0,2})*/g)) {
    if (!/^(?:H4sI|e[AFJN])/.test(run)) continue;
    for (const inner of compressedIn(Buffer.from(run, "base64")))
      yield ["compressed under base64 ", inner.toString("latin1")];
  }
}

function percentless(text: string, escaped: RegExp): string {
  return text.replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** LIMIT: what one compressed piece may become. */
const maxOutputLength = 16 * 1024 * 1024;

function* compressedIn(octets: Buffer): Generator<Buffer> {
  const options = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH };
  const attempt = (from: number, inflate: typeof inflateSync): Buffer | undefined => {
    try {
      return inflate(octets.subarray(from), options);
    } catch {
      return undefined;
    }
  };
  for (
    let at = octets.indexOf("\x1f\x8b\x08", 0, "latin1");
    at >= 0;
    at = octets.indexOf("\x1f\x8b\x08", at + 1, "latin1")
  ) {
    // Its deflate without the frame, for what follows is no gzip. Flag 8: a name stands before it.
    const named = ((octets[at + 3] ?? 0) & 8) !== 0;
    const inner = attempt(named ? octets.indexOf(0, at + 10) + 1 : at + 10, inflateRawSync);
    if (inner !== undefined) yield inner;
  }
  for (let at = octets.indexOf(0x78); at >= 0; at = octets.indexOf(0x78, at + 1)) {
    const next = octets[at + 1] ?? 0;
    if (![0x01, 0x5e, 0x9c, 0xda].includes(next)) continue;
    const inner = attempt(at, inflateSync);
    if (inner !== undefined) yield inner;
    // What follows zlib's two octets is deflate; alone it has no mark to be found by.
    else {
      const raw = attempt(at + 2, inflateRawSync);
      if (raw !== undefined && raw.length > 20) yield raw;
    }
  }
}
