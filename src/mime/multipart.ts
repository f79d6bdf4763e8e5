// Multipart bodies as spans of the octets that came (RFC 2046, 5.1). Floor 1, see ../mime.ts.
//
// A part runs from behind its delimiter line to before the CRLF of the next one: these octets are what a signature
// covers (security.md A37). Every octet of the body comes out in exactly one event, so that whoever joins the events
// has the body again.

import { asBuffer, type ByteSource, latin1, noOctets } from "../bytes.ts";
import { overLimit } from "./mime-error.ts";

export type MultipartEvent =
  | { readonly kind: "preamble" | "epilogue"; readonly chunk: Uint8Array }
  /** A piece of a part; parts count from 0, and a part may have no piece at all. */
  | { readonly kind: "part"; readonly index: number; readonly chunk: Uint8Array }
  /** The line that opens part `index`, with the CRLF before it. */
  | { readonly kind: "delimiter"; readonly index: number; readonly chunk: Uint8Array }
  | { readonly kind: "close"; readonly chunk: Uint8Array }
  /** Where other readers may see other parts (security.md A36): whoever needs certainty stops here. */
  | { readonly kind: "problem"; readonly what: string };

// LIMIT: house.md 5.
export const maxParts = 1000;

// LIMIT: blanks behind a boundary are transport padding; more than a line's worth is not what transport adds.
const maxTail = 100;

const cr = 0x0d;
const lf = 0x0a;

/**
 * Reads a multipart body as it streams by.
 *
 * A delimiter is a whole line: CRLF, "--", the boundary, for the last one "--", blanks, CRLF. RFC 2046, 5.1.2 also lets
 * a reader take any line that begins like one, and many take lines behind a bare LF; such lines are content here and
 * named as problems.
 */
export async function* readMultipart(body: ByteSource, boundary: string): AsyncGenerator<MultipartEvent> {
  const events: MultipartEvent[] = [];
  const scan = new MultipartScan(boundary, (event) => events.push(event));
  for await (const chunk of body) {
    scan.update(chunk);
    for (const event of events.splice(0)) yield event;
  }
  scan.final();
  for (const event of events) yield event;
}

/** As `readMultipart`, for who has not to wait over an event. */
export async function scanMultipart(
  body: ByteSource,
  boundary: string,
  give: (event: MultipartEvent) => void,
): Promise<void> {
  const scan = new MultipartScan(boundary, give);
  for await (const chunk of body) scan.update(chunk);
  scan.final();
}

/**
 * Each part of `readMultipart` as a source of its own, to be read in turn; what is left of one unread is passed over.
 * Preamble and epilogue are dropped.
 */
export async function* readParts(
  events: AsyncGenerator<MultipartEvent>,
  notice: (problem: string) => void,
): AsyncGenerator<ByteSource> {
  const next = async (): Promise<IteratorResult<MultipartEvent>> => {
    for (;;) {
      const result = await events.next();
      if (result.done || result.value.kind !== "problem") return result;
      notice(result.value.what);
    }
  };
  let event = await next();
  async function* restOfPart(): AsyncGenerator<Uint8Array> {
    for (; !event.done && event.value.kind === "part"; event = await next()) yield event.value.chunk;
  }
  try {
    while (!event.done) {
      const { kind } = event.value;
      event = await next();
      if (kind !== "delimiter") continue;
      yield restOfPart();
      while (!event.done && event.value.kind === "part") event = await next();
    }
  } finally {
    await events.return(undefined);
  }
}

/** The lines between parts, to be written around them: `first`, part, `next`, part, ..., `close`. */
export function formatDelimiters(boundary: string): { first: Uint8Array; next: Uint8Array; close: Uint8Array } {
  return {
    first: latin1(`--${boundary}\r\n`),
    next: latin1(`\r\n--${boundary}\r\n`),
    close: latin1(`\r\n--${boundary}--\r\n`),
  };
}

/** "=_" stands in neither base64 nor quoted-printable, and 16 random octets in nothing else. */
export function formatBoundary(random: Uint8Array): string {
  return `=_${Buffer.from(random).toString("hex")}`;
}

class MultipartScan {
  readonly #give: (event: MultipartEvent) => void;
  readonly #dashed: Buffer;
  readonly #problems = new Set<string>();
  #held: Uint8Array = noOctets; // what may be the beginning of a delimiter
  #atLineStart = true; // whether `held` and what follows begin a line: at the body's start and behind a delimiter
  #part = -1;
  #closed = false;

  constructor(boundary: string, give: (event: MultipartEvent) => void) {
    this.#give = give;
    this.#dashed = Buffer.from(`--${boundary}`);
  }

  update(chunk: Uint8Array): void {
    this.#judge(this.#held.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#held, chunk]), false);
  }

  final(): void {
    this.#judge(asBuffer(this.#held), true);
    if (!this.#closed) this.#problem("multipart without its close delimiter");
  }

  /** Gives events for all that can be judged and holds the rest. */
  #judge(octets: Buffer, complete: boolean): void {
    const dashed = this.#dashed;
    let from = 0;
    let lineStart = this.#atLineStart ? 0 : -1;
    let end = octets.length;
    for (let at = octets.indexOf(dashed); at !== -1; at = octets.indexOf(dashed, at + 1)) {
      const found = lineAt(octets, at, dashed.length, { from, lineStart, complete });
      if (found.kind === "unfinished") {
        end = found.from;
        break;
      }
      if (found.kind === "problem") this.#problem(found.what);
      if (found.kind !== "delimiter" && found.kind !== "close") continue;
      this.#content(octets.subarray(from, found.from));
      this.#line(found.kind, octets.subarray(found.from, found.to));
      from = found.to;
      lineStart = from;
      at = from - 1;
    }
    if (!complete && end === octets.length) end = beginningAt(octets, dashed, from, lineStart);
    this.#content(octets.subarray(from, end));
    this.#atLineStart = lineStart === end;
    this.#held = octets.subarray(end);
  }

  #line(kind: "delimiter" | "close", chunk: Uint8Array): void {
    if (this.#closed) {
      this.#problem("boundary behind the close delimiter");
      this.#content(chunk);
    } else if (kind === "close") {
      if (this.#part === -1) this.#problem("multipart closed before its first part");
      this.#closed = true;
      this.#give({ kind, chunk });
    } else {
      this.#part++;
      if (this.#part === maxParts) throw overLimit(`more than ${maxParts} parts in a multipart`);
      this.#give({ kind, index: this.#part, chunk });
    }
  }

  #content(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#closed) this.#give({ kind: "epilogue", chunk });
    else if (this.#part === -1) this.#give({ kind: "preamble", chunk });
    else this.#give({ kind: "part", index: this.#part, chunk });
  }

  #problem(what: string): void {
    if (!this.#problems.has(what)) this.#give({ kind: "problem", what });
    this.#problems.add(what);
  }
}

type Line =
  | { readonly kind: "delimiter" | "close"; readonly from: number; readonly to: number }
  | { readonly kind: "unfinished"; readonly from: number }
  | { readonly kind: "problem"; readonly what: string }
  | { readonly kind: "text" };

type Around = { readonly from: number; readonly lineStart: number; readonly complete: boolean };

const wholeTail = /^(--)?[ \t]*(?:\r\n|$)/;
const tailSoFar = /^(?:-|(?:--)?[ \t]*\r?)$/;

/** What the dashed boundary found at `at` is part of. */
function lineAt(octets: Buffer, at: number, size: number, { from, lineStart, complete }: Around): Line {
  const behindLf = at > from && octets[at - 1] === lf;
  const behindCrlf = behindLf && at - 1 > from && octets[at - 2] === cr;
  if (at !== lineStart && !behindCrlf) {
    const behindOne = behindLf || (at > from && octets[at - 1] === cr);
    return behindOne ? { kind: "problem", what: "boundary behind a bare CR or LF" } : { kind: "text" };
  }
  const start = behindCrlf ? at - 2 : at;
  const tail = octets.toString("latin1", at + size, at + size + maxTail);
  if (!complete && tail.length < maxTail && tailSoFar.test(tail)) return { kind: "unfinished", from: start };
  const whole = wholeTail.exec(tail);
  if (whole === null || whole[0].length === maxTail)
    return { kind: "problem", what: "line that begins like the boundary" };
  return { kind: whole[1] === undefined ? "delimiter" : "close", from: start, to: at + size + whole[0].length };
}

/** Where, at the end of these octets, a delimiter may have begun that the next ones go on with; else their end. */
function beginningAt(octets: Buffer, dashed: Buffer, from: number, lineStart: number): number {
  for (let at = Math.max(from, octets.length - dashed.length - 1); at < octets.length; at++) {
    const isCr = octets[at] === cr;
    if (!isCr && octets[at] !== lf && at !== lineStart) continue;
    let text = at;
    if (isCr) text++;
    if (octets[text] === lf) text++;
    const begun = octets.subarray(text);
    if (begun.equals(dashed.subarray(0, begun.length))) return at;
  }
  return octets.length;
}
