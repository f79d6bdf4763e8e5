import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, cuts, keepingSink } from "../../test/chunks.ts";
import { chunkSize, concat, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { base64Length, base64Writer } from "./base64-writer.ts";
import { decodeTransfer, transferDecoder } from "./transfer-encoding.ts";

/** The definition, as slow as it is plain. */
function folded(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString("base64")
    .replace(/.{1,76}/g, "$&\r\n");
}

function decode(pieces: readonly Uint8Array[]): { octets: Buffer; quirks: readonly string[] } {
  const decoder = transferDecoder("base64");
  const octets = Buffer.from(concat([...pieces.map((piece) => decoder.update(piece)), decoder.final()]));
  return { octets, quirks: decoder.quirks };
}

const contents = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ size: "max", maxLength: 20_000 }));

test("base64 is folded at 76 columns under any chunking", async () => {
  await fc.assert(
    fc.asyncProperty(contents, cuts, async (octets, places) => {
      const sink = keepingSink();
      const writer = base64Writer(sink);
      for (const chunk of cut(octets, places)) writer.write(chunk);
      await writer.end();
      assert.equal(latin1Text(sink.octets()), folded(octets));
      assert.equal(sink.octets().length, base64Length(octets.length));
    }),
    { numRuns: 300 },
  );
});

test("base64Length is exact around the ends of lines", () => {
  for (let size = 0; size < 400; size++) assert.equal(base64Length(size), folded(new Uint8Array(size)).length);
});

test("what was handed on is not changed by what is written later", async () => {
  const kept: Uint8Array[] = [];
  const copies: Buffer[] = [];
  const writer = base64Writer({
    write(chunk) {
      kept.push(chunk);
      copies.push(Buffer.from(chunk));
    },
    end: () => Promise.resolve(),
  });
  for (let round = 0; round < 50; round++) writer.write(Buffer.alloc(round * 13, round));
  await writer.end();
  for (const [index, chunk] of kept.entries()) assert.ok(copies[index]?.equals(chunk));
});

test("base64 decodes to what was encoded, however it was folded and cut", () => {
  const space = fc.constantFrom("\r\n", "\n", " ", "\t", "\r", " \r\n ");
  const gaps = fc.array(fc.tuple(fc.nat(), space), { maxLength: 20 });
  fc.assert(
    fc.property(contents, gaps, cuts, (octets, whites, places) => {
      let text = Buffer.from(octets).toString("base64");
      for (const [place, white] of whites) {
        const at = place % (text.length + 1);
        text = text.slice(0, at) + white + text.slice(at);
      }
      assert.ok(decode(cut(latin1(text), places)).octets.equals(octets));
    }),
    { numRuns: 300 },
  );
});

for (const { text, offset, why } of [
  { text: "QUJD!", offset: 4, why: "an octet outside the alphabet" },
  { text: "QU\0JD", offset: 2, why: "a NUL" },
  { text: "QUJD\fQUJD", offset: 4, why: "a form feed, which native code takes for white space" },
  { text: "QUJD-_", offset: 4, why: "letters of the other alphabet" },
  { text: "QUJD\xa0QUJD", offset: 4, why: "a blank with its eighth bit set" },
  { text: "QUI=QUJD", offset: 4, why: "content behind the padding" },
  { text: "QQ==\r\n=", offset: 6, why: "a third padding" },
  { text: "QUJD\r\nQQ==\r\nQUJD", offset: 12, why: "two texts one after the other" },
  { text: "QUJD=", offset: 4, why: "padding behind whole quanta" },
  { text: "=", offset: 0, why: "padding alone" },
  { text: "Q===", offset: 1, why: "three paddings" },
  { text: "QU=D", offset: 3, why: "padding within a quantum" },
  { text: "QUJDQQ", offset: 6, why: "missing padding" },
  { text: "QUJDQQ=", offset: 7, why: "half of the padding" },
  { text: "QUJDQ", offset: 5, why: "a single last letter" },
]) {
  test(`base64 with ${why} is MIME_MALFORMED at its offset, under any chunking`, () => {
    const padded = `${"QUJD".repeat(30)}\r\n${text}`;
    fc.assert(
      fc.property(cuts, (places) => {
        assert.throws(
          () => decode(cut(latin1(padded), places)),
          (failure) =>
            failure instanceof SecureMailError &&
            failure.code === "MIME_MALFORMED" &&
            failure.place.offset === offset + 122,
        );
      }),
      { numRuns: 50 },
    );
  });
}

test("base64 with any one octet replaced decodes to other octets or is refused, as the letter says", () => {
  const text = folded(Buffer.from("the quick brown fox jumps over the lazy dog and then sleeps in the sun, tired"));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(255), cuts, (at, octet, places) => {
      const octets = Buffer.from(text, "latin1");
      octets[at] = octet;
      const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
      const bare = octets.toString("latin1").replace(/[ \t\r\n]/g, "");
      if (strict.test(bare)) assert.ok(decode(cut(octets, places)).octets.equals(Buffer.from(bare, "base64")));
      else assert.throws(() => decode(cut(octets, places)), SecureMailError);
    }),
    { numRuns: 2000 },
  );
});

for (const { why, text, quirks } of [
  { why: "76 columns", text: folded(Buffer.alloc(200)), quirks: [] },
  {
    why: "64 columns",
    text: Buffer.alloc(200).toString("base64").replace(/.{64}/g, "$&\r\n"),
    quirks: ["base64 folded at 64"],
  },
  { why: "no folding", text: Buffer.alloc(200).toString("base64"), quirks: ["base64 not folded"] },
  {
    why: "no folding but a line end",
    text: `${Buffer.alloc(200).toString("base64")}\r\n`,
    quirks: ["base64 not folded"],
  },
  { why: "one short line", text: "QUJD\r\n", quirks: [] },
  { why: "an empty line on top", text: `\r\n${folded(Buffer.alloc(200))}`, quirks: [] },
  { why: "LF", text: folded(Buffer.alloc(200)).replaceAll("\r", ""), quirks: ["base64 lines ended by LF"] },
  { why: "stray bits", text: "QR==", quirks: ["base64 with stray bits in its last letter"] },
]) {
  test(`base64 with ${why} has the quirks ${JSON.stringify(quirks)}, under any chunking`, () => {
    fc.assert(
      fc.property(cuts, (places) => assert.deepEqual(decode(cut(latin1(text), places)).quirks, quirks)),
      { numRuns: 100 },
    );
  });
}

test("one chunk of many megabytes is decoded in pieces, whole and in order", async () => {
  const octets = Buffer.alloc(300_000, "what was said, ");
  const pieces: Uint8Array[] = [];
  const body = sourceOf(latin1(octets.toString("base64")));
  for await (const piece of decodeTransfer(body, transferDecoder("base64"))) pieces.push(piece);
  assert.ok(pieces.every((piece) => piece.length <= chunkSize));
  assert.ok(octets.equals(concat(pieces)));
});
