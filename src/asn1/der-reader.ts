// DER in, from memory: a cursor over definite, minimal lengths. Whatever came as BER is turned into DER first
// (ber-input.ts, to-der.ts), so that every structure above is read by one strict reader.
import { concat, latin1Text } from "../bytes.ts";
import { asn1Error } from "./errors.ts";
import { maxDepth } from "./limits.ts";
import { decodeOid } from "./oid.ts";
import { constructedBit, stringTags, tag, tagName } from "./tag.ts";
import { parseTime } from "./time.ts";

export type BitString = { readonly octets: Uint8Array; readonly unusedBits: number };

/** Reads one level of DER. Every failure is an ASN1_ code with the offset in the octets first given. */
export class DerReader {
  readonly #octets: Uint8Array;
  readonly #end: number;
  readonly #base: number;
  #at: number;

  /** `base` is added to offsets in errors: where `octets` stood in the input a person can look at. */
  constructor(octets: Uint8Array, base: number = 0, start: number = 0, end: number = octets.length) {
    this.#octets = octets;
    this.#base = base;
    this.#at = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at === this.#end;
  }

  get offset(): number {
    return this.#base + this.#at;
  }

  /** Tag of the next element, -1 at the end. */
  get nextTag(): number {
    if (this.atEnd) return -1;
    const first = this.#octets[this.#at] as number;
    if ((first & 0x1f) === 0x1f) throw this.#malformed("tag numbers above 30 have no place here");
    return first & ~constructedBit;
  }

  nextIs(expected: number): boolean {
    return this.nextTag === expected;
  }

  /** The contents of the next element, which must have this tag and be primitive. */
  contents(expected: number): Uint8Array {
    if (this.#header(expected)) throw this.#malformed(`${tagName(expected)} must be primitive`);
    const { start, end } = this.#span;
    this.#at = end;
    return this.#octets.subarray(start, end);
  }

  /** The next element whole, tag and length included. */
  element(): Uint8Array {
    const from = this.#at;
    const constructed = this.#header(undefined);
    if (constructed && stringTags.has((this.#octets[from] as number) & ~constructedBit))
      throw this.#malformed("a string in segments");
    this.#at = this.#span.end;
    return this.#octets.subarray(from, this.#at);
  }

  /** A reader over the contents of the next element, which must have this tag and be constructed. */
  enter(expected: number): DerReader {
    const constructed = this.#header(expected);
    if (!constructed) throw this.#malformed(`${tagName(expected)} must be constructed`);
    const { start, end } = this.#span;
    this.#at = end;
    return new DerReader(this.#octets, this.#base, start, end);
  }

  sequence(): DerReader {
    return this.enter(tag.sequence);
  }

  /** `enter` where the tag fits, otherwise undefined and nothing is read. */
  optional(expected: number): DerReader | undefined {
    return this.nextTag === expected ? this.enter(expected) : undefined;
  }

  /** What is left at this level, as encoded. */
  rest(): Uint8Array {
    const octets = this.#octets.subarray(this.#at, this.#end);
    this.#at = this.#end;
    return octets;
  }

  /** Requires that nothing is left at this level. */
  end(what: string): void {
    if (!this.atEnd) throw this.#malformed(`unexpected element at the end of ${what}`);
  }

  oid(): string {
    const at = this.offset;
    return decodeOid(this.contents(tag.oid), at);
  }

  /** An OCTET STRING; segments of a constructed one, which BER allows under any implicit tag, are joined. */
  octetString(expected: number = tag.octetString): Uint8Array {
    const constructed = !this.atEnd && ((this.#octets[this.#at] as number) & constructedBit) !== 0;
    return constructed ? this.#joinSegments(expected, maxDepth) : this.contents(expected);
  }

  #joinSegments(expected: number, depth: number): Uint8Array {
    if (depth === 0) throw asn1Error("ASN1_LIMIT", "string segments nested too deep", this.offset);
    const segments = this.enter(expected);
    const pieces: Uint8Array[] = [];
    while (!segments.atEnd) {
      const nested = ((segments.#octets[segments.#at] as number) & constructedBit) !== 0;
      pieces.push(nested ? segments.#joinSegments(tag.octetString, depth - 1) : segments.contents(tag.octetString));
    }
    return concat(pieces);
  }

  bitString(expected: number = tag.bitString): BitString {
    const at = this.offset;
    const contents = this.contents(expected);
    const unusedBits = contents[0] ?? 8;
    if (unusedBits > 7 || (contents.length === 1 && unusedBits > 0))
      throw asn1Error("ASN1_MALFORMED", "bad BIT STRING", at);
    return { octets: contents.subarray(1), unusedBits };
  }

  /** The octets of an INTEGER, two's complement, at least one. */
  integerOctets(expected: number = tag.integer): Uint8Array {
    const at = this.offset;
    const octets = this.contents(expected);
    if (octets.length === 0) throw asn1Error("ASN1_MALFORMED", "INTEGER without octets", at);
    return octets;
  }

  /** A non-negative INTEGER below 2^47: versions, lengths, counts. */
  integer(expected: number = tag.integer): number {
    const at = this.offset;
    const octets = this.integerOctets(expected);
    if (octets.length > 6 || (octets[0] as number) >= 0x80)
      throw asn1Error("ASN1_MALFORMED", "INTEGER out of range", at);
    return octets.reduce((value, octet) => value * 0x100 + octet, 0);
  }

  boolean(expected: number = tag.boolean): boolean {
    const at = this.offset;
    const octets = this.contents(expected);
    if (octets.length !== 1) throw asn1Error("ASN1_MALFORMED", "bad BOOLEAN", at);
    return octets[0] !== 0;
  }

  time(): Date {
    const at = this.offset;
    const timeTag = this.nextTag;
    if (timeTag !== tag.utcTime && timeTag !== tag.generalizedTime) throw this.#malformed("a time was expected");
    const contents = this.contents(timeTag);
    const date = parseTime(timeTag, latin1Text(contents));
    if (date === undefined) throw asn1Error("ASN1_MALFORMED", "a time that RFC 5280 does not allow", at);
    return date;
  }

  // Set by #header: an object made anew for each element would cost more than the reading.
  readonly #span: { start: number; end: number } = { start: 0, end: 0 };

  #header(expected: number | undefined): boolean {
    const octets = this.#octets;
    const identifier = octets[this.#at];
    if (this.#at + 2 > this.#end || identifier === undefined) throw this.#truncated();
    if (expected !== undefined && (identifier & ~constructedBit) !== expected) {
      throw this.#malformed(`${tagName(expected)} was expected, found ${tagName(identifier & ~constructedBit)}`);
    }
    let at = this.#at + 1;
    if ((identifier & 0x1f) === 0x1f) at = this.#skipHighTag(at);
    let length = octets[at++] as number;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 6) throw this.#malformed("not a DER length");
      if (at + count > this.#end) throw this.#truncated();
      length = 0;
      for (const last = at + count; at < last; at++) length = length * 0x100 + (octets[at] as number);
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw this.#malformed("a length that is not minimal");
    }
    if (at + length > this.#end) throw this.#truncated();
    this.#span.start = at;
    this.#span.end = at + length;
    return (identifier & constructedBit) !== 0;
  }

  #skipHighTag(from: number): number {
    let at = from;
    while (at < this.#end && (this.#octets[at] as number) >= 0x80) at++;
    if (at + 1 >= this.#end) throw this.#truncated();
    return at + 1;
  }

  #malformed(message: string): Error {
    return asn1Error("ASN1_MALFORMED", message, this.offset);
  }

  #truncated(): Error {
    return asn1Error("ASN1_TRUNCATED", "the element is longer than what holds it", this.offset);
  }
}
