// The letter of the interop tests: 8-bit, trailing blanks, what looks like boundaries and dots, no line end at its end,
// and long enough that streams have several segments.

import assert from "node:assert/strict";
import { concat, latin1 } from "../../src/bytes.ts";
import { sha256 } from "../codec.ts";

/** Header fields that stay outside. */
export const outerFields: string = "From: Ann <ann@a.example>\r\nTo: bob@b.example\r\nSubject: around a CMS object\r\n";

const contentFields =
  "MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tcharset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
const lines = "8-bit: æ, trailing blanks:  \r\n\r\n--not a boundary\r\n.\r\nFrom here to there\r\n";
const body = Buffer.from(`${lines.repeat(1000)}no line end`);

/** As its sender wrote it, and as it must come out where it was going. */
export const letter: Uint8Array = concat([latin1(`${outerFields}${contentFields}\r\n`), body]);

/** What others find inside when Postern protected it: content fields, our record of their places, body. */
export const posternPayload: Uint8Array = concat([
  latin1(`${contentFields}Postern-Layout: fields=0 0 0\r\n\r\n`),
  body,
]);

/** What others put inside when they protect it. */
export const entity: Uint8Array = concat([latin1(`${contentFields}\r\n`), body]);

/** Compares by SHA-256, so that a failure says so in one line. */
export function assertSame(octets: Uint8Array | undefined, expected: Uint8Array): void {
  assert.ok(octets !== undefined, "nothing came out");
  assert.equal(sha256(octets), sha256(expected), "the octets differ");
}

/** Every combination of one element from each list. */
export function product<const L extends Lists>(...lists: L): { -readonly [I in keyof L]: L[I][number] }[] {
  const rows = lists.reduce<unknown[][]>(
    (rows, list) => rows.flatMap((row) => list.map((each) => [...row, each])),
    [[]],
  );
  return rows as { -readonly [I in keyof L]: L[I][number] }[];
}

type Lists = readonly (readonly unknown[])[];
