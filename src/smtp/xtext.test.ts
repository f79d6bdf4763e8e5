import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatRecipientDsn, parseOrcpt } from "./dsn.ts";
import { formatUnicodeXtext, formatXtext, parseUnicodeXtext, parseXtext } from "./xtext.ts";

const printable = fc.stringMatching(/^[ -~]{0,40}$/);
const unicode = fc.string({ unit: "grapheme", maxLength: 30 });

test("what is written is read again, and holds no blank, no control and no equals sign", () => {
  fc.assert(
    fc.property(printable, (text) => {
      const written = formatXtext(text) ?? assert.fail("printable text has a form");
      assert.match(written, /^[!-<>-~]*$/);
      assert.equal(parseXtext(written), text);
    }),
  );
  fc.assert(
    fc.property(unicode, (text) => {
      const written = formatUnicodeXtext(text);
      if (written === undefined) return assert.match(text, /[^ -~\u{a0}-\u{10ffff}]|\p{Surrogate}/u);
      assert.match(written, /^[!-*,-<>-~]*$/);
      assert.equal(parseUnicodeXtext(written), text);
    }),
  );
});

for (const text of ["a+0D", "+0a", "a+", "a+4", "a b", "a=b", "\r", "+00", "+7F", "+80", "ä"]) {
  test(`${JSON.stringify(text)} is no xtext`, () => assert.equal(parseXtext(text), undefined));
}

for (const text of [
  "a+b",
  "\\x{D}",
  "\\x{0A}",
  "\\x{7F}",
  "\\x{85}",
  "\\x{D800}",
  "\\x{110000}",
  "\\x{e4}",
  "\\",
  "a=b",
]) {
  test(`${JSON.stringify(text)} is no address in that form`, () => assert.equal(parseUnicodeXtext(text), undefined));
}

test("any value that is no ORCPT leaves none", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (value) => {
      const orcpt = parseOrcpt(value);
      if (orcpt === undefined) return;
      const written = formatRecipientDsn({ orcpt });
      assert.match(written, /^ ORCPT=[a-z0-9-]+;[!-<>-~]+$/);
      assert.deepEqual(parseOrcpt(written.slice(7)), orcpt);
    }),
    { numRuns: 2000 },
  );
});
