// BER in memory to DER: definite minimal lengths, strings in one piece. The order of a SET stays as it came:
// sorting would quietly repair, and so accept, what a signer did not sign.
import { concat } from "../bytes.ts";
import { header as derHeader } from "./der-writer.ts";
import { asn1Error } from "./errors.ts";
import { maxDepth, maxNodes } from "./limits.ts";
import { constructedBit, stringTags, tag } from "./tag.ts";

/** One BER element: where its contents and it end, as offsets into the octets it stands in. */
export type BerSpan = {
  readonly identifier: number;
  readonly contentStart: number;
  readonly contentEnd: number;
  readonly end: number;
};

/** The DER form of BER octets (one or more elements); the same array where nothing had to change. */
export function toDer(octets: Uint8Array): Uint8Array {
  return isDer(octets, { at: 0, nodes: 0 }, octets.length, maxDepth) ? octets : convert(octets, { nodes: 0 }, maxDepth);
}

/** The elements that stand next to each other in `octets`. */
export function berElements(octets: Uint8Array): BerSpan[] {
  const spans: BerSpan[] = [];
  const budget = { nodes: 0 };
  for (let at = 0; at < octets.length; at = (spans.at(-1) as BerSpan).end)
    spans.push(spanAt(octets, at, budget, maxDepth));
  return spans;
}

type Budget = { nodes: number };

type Walk = { at: number; nodes: number };

/** Whether nothing would change: so it is with nearly all octets, and seen at a tenth of the cost of converting. */
function isDer(octets: Uint8Array, walk: Walk, end: number, depth: number): boolean {
  while (walk.at < end) {
    const identifier = octets[walk.at++] as number;
    const length = derLength(octets, walk);
    if (length < 0 || walk.at + length > end || (identifier & 0x1f) === 0x1f || ++walk.nodes > maxNodes) return false;
    if ((identifier & constructedBit) === 0) walk.at += length;
    else if (depth === 1 || stringTags.has(identifier & ~constructedBit)) return false;
    else if (!isDer(octets, walk, walk.at + length, depth - 1)) return false;
  }
  return true;
}

/** The length at the place of the walk, which moves behind it; -1 where it is none of DER's. */
function derLength(octets: Uint8Array, walk: Walk): number {
  const first = octets[walk.at++] ?? 0x80;
  if (first < 0x80) return first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) return -1;
  let length = 0;
  for (let left = count; left > 0; left--) length = length * 0x100 + (octets[walk.at++] ?? 0);
  return length < 0x80 || length < 2 ** (8 * (count - 1)) ? -1 : length;
}

function convert(octets: Uint8Array, budget: Budget, depth: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let changed = false;
  for (let at = 0; at < octets.length; ) {
    const span = spanAt(octets, at, budget, depth);
    const whole = octets.subarray(at, span.end);
    const der = convertOne(octets, span, whole, budget, depth);
    changed ||= der !== whole;
    pieces.push(der);
    at = span.end;
  }
  return changed ? concat(pieces) : octets;
}

function convertOne(octets: Uint8Array, span: BerSpan, whole: Uint8Array, budget: Budget, depth: number): Uint8Array {
  const contents = octets.subarray(span.contentStart, span.contentEnd);
  const constructed = (span.identifier & constructedBit) !== 0;
  const inner = constructed ? convert(contents, budget, depth - 1) : contents;
  const string = constructed ? joined(span.identifier & ~constructedBit, inner) : undefined;
  const identifier = string === undefined ? span.identifier : span.identifier & ~constructedBit;
  const result = string ?? inner;
  const header = derHeader(identifier, result.length);
  const unchanged =
    result === contents &&
    span.end === span.contentEnd &&
    header.length === span.contentStart - (span.end - whole.length);
  return unchanged ? whole : concat([header, result]);
}

/** Segments (already DER) of a constructed universal string as its contents, undefined for everything else. */
function joined(stringTag: number, segments: Uint8Array): Uint8Array | undefined {
  if (!stringTags.has(stringTag)) return undefined;
  const spans = berElements(segments);
  // Character strings and times are cut like the OCTET STRING that they are under their tag (X.690, 8.23 and 8.25).
  const segmentTag = stringTag === tag.bitString ? tag.bitString : tag.octetString;
  if (spans.some(({ identifier }) => identifier !== segmentTag)) {
    throw asn1Error("ASN1_MALFORMED", "a string segment of another type", 0);
  }
  const pieces = spans.map(({ contentStart, contentEnd }) => segments.subarray(contentStart, contentEnd));
  if (stringTag !== tag.bitString) return concat(pieces);
  // Only the last segment of a BIT STRING may leave bits unused.
  if (pieces.slice(0, -1).some((piece) => piece[0] !== 0))
    throw asn1Error("ASN1_MALFORMED", "unused bits in mid-string", 0);
  return concat([(pieces.at(-1) ?? Uint8Array.of(0)).subarray(0, 1), ...pieces.map((piece) => piece.subarray(1))]);
}

function spanAt(octets: Uint8Array, at: number, budget: Budget, depth: number): BerSpan {
  if (depth === 0) throw asn1Error("ASN1_LIMIT", `nested deeper than ${maxDepth}`, at);
  if (++budget.nodes > maxNodes) throw asn1Error("ASN1_LIMIT", `more than ${maxNodes} elements`, at);
  const header = berHeader(octets, at, octets.length);
  if (header === undefined) throw asn1Error("ASN1_TRUNCATED", "the element is cut off", at);
  const { identifier, contentStart, length } = header;
  if (length >= 0) {
    if (contentStart + length > octets.length)
      throw asn1Error("ASN1_TRUNCATED", "the element is longer than what holds it", at);
    return { identifier, contentStart, contentEnd: contentStart + length, end: contentStart + length };
  }
  let inner = contentStart;
  while (!(octets[inner] === 0 && octets[inner + 1] === 0)) inner = spanAt(octets, inner, budget, depth - 1).end;
  return { identifier, contentStart, contentEnd: inner, end: inner + 2 };
}

/** `length` is -1 for the indefinite form; `minimal` is false where DER would write the length otherwise. */
export type BerHeader = {
  readonly identifier: number;
  readonly tag: number;
  readonly contentStart: number;
  readonly length: number;
  readonly minimal: boolean;
};

/** The tag and length at `at`, or undefined where `end` comes first. An end-of-contents has tag 0 and length 0. */
export function berHeader(octets: Uint8Array, start: number, end: number): BerHeader | undefined {
  if (start + 2 > end) return undefined;
  const identifier = octets[start] as number;
  const low = identifier & ~constructedBit;
  if ((identifier & 0x1f) !== 0x1f) return readLength(octets, start, start + 1, end, low);
  const tagEnd = highTagEnd(octets, start + 1, end);
  if (tagEnd === undefined || tagEnd >= end) return undefined;
  let number = 0;
  for (let at = start + 1; at < tagEnd; at++) number = number * 0x80 + ((octets[at] as number) & 0x7f);
  return readLength(octets, start, tagEnd, end, low | (number << 8));
}

function highTagEnd(octets: Uint8Array, start: number, end: number): number | undefined {
  for (let at = start; at < end; at++) {
    if ((octets[at] as number) < 0x80) return at + 1;
    if (at - start > 1) throw asn1Error("ASN1_LIMIT", "tag number too large", start);
  }
  return undefined;
}

function readLength(
  octets: Uint8Array,
  start: number,
  from: number,
  end: number,
  fullTag: number,
): BerHeader | undefined {
  const identifier = octets[start] as number;
  const first = octets[from] as number;
  const contentStart = from + 1;
  if (identifier === 0 && first !== 0) throw asn1Error("ASN1_MALFORMED", "end-of-contents with contents", start);
  if (first < 0x80) return { identifier, tag: fullTag, contentStart, length: first, minimal: true };
  if (first === 0xff) throw asn1Error("ASN1_MALFORMED", "reserved length octet", start);
  if (first === 0x80) {
    const primitive = (identifier & constructedBit) === 0;
    if (primitive) throw asn1Error("ASN1_MALFORMED", "a primitive element of indefinite length", start);
    return { identifier, tag: fullTag, contentStart, length: -1, minimal: false };
  }
  const count = first & 0x7f;
  if (contentStart + count > end) return undefined;
  let length = 0;
  for (let at = contentStart; at < contentStart + count; at++) {
    length = length * 0x100 + (octets[at] as number);
    if (length > Number.MAX_SAFE_INTEGER) throw asn1Error("ASN1_LIMIT", "length too large", start);
  }
  const minimal = octets[contentStart] !== 0 && (count > 1 || length >= 0x80);
  return { identifier, tag: fullTag, contentStart: contentStart + count, length, minimal };
}
