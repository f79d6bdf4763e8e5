// Octets cut at awkward places, as networks do.

import fc from "fast-check";
import { type ByteSink, concat } from "../src/bytes.ts";

/** The same octets in pieces: where `cuts` says, empty pieces included. */
export function cut(octets: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((place) => place % (octets.length + 1)), octets.length].sort((a, b) => a - b);
  return ends.map((end, index) => octets.subarray(index === 0 ? 0 : ends[index - 1], end));
}

/** Places to cut at, for `cut`; now and then so many that most pieces are single octets. */
export const cuts: fc.Arbitrary<number[]> = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.nat(), { maxLength: 8 }) },
  { weight: 1, arbitrary: fc.array(fc.nat(), { minLength: 200, maxLength: 400 }) },
);

export async function* cutSource(octets: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  yield* cut(octets, places);
}

/** A sink that keeps what it was given. */
export function keepingSink(): ByteSink & { octets(): Uint8Array } {
  const chunks: Uint8Array[] = [];
  return {
    write: (chunk) => void chunks.push(chunk),
    end: () => Promise.resolve(),
    octets: () => concat(chunks),
  };
}
