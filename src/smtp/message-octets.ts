// The octets of a message between DATA and its last dot (RFC 5321 4.5.2), both ways. Pure.
//
// Only CRLF.CRLF ends a message, and a CR or LF that stands alone is never accepted and never passed on: what one
// program reads as the end of a line another does not, and so one message becomes two (SMTP smuggling).
// Both walks hop from line end to line end with the string search of V8, which is the cheapest look at every line
// (10 MB in 3 ms; a loop over the octets 5 ms, two Buffer.indexOf a line 10 ms).

import { latin1Text, noOctets } from "../bytes.ts";
import { smtpError } from "./smtp-error.ts";

const dot = 0x2e;
const noBuffer = Buffer.alloc(0);
/** What follows the dot on the last line. */
const endOfMessage = "\r\n";
const none = Number.POSITIVE_INFINITY;
const dotOctets = Buffer.from(".");

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
    const text = latin1Text(octets);
    const kept = new Pieces(octets);
    let at = 0;
    let from = 0;
    let cr = nextIndex(text, "\r", 0);
    let lf = nextIndex(text, "\n", 0);
    this.#held = noBuffer;
    for (;;) {
      if (this.#atLineStart && octets[at] === dot) {
        kept.keep(from, at);
        const after = text.slice(at + 1, at + 3);
        if (endOfMessage.startsWith(after)) return this.#stopAt(kept, octets, at);
        from = at + 1;
      }
      if (cr < at) cr = nextIndex(text, "\r", at);
      if (lf < at) lf = nextIndex(text, "\n", at);
      if (cr === none && lf === none) break;
      this.#atLineStart = lf === cr + 1;
      if (cr === octets.length - 1 && lf === none) {
        kept.keep(from, cr);
        return this.#stopAt(kept, octets, cr);
      }
      if (!this.#atLineStart) this.bare = true;
      at = this.#atLineStart ? lf + 1 : Math.min(cr, lf) + 1;
    }
    if (at < octets.length) this.#atLineStart = false;
    kept.keep(from, octets.length);
    return kept.all();
  }

  /** At the end of the message, or where it may begin. */
  #stopAt(kept: Pieces, octets: Buffer, at: number): Uint8Array {
    if (octets.length - at > endOfMessage.length) this.rest = octets.subarray(at + 1 + endOfMessage.length);
    else this.#held = octets.subarray(at);
    return kept.all();
  }
}

/** Puts the dots on; throws where a CR or LF stands alone. */
export class DotWriter {
  #atLineStart = true;
  #afterCr = false;

  write(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return noOctets;
    const text = latin1Text(chunk);
    const kept = new Pieces(chunk);
    let from = 0;
    let at = 0;
    if (this.#afterCr) {
      if (text[0] !== "\n") throw bareLineEnd();
      this.#afterCr = false;
      this.#atLineStart = true;
      at = 1;
    }
    while (at < chunk.length) {
      if (this.#atLineStart && chunk[at] === dot) {
        kept.keep(from, at);
        kept.add(dotOctets);
        from = at;
      }
      this.#atLineStart = false;
      const cr = nextIndex(text, "\r", at);
      const lf = nextIndex(text, "\n", at);
      if (cr === none && lf === none) break;
      this.#afterCr = cr === chunk.length - 1 && lf === none;
      if (this.#afterCr) break;
      if (lf !== cr + 1) throw bareLineEnd();
      this.#atLineStart = true;
      at = lf + 1;
    }
    kept.keep(from, chunk.length);
    return kept.all();
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
    if (chunk.length === 0) return;
    const text = latin1Text(chunk);
    let at = 0;
    if (this.#afterCr) {
      if (text[0] === "\n") at = 1;
      else this.bare = true;
    }
    let cr = nextIndex(text, "\r", at);
    let lf = nextIndex(text, "\n", at);
    this.#atLineStart = at === chunk.length;
    this.#afterCr = false;
    while (cr !== none || lf !== none) {
      this.#afterCr = cr === chunk.length - 1 && lf === none;
      if (this.#afterCr) return;
      const paired = lf === cr + 1;
      if (!paired) this.bare = true;
      at = paired ? lf + 1 : Math.min(cr, lf) + 1;
      this.#atLineStart = paired && at === chunk.length;
      if (cr < at) cr = nextIndex(text, "\r", at);
      if (lf < at) lf = nextIndex(text, "\n", at);
    }
  }

  /** At the end: what the last line lacks. */
  end(): string {
    if (this.#afterCr) this.bare = true;
    return this.#atLineStart ? "" : "\r\n";
  }
}

/** Collects runs of one chunk; a chunk that is kept whole is not copied. */
class Pieces {
  readonly #chunk: Uint8Array;
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
  }

  keep(from: number, to: number): void {
    if (to > from) this.add(this.#chunk.subarray(from, to));
  }

  add(octets: Uint8Array): void {
    this.#pieces.push(octets);
    this.#size += octets.length;
  }

  all(): Uint8Array {
    return this.#pieces.length === 1 ? (this.#pieces[0] as Uint8Array) : Buffer.concat(this.#pieces, this.#size);
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
