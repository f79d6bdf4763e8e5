// The octets before and after streamed content: nested constructed elements around one string.
//
// Definite where the content's length is known beforehand, indefinite where it is not.
import { constructedBit, context, der, tag } from "../asn1.ts";
import type { ByteSink } from "../bytes.ts";

/** Identifier octets of a constructed element of indefinite length. */
const indefinite = 0x80;
const endOfContents: Uint8Array = Uint8Array.of(0, 0);

/** One element around the next: the fields that stand before and behind it. Frames are listed outermost first. */
export type Frame = {
  readonly identifier: number;
  readonly before?: readonly Uint8Array[];
  readonly after?: readonly Uint8Array[];
};

/** Header octets for definite frames around content of `length` octets, and what follows it. */
export function definiteFrame(
  frames: readonly Frame[],
  length: number,
): { readonly head: Uint8Array; readonly tail: Uint8Array } {
  const head: Uint8Array[] = [];
  const tail: Uint8Array[] = [];
  let inner = length;
  for (const { identifier, before = [], after = [] } of frames.toReversed()) {
    inner += size(before) + size(after);
    const header = der.header(identifier, inner);
    inner += header.length;
    head.unshift(header, ...before);
    tail.push(...after);
  }
  return { head: Buffer.concat(head), tail: Buffer.concat(tail) };
}

/** The same of indefinite length; `tail` is asked for when the content is complete. */
export function indefiniteHead(frames: readonly Frame[]): Uint8Array {
  return Buffer.concat(
    frames.flatMap(({ identifier, before = [] }) => [Uint8Array.of(identifier, indefinite), ...before]),
  );
}

export function indefiniteTail(frames: readonly Frame[]): Uint8Array {
  return Buffer.concat(frames.toReversed().flatMap(({ after = [] }) => [...after, endOfContents]));
}

/** Writes each chunk as one segment of a constructed OCTET STRING. */
export function writeSegment(next: ByteSink, chunk: Uint8Array): void {
  if (chunk.length === 0) return;
  next.write(der.header(tag.octetString, chunk.length));
  next.write(chunk);
}

export const sequenceIdentifier: number = tag.sequence | constructedBit;
export const explicitZero: number = context(0) | constructedBit;

function size(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
