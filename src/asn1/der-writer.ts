// DER out: each function gives one whole element. Small structures only; content is streamed around them.
import { copyOf } from "../bytes.ts";
import { encodeOid } from "./oid.ts";
import { constructedBit, context, tag } from "./tag.ts";
import { formatTime } from "./time.ts";

/** Tag and length octets for contents of `length` octets. `identifier` is the identifier octet, constructed bit included. */
export function header(identifier: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(identifier, length);
  if (length < 0x100) return Uint8Array.of(identifier, 0x81, length);
  if (length < 0x1_0000) return Uint8Array.of(identifier, 0x82, length >>> 8, length & 0xff);
  const octets: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 0x100)) octets.unshift(left % 0x100);
  return Uint8Array.of(identifier, 0x80 | octets.length, ...octets);
}

/** One element from its identifier octet and the pieces of its contents. */
export function element(identifier: number, ...pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const start = header(identifier, length);
  const whole = Buffer.allocUnsafe(start.length + length);
  whole.set(start);
  let at = start.length;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export function sequence(...elements: readonly Uint8Array[]): Uint8Array {
  return element(tag.sequence | constructedBit, ...elements);
}

/** SET OF: sorted by encoding, as DER asks (X.690, 11.6). */
export function setOf(...elements: readonly Uint8Array[]): Uint8Array {
  return element(tag.set | constructedBit, ...elements.toSorted(Buffer.compare));
}

/** [number] EXPLICIT. */
export function explicit(number: number, ...elements: readonly Uint8Array[]): Uint8Array {
  return element(context(number) | constructedBit, ...elements);
}

/** [number] IMPLICIT over an element that this program wrote: same contents, other tag. */
export function implicit(number: number, of: Uint8Array): Uint8Array {
  const octets = copyOf(of);
  octets[0] = context(number) | ((of[0] as number) & constructedBit);
  return octets;
}

export function oid(dotted: string): Uint8Array {
  return element(tag.oid, encodeOid(dotted));
}

export function octetString(octets: Uint8Array): Uint8Array {
  return element(tag.octetString, octets);
}

export function bitString(octets: Uint8Array, unusedBits: number = 0): Uint8Array {
  return element(tag.bitString, Uint8Array.of(unusedBits), octets);
}

/** A non-negative INTEGER below 2^31. */
export function integer(value: number): Uint8Array {
  const octets = [value & 0xff];
  for (let left = value >>> 8; left > 0; left >>>= 8) octets.unshift(left & 0xff);
  if ((octets[0] as number) >= 0x80) octets.unshift(0);
  return Uint8Array.of(tag.integer, octets.length, ...octets);
}

/** A non-negative INTEGER from its magnitude, big-endian. */
export function unsignedInteger(magnitude: Uint8Array): Uint8Array {
  const first = magnitude.findIndex((octet) => octet !== 0);
  if (first < 0) return integer(0);
  const octets = magnitude.subarray(first);
  return (octets[0] as number) >= 0x80 ? element(tag.integer, Uint8Array.of(0), octets) : element(tag.integer, octets);
}

export function boolean(value: boolean): Uint8Array {
  return Uint8Array.of(tag.boolean, 1, value ? 0xff : 0);
}

export function nullElement(): Uint8Array {
  return Uint8Array.of(tag.null, 0);
}

export function time(date: Date): Uint8Array {
  const { tag: timeTag, contents } = formatTime(date);
  return element(timeTag, contents);
}

export function text(stringTag: number, value: string): Uint8Array {
  return element(stringTag, Buffer.from(value, stringTag === tag.utf8String ? "utf8" : "latin1"));
}
