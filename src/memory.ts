// Long streams keep memory flat with this. Floor 0.
//
// V8 sees a chunk as the few words that name it. Its octets lie outside the heap, and it lets many megabytes of dead
// ones pile up before it looks. Whoever moves octets through says so; where the program was started with
// --expose-gc (bin/postern does), the young ones are then collected every few megabytes, and now and then the old.

const minorEvery = 4 * 1024 * 1024;
const minorsPerMajor = 32;
const collect: ((options: { type: "minor" | "major" }) => unknown) | undefined = globalThis.gc;
let moved = 0;
let minors = 0;

/** Of one message so many octets need not be counted: V8 manages the dead of small mail, which has many other objects. */
export const uncountedOctets: number = 1024 * 1024;

/** Counts octets that passed and will be garbage soon. */
export function octetsPassed(octets: number): void {
  moved += octets;
  if (collect === undefined || moved < minorEvery) return;
  moved = 0;
  minors = (minors + 1) % minorsPerMajor;
  collect({ type: minors === 0 ? "major" : "minor" });
}
