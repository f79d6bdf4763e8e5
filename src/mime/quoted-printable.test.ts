import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, cuts } from "../../test/chunks.ts";
import { concat, latin1, latin1Text } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { transferDecoder } from "./transfer-encoding.ts";

function decode(pieces: readonly Uint8Array[]): { text: string; quirks: readonly string[] } {
  const decoder = transferDecoder("quoted-printable");
  const text = latin1Text(concat([...pieces.map((piece) => decoder.update(piece)), decoder.final()]));
  return { text, quirks: decoder.quirks };
}

for (const { text, expected, why } of [
  { text: "a=C3=BCb", expected: "a\xc3\xbcb", why: "escapes" },
  { text: "long=\r\nline", expected: "longline", why: "a soft line break" },
  { text: "long= \t\r\nline", expected: "longline", why: "blanks behind a soft line break" },
  { text: "long=\nline", expected: "longline", why: "a soft line break ended by LF" },
  { text: "a \t\r\nb", expected: "a\r\nb", why: "blanks at a line's end" },
  { text: "a \nb", expected: "a\nb", why: "blanks before a LF" },
  { text: "a b", expected: "a b", why: "blanks within a line" },
  { text: "a ", expected: "a", why: "blanks at the very end" },
  { text: "a \rb", expected: "a \rb", why: "blanks before a bare CR, which ends no line" },
  { text: "a \r", expected: "a \r", why: "blanks before a last bare CR" },
  { text: "a \r\r\nb", expected: "a \r\r\nb", why: "a bare CR before a line end" },
  { text: "=c3", expected: "\xc3", why: "digits in lower case" },
  { text: "a=", expected: "a", why: "a soft line break at the very end" },
  { text: "a=\r\n", expected: "a", why: "a whole soft line break at the very end" },
  { text: " =20 ", expected: "  ", why: "an escaped blank between blanks" },
]) {
  test(`quoted-printable with ${why} decodes, under any chunking`, () => {
    fc.assert(
      fc.property(cuts, (places) => assert.equal(decode(cut(latin1(text), places)).text, expected)),
      { numRuns: 50 },
    );
  });
}

for (const text of ["a=XY", "a=4", "a=4\r\n", "a= b", "a==", "a=\rb", "a=4=41"]) {
  test(`${JSON.stringify(text)} is MIME_MALFORMED quoted-printable, under any chunking`, () => {
    fc.assert(
      fc.property(cuts, (places) => {
        assert.throws(
          () => decode(cut(latin1(text), places)),
          (failure) => isSecureMailError(failure, "MIME_MALFORMED"),
        );
      }),
      { numRuns: 20 },
    );
  });
}

test("blanks that would have to wait in memory without end are MIME_LIMIT", () => {
  assert.throws(
    () => decode([Buffer.alloc(70_000, " ")]),
    (failure) => isSecureMailError(failure, "MIME_LIMIT"),
  );
});

test("quoted-printable in lower case and with LF is read and named", () => {
  assert.deepEqual(decode([latin1("=c3=\nx")]).quirks, [
    "quoted-printable digits in lower case",
    "quoted-printable soft line break ended by LF",
  ]);
});
