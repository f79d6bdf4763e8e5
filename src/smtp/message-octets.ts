// The octets of a message between DATA and its last dot (RFC 5321 4.5.2), both ways. Pure.
//
// Only CRLF.CRLF ends a message, and a CR or LF that stands alone is never accepted and never passed on: what one
// program reads as the end of a line another does not, and so one message becomes two (SMTP smuggling).
// All walk from line end to line end. Where lines are long the string search of V8 finds the next one (10 MB in 3 ms);
// where they are short, as no honest mail's are for long, a look at each octet does (3 ns a line, a search costs 30).

import { asBuffer, latin1Text } from "../bytes.ts";
import { smtpError } from "./smtp-error.ts";

const dot = 0x2e;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const noBuffer = Buffer.alloc(0);
/** What follows the dot on the last line. */
const endOfMessage = "\r\n";
const none = Number.POSITIVE_INFINITY;

/** Takes the dots off and finds the end. */
export class DotReader {
  /** A CR or LF alone was met; the message must be refused, though its end is still looked for. */
  bare = false;
  /** Octets behind the end of the message, once it was met. */
  rest: Buffer | undefined;
  #held: Buffer = noBuffer;
  #atLineStart = true;

  /** The octets of the message in `chunk`. What may turn out to be the end is held back until more is known. */
  read(chunk: Buffer): Uint8Array {
    const octets = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const { length } = octets;
    const breaks = new Breaks(octets);
    const kept = new Kept(octets, length);
    this.#held = noBuffer;
    for (let at = 0; at < length; ) {
      if (this.#atLineStart && octets[at] === dot) {
        if (mayEndMessage(octets, at + 1)) return this.#stopAt(kept, octets, at);
        kept.leaveOut(at);
      }
      at = breaks.next(at);
      if (at === length) {
        this.#atLineStart = false;
        break;
      }
      if (octets[at] === carriageReturn && at + 1 === length) return this.#stopAt(kept, octets, at);
      this.#atLineStart = octets[at] === carriageReturn && octets[at + 1] === lineFeed;
      if (!this.#atLineStart) this.bare = true;
      at += this.#atLineStart ? 2 : 1;
    }
    return kept.all(length);
  }

  /** At the end of the message, or where it may begin. */
  #stopAt(kept: Kept, octets: Buffer, at: number): Uint8Array {
    if (octets.length - at > endOfMessage.length) this.rest = octets.subarray(at + 1 + endOfMessage.length);
    else this.#held = octets.subarray(at);
    return kept.all(at);
  }
}

/** Behind the dot: CRLF, or as much of it as there is. */
function mayEndMessage(octets: Buffer, at: number): boolean {
  if (at === octets.length) return true;
  if (octets[at] !== carriageReturn) return false;
  return at + 1 === octets.length || octets[at + 1] === lineFeed;
}

/** Puts the dots on; throws where a CR or LF stands alone. */
export class DotWriter {
  #atLineStart = true;
  #afterCr = false;

  write(chunk: Uint8Array): Uint8Array {
    const { length } = chunk;
    const breaks = new Breaks(chunk);
    // A line with a dot to double has three octets at least, but for the first and the last.
    const kept = new Kept(chunk, length + Math.ceil(length / 3) + 1);
    for (let at = 0; at < length; ) {
      if (this.#afterCr) {
        if (chunk[at] !== lineFeed) throw bareLineEnd();
        this.#afterCr = false;
        this.#atLineStart = true;
        at += 1;
        continue;
      }
      if (this.#atLineStart && chunk[at] === dot) kept.addDot(at);
      at = breaks.next(at);
      this.#atLineStart = false;
      if (at === length) break;
      if (chunk[at] !== carriageReturn) throw bareLineEnd();
      this.#afterCr = true;
      at += 1;
    }
    return kept.all(length);
  }

  /** The line end that the last line may lack, and the dot that ends the message. */
  end(): Uint8Array {
    if (this.#afterCr) throw bareLineEnd();
    return Buffer.from(this.#atLineStart ? ".\r\n" : "\r\n.\r\n");
  }
}

/** Watches lines that nobody ends with a dot. */
export class LineEnds {
  /** A CR or LF alone was met. */
  bare = false;
  #afterCr = false;
  /** An empty message lacks no line end. */
  #atLineStart = true;

  look(chunk: Uint8Array): void {
    const breaks = new Breaks(chunk);
    for (let at = 0; at < chunk.length; at += 1) {
      this.#atLineStart = this.#afterCr && chunk[at] === lineFeed;
      if (this.#afterCr && !this.#atLineStart) this.bare = true;
      this.#afterCr = false;
      if (this.#atLineStart) continue;
      at = breaks.next(at);
      if (chunk[at] === lineFeed) this.bare = true;
      this.#afterCr = chunk[at] === carriageReturn;
    }
  }

  /** At the end: what the last line lacks. */
  end(): string {
    if (this.#afterCr) this.bare = true;
    return this.#atLineStart ? "" : "\r\n";
  }
}

/** LIMIT: how many octets are looked at one by one before a search is worth its call. */
const shortLine = 40;

/** Finds the next CR or LF in one chunk, whichever comes first. */
class Breaks {
  readonly #octets: Uint8Array;
  #text: string | undefined;
  #cr = -1;
  #lf = -1;
  #reach = shortLine;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** Its place, or the chunk's length. */
  next(from: number): number {
    const octets = this.#octets;
    const near = Math.min(from + this.#reach, octets.length);
    for (let at = from; at < near; at++) {
      const octet = octets[at];
      if (octet === carriageReturn || octet === lineFeed) return at;
    }
    return near === octets.length ? near : this.#search(from, near);
  }

  /** Lines are as long as the one before, more or less. */
  #search(from: number, near: number): number {
    this.#text ??= latin1Text(this.#octets);
    if (this.#cr < near) this.#cr = nextIndex(this.#text, "\r", near);
    if (this.#lf < near) this.#lf = nextIndex(this.#text, "\n", near);
    const at = Math.min(this.#cr, this.#lf, this.#octets.length);
    this.#reach = at - from < shortLine ? shortLine : 0;
    return at;
  }
}

/** The octets of one chunk with some left out or added; a chunk that stays as it is is not copied. */
class Kept {
  readonly #chunk: Uint8Array;
  readonly #room: number;
  #copy: Buffer | undefined;
  #size = 0;
  /** From here on the chunk is not yet copied. */
  #from = 0;

  constructor(chunk: Uint8Array, room: number) {
    this.#chunk = chunk;
    this.#room = room;
  }

  leaveOut(at: number): void {
    if (at > this.#from || this.#copy !== undefined) this.#copyTo(at);
    this.#from = at + 1;
  }

  addDot(at: number): void {
    const copy = this.#copyTo(at);
    copy[this.#size] = dot;
    this.#size += 1;
  }

  all(to: number): Uint8Array {
    if (this.#copy === undefined) return this.#chunk.subarray(this.#from, to);
    return this.#copyTo(to).subarray(0, this.#size);
  }

  #copyTo(to: number): Buffer {
    const chunk = this.#chunk;
    this.#copy ??= Buffer.allocUnsafe(this.#room);
    const copy = this.#copy;
    let size = this.#size;
    if (to - this.#from < shortLine) for (let at = this.#from; at < to; at++) copy[size++] = chunk[at] as number;
    else size += asBuffer(chunk).copy(copy, size, this.#from, to);
    this.#size = size;
    this.#from = to;
    return copy;
  }
}

function nextIndex(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at === -1 ? none : at;
}

function bareLineEnd(): Error {
  return smtpError(
    "SMTP_BARE_LINE_END",
    "permanent",
    "a CR or LF stands alone and would be read differently elsewhere",
  );
}
