import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, cutSource, cuts } from "../../test/chunks.ts";
import { collect, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { withCrlf } from "./line-ends.ts";

const pieces = fc.array(fc.constantFrom("a", "", "\r", "text", "\0\xff"), { maxLength: 20 });

async function convert(text: string, places: readonly number[]): Promise<{ text: string; notices: string[] }> {
  const notices: string[] = [];
  const converted = await collect(withCrlf(cutSource(latin1(text), places), (what) => notices.push(what)));
  return { text: latin1Text(converted), notices };
}

test("lines that all end in LF end in CRLF then, and it is said once", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, cuts, async (parts, places) => {
      const text = parts.map((part) => part.replaceAll("\r", "\r.")).join("\n");
      const expected = text.replaceAll("\n", "\r\n");
      assert.deepEqual(await convert(text, places), { text: expected, notices: text.includes("\n") ? ["LF"] : [] });
    }),
  );
});

test("lines that all end in CRLF are handed through in the very chunks that came, bare CRs included", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, cuts, async (parts, places) => {
      const chunks = cut(latin1(parts.join("\r\n")), places);
      const given: Uint8Array[] = [];
      for await (const chunk of withCrlf(sourceOf(...chunks), () => assert.fail())) given.push(chunk);
      assert.equal(given.length, chunks.length);
      assert.ok(given.every((chunk, index) => chunk === chunks[index]));
    }),
  );
});

for (const { text, offset } of [
  { text: "a\r\nb\nc", offset: 4 },
  { text: "a\nb\r\nc", offset: 4 },
  { text: "\r\n\n", offset: 2 },
  { text: "a\nb\nc\r\n", offset: 6 },
]) {
  test(`the mixed line ends of ${JSON.stringify(text)} are MIME_MALFORMED at ${offset}, under any chunking`, async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const failure = await convert(text, places).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        assert.ok(failure instanceof SecureMailError && failure.code === "MIME_MALFORMED");
        assert.equal(failure.place.offset, offset);
      }),
      { numRuns: 30 },
    );
  });
}
