// BER in, streaming, under any chunking: a coroutine. Each method is a generator that yields where it needs more
// octets, so that a parser reads like the RFC's ASN.1, whether the message is in memory or on its way.
//
//   const input = new BerInput();
//   const steps = readSomething(input);           // Steps<T>
//   input.push(chunk); steps.next(); ... input.end(); steps.next()
import { noOctets } from "../bytes.ts";
import { asn1Error } from "./errors.ts";
import { maxDepth, maxElementOctets, maxNodes } from "./limits.ts";
import { constructedBit, tag, tagName } from "./tag.ts";
import { type BerHeader, berHeader } from "./to-der.ts";

/** Yields whenever more octets are needed; returns what was read. */
export type Steps<Result> = Generator<void, Result, void>;

export type Encoding = "DER" | "BER" | "BER-indefinite";

// Segments shorter than this are gathered: a cipher call costs more than the copy (bench/RESULTS.md).
const gatherBelow = 16 * 1024;
const gatherSize = 64 * 1024;

export class BerInput {
  #octets: Uint8Array = noOctets;
  #at = 0;
  #filled = 0;
  #owned = false;
  #consumed = 0;
  #ended = false;
  #nodes = 0;
  // One entry for each open container: where it must have ended at the latest, and whether an end-of-contents ends it.
  readonly #ends: number[] = [];
  readonly #indefinite: boolean[] = [];
  #encoding: Encoding = "DER";

  /** Octets consumed so far. */
  get offset(): number {
    return this.#consumed;
  }

  /** The loosest encoding met so far. */
  get encoding(): Encoding {
    return this.#encoding;
  }

  push(chunk: Uint8Array): void {
    const left = this.#filled - this.#at;
    if (left === 0) {
      this.#octets = chunk;
      this.#at = 0;
      this.#filled = chunk.length;
      this.#owned = false;
      return;
    }
    if (!this.#owned || this.#octets.length < this.#filled + chunk.length) this.#grow(left + chunk.length, left);
    this.#octets.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  end(): void {
    this.#ended = true;
  }

  /** Octets pushed and not yet read; they stay readable only until the next push. */
  get unread(): Uint8Array {
    return this.#octets.subarray(this.#at, this.#filled);
  }

  /** Tag of the next element, or -1 where the open container ends (or, outside of any, the input). */
  *peek(): Steps<number> {
    if (this.#atDefiniteEnd()) return -1;
    if (this.#ends.length === 0) {
      while (this.#at === this.#filled && !this.#ended) yield;
      if (this.#at === this.#filled) return -1;
    }
    const header = this.#tryHeader(0) ?? (yield* this.#header());
    if (header.tag !== tag.endOfContents) return header.tag;
    if (this.#indefinite.at(-1) !== true) throw this.#malformed("end-of-contents in a definite element");
    return -1;
  }

  /** Opens the next element, which must be constructed and have this tag. */
  *enter(expected: number): Steps<void> {
    this.#requireElement(expected);
    const header = this.#tryHeader(0) ?? (yield* this.#header());
    this.#expect(header, expected);
    this.#open(header, expected);
  }

  /** Closes the container opened last; nothing may be left in it. */
  *leave(): Steps<void> {
    if (!this.#atDefiniteEnd() && (yield* this.peek()) !== -1)
      throw this.#malformed("unexpected element before the end");
    this.#close();
  }

  /** The next element whole, as it came. */
  *element(maxOctets: number = maxElementOctets): Steps<Uint8Array> {
    if (this.#atDefiniteEnd()) throw this.#malformed("an element is missing");
    let length = 0;
    let open = 0;
    do {
      const header = this.#tryHeader(length) ?? (yield* this.#header(length));
      this.#count();
      const contentAt = header.contentStart - this.#at;
      if (header.tag === tag.endOfContents) {
        if (open-- === 0) throw this.#malformed("end-of-contents in a definite element");
        length = contentAt;
      } else if (header.length < 0) {
        if (++open > maxDepth) throw asn1Error("ASN1_LIMIT", `nested deeper than ${maxDepth}`, this.#consumed);
        length = contentAt;
      } else length = contentAt + header.length;
      if (length > maxOctets)
        throw asn1Error("ASN1_LIMIT", `an element of more than ${maxOctets} octets`, this.#consumed);
      this.#requireRoom(length);
    } while (open > 0);
    while (this.#filled - this.#at < length) yield* this.#more();
    return this.#take(length);
  }

  /** The contents of the next OCTET STRING (or of one under an implicit tag), streamed in the order they come. */
  *octetString(expected: number, take: (chunk: Uint8Array) => void): Steps<void> {
    this.#requireElement(expected);
    const header = this.#tryHeader(0) ?? (yield* this.#header());
    this.#expect(header, expected);
    if ((header.identifier & constructedBit) === 0) {
      this.#advance(header.contentStart - this.#at);
      yield* this.#contents(header.length, take);
      return;
    }
    const gather = new Gather(take);
    const outside = this.#ends.length;
    this.#open(header, expected);
    if (this.#encoding === "DER") this.#encoding = "BER";
    while (this.#ends.length > outside) {
      if (this.#atDefiniteEnd()) {
        this.#close();
        continue;
      }
      const segment = this.#tryHeader(0) ?? (yield* this.#header());
      if (segment.tag === tag.endOfContents && this.#indefinite.at(-1) === true) this.#close();
      else if (segment.tag !== tag.octetString)
        throw this.#malformed(`a string segment of type ${tagName(segment.tag)}`);
      else if ((segment.identifier & constructedBit) !== 0) this.#open(segment, tag.octetString);
      else {
        this.#requireRoom(segment.contentStart - this.#at + segment.length);
        this.#advance(segment.contentStart - this.#at);
        yield* this.#contents(segment.length, (chunk) => gather.write(chunk));
      }
    }
    gather.flush();
  }

  *#contents(length: number, take: (chunk: Uint8Array) => void): Steps<void> {
    for (let left = length; left > 0; ) {
      if (this.#at === this.#filled) {
        yield* this.#more();
        continue;
      }
      const chunk = this.#take(Math.min(left, this.#filled - this.#at));
      left -= chunk.length;
      take(chunk);
    }
  }

  /** Waits for a header. Whoever wants one looks first whether it is there already: a generator costs more than a look. */
  *#header(ahead: number = 0): Steps<BerHeader> {
    for (;;) {
      yield* this.#more();
      const header = this.#tryHeader(ahead);
      if (header !== undefined) return header;
    }
  }

  #requireElement(expected: number): void {
    if (this.#atDefiniteEnd()) throw this.#malformed(`${tagName(expected)} is missing`);
  }

  #expect(header: BerHeader, expected: number): void {
    if (header.tag !== expected)
      throw this.#malformed(`${tagName(expected)} was expected, found ${tagName(header.tag)}`);
    this.#count();
    if (header.length >= 0) this.#requireRoom(header.contentStart - this.#at + header.length);
  }

  *#more(): Steps<void> {
    if (this.#ended)
      throw asn1Error(
        "ASN1_TRUNCATED",
        "the octets end before the structure does",
        this.#consumed + (this.#filled - this.#at),
      );
    yield;
  }

  #tryHeader(ahead: number): BerHeader | undefined {
    const from = this.#at + ahead;
    if (from > this.#filled) return undefined;
    let header: BerHeader | undefined;
    try {
      header = berHeader(this.#octets, from, this.#filled);
    } catch (error) {
      throw this.#malformed((error as Error).message.replace(/ \(offset \d+\)$/, ""));
    }
    if (header === undefined) return undefined;
    if (header.length < 0) this.#encoding = "BER-indefinite";
    else if (!header.minimal && this.#encoding === "DER") this.#encoding = "BER";
    return header;
  }

  #open(header: BerHeader, expected: number): void {
    if ((header.identifier & constructedBit) === 0) throw this.#malformed(`${tagName(expected)} must be constructed`);
    if (this.#ends.length >= maxDepth) throw asn1Error("ASN1_LIMIT", `nested deeper than ${maxDepth}`, this.#consumed);
    const limit = this.#ends.at(-1) ?? Number.POSITIVE_INFINITY;
    const headerLength = header.contentStart - this.#at;
    const end = header.length < 0 ? limit : this.#consumed + headerLength + header.length;
    if (end > limit) throw this.#malformed("the element is longer than what holds it");
    this.#advance(headerLength);
    this.#ends.push(end);
    this.#indefinite.push(header.length < 0);
  }

  #close(): void {
    this.#ends.pop();
    if (this.#indefinite.pop() === true) this.#advance(2);
  }

  #atDefiniteEnd(): boolean {
    return this.#indefinite.at(-1) === false && this.#consumed === this.#ends.at(-1);
  }

  #requireRoom(length: number): void {
    const limit = this.#ends.at(-1);
    if (limit !== undefined && this.#consumed + length > limit)
      throw this.#malformed("the element is longer than what holds it");
  }

  #count(): void {
    if (++this.#nodes > maxNodes) throw asn1Error("ASN1_LIMIT", `more than ${maxNodes} elements`, this.#consumed);
  }

  #take(length: number): Uint8Array {
    const octets = this.#octets.subarray(this.#at, this.#at + length);
    this.#advance(length);
    return octets;
  }

  #advance(length: number): void {
    this.#at += length;
    this.#consumed += length;
  }

  // Doubling keeps the time linear where octets come one by one.
  #grow(needed: number, left: number): void {
    const roomier = new Uint8Array(Math.max(2 * needed, 4096));
    roomier.set(this.unread);
    this.#octets = roomier;
    this.#at = 0;
    this.#filled = left;
    this.#owned = true;
  }

  #malformed(message: string): Error {
    return asn1Error("ASN1_MALFORMED", message, this.#consumed);
  }
}

/** Joins short segments into chunks that are worth a call. */
class Gather {
  readonly #take: (chunk: Uint8Array) => void;
  #octets: Uint8Array = noOctets;
  #filled = 0;

  constructor(take: (chunk: Uint8Array) => void) {
    this.#take = take;
  }

  write(chunk: Uint8Array): void {
    if (chunk.length >= gatherBelow) {
      this.flush();
      this.#take(chunk);
      return;
    }
    if (this.#filled + chunk.length > this.#octets.length) {
      this.flush();
      this.#octets = Buffer.allocUnsafe(gatherSize);
    }
    this.#octets.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  flush(): void {
    if (this.#filled > 0) this.#take(this.#octets.subarray(0, this.#filled));
    this.#octets = this.#octets.subarray(this.#filled);
    this.#filled = 0;
  }
}
