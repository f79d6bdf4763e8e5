import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeWords, encodeWords } from "./encoded-word.ts";

test("free text becomes encoded words of at most 75 characters that decode to it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const encoded = encodeWords(text);
      assert.deepEqual(decodeWords(encoded), { text: text.toWellFormed(), certain: true });
      if (encoded !== text) assert.ok(encoded.split(" ").every((word) => /^[!-~]{1,75}$/.test(word)));
    }),
    { numRuns: 300 },
  );
});

test("plain text stays plain, and text that looks like an encoded word does not", () => {
  assert.equal(encodeWords("plain text"), "plain text");
  assert.match(encodeWords("=?utf-8?Q?x?="), /^=\?utf-8\?B\?[^?]+\?=$/);
});

for (const { text, decoded, certain } of [
  { text: "=?ISO-8859-1?Q?a=FC_b?=", decoded: "aü b", certain: true },
  { text: "=?utf-8*en?q?x?= and =?utf-8?b?eQ==?=", decoded: "x and y", certain: true },
  { text: "=?utf-8?Q?x?=  =?utf-8?Q?y?= z", decoded: "xy z", certain: true },
  { text: "=?utf-8?Q?x?=\t(=?utf-8?Q?y?=)", decoded: "x\t(y)", certain: true },
  { text: "a = b ? c", decoded: "a = b ? c", certain: true },
  { text: "=?utf-8?Q?x", decoded: "=?utf-8?Q?x", certain: false },
  { text: "=?nowhere?Q?x?=", decoded: "=?nowhere?Q?x?=", certain: false },
  { text: "=?utf-8?B?eQ?=", decoded: "=?utf-8?B?eQ?=", certain: false },
]) {
  test(`the words ${JSON.stringify(text)} decode to ${JSON.stringify(decoded)}, ${certain ? "" : "not "}for certain`, () => {
    assert.deepEqual(decodeWords(text), { text: decoded, certain });
  });
}
