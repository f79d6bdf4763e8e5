// Object identifiers: dotted text in the program, contents octets on the wire (X.690, 8.19).
import { latin1Text } from "../bytes.ts";
import { asn1Error } from "./errors.ts";
import { maxOidOctets } from "./limits.ts";

// Messages use the same few dozen identifiers over and over; the bound keeps hostile ones from filling memory.
const maxRemembered = 1000;
const remembered = new Map<string, string>();
const encoded = new Map<string, Uint8Array>();

/** Dotted text of an OBJECT IDENTIFIER's contents octets. */
export function decodeOid(contents: Uint8Array, offset: number = 0): string {
  if (contents.length > maxOidOctets) throw asn1Error("ASN1_LIMIT", "object identifier too long", offset);
  const key = latin1Text(contents);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const text = readArcs(contents, offset);
  if (remembered.size < maxRemembered) remembered.set(key, text);
  return text;
}

function readArcs(contents: Uint8Array, offset: number): string {
  const last = contents.at(-1);
  if (last === undefined || last >= 0x80)
    throw asn1Error("ASN1_MALFORMED", "object identifier ends in mid-arc", offset);
  const arcs: bigint[] = [];
  let arc = 0n;
  let fresh = true;
  for (const octet of contents) {
    if (fresh && octet === 0x80) throw asn1Error("ASN1_MALFORMED", "object identifier arc with leading zeros", offset);
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const first = arcs[0] as bigint;
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...arcs.slice(1)].join(".");
}

/** Contents octets of an OBJECT IDENTIFIER. The text comes from this program, never from a message. */
export function encodeOid(dotted: string): Uint8Array {
  const known = encoded.get(dotted);
  if (known !== undefined) return known;
  const contents = encodeArcs(dotted);
  if (encoded.size < maxRemembered) encoded.set(dotted, contents);
  return contents;
}

function encodeArcs(dotted: string): Uint8Array {
  const [top = 0n, second = 0n, ...rest] = dotted.split(".").map(BigInt);
  return Uint8Array.from([top * 40n + second, ...rest].flatMap(arcOctets));
}

function arcOctets(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let left = arc >> 7n; left > 0n; left >>= 7n) octets.unshift(Number(left & 0x7fn) | 0x80);
  return octets;
}
