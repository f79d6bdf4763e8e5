import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutSource, cuts } from "../../test/chunks.ts";
import { storedReport } from "../../test/reports.ts";
import { type ByteSource, collect, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { formatHeader } from "./header.ts";
import { decodedText, type EntityPlace, type Walker, walkEntities } from "./walk.ts";

const verbatim: Walker = { header: formatHeader, leaf: (body) => body, between: (source) => source };

test("the pieces of a message are the message, wherever it was cut", async () => {
  const piece = fc.constantFrom(
    ..."--a|--a--|--b|--b--|\r\n|\r\n\r\n|Content-Type: multipart/mixed; boundary=b|x|\r|\n".split("|"),
    "Content-Type: message/rfc822",
    "Content-Transfer-Encoding: base64",
  );
  const start = "Content-Type: multipart/mixed; boundary=a\r\n\r\n";
  const messages = fc.array(piece, { maxLength: 20 }).map((pieces) => start + pieces.join(""));
  await fc.assert(
    fc.asyncProperty(messages, cuts, async (text, places) => {
      assert.equal(latin1Text(await collect(walkEntities(cutSource(latin1(text), places), verbatim))), text);
    }),
    { numRuns: 1000 },
  );
});

test("entities are counted as they begin; leaves and messages are told apart", async () => {
  const places: EntityPlace[] = [];
  const walker: Walker = {
    ...verbatim,
    header(header, place) {
      places.push(place);
      return formatHeader(header);
    },
  };
  await collect(walkEntities(sourceOf(latin1(storedReport("exchange"))), walker));
  assert.deepEqual(
    places.map(({ isLeaf, isMessage }) => `${isLeaf ? "leaf" : "frame"} ${isMessage ? "message" : "part"}`),
    ["frame message", "frame part", "leaf part", "leaf part", "leaf part", "frame part", "frame message", "leaf part"],
  );
  assert.deepEqual(
    places.map(({ index }) => index),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
});

test("what leaves hold is found behind their encoding", async () => {
  const stored = storedReport("exchange-tnef");
  assert.doesNotMatch(stored, /Postern-Verdict/);
  assert.match(latin1Text(await collect(decodedText(sourceOf(latin1(stored))))), /^Postern-Verdict: OK/m);
});

for (const { what, message } of [
  { what: "nested 51 deep", message: `${"Content-Type: message/rfc822\r\n\r\n".repeat(51)}x` },
  {
    what: "of more than 1,000 parts",
    message: `Content-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\nx\r\n".repeat(1001)}--b--\r\n`,
  },
]) {
  test(`a message ${what} is over the limit`, async () => {
    await assert.rejects(collect(walkEntities(sourceOf(latin1(message)), verbatim)), (thrown) =>
      isSecureMailError(thrown, "MIME_LIMIT"),
    );
  });
}

test("whoever stops in the middle lets go of the source", async () => {
  let released = false;
  async function* endless(): ByteSource {
    try {
      yield latin1("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n");
      for (;;) yield latin1("x".repeat(1000));
    } finally {
      released = true;
    }
  }
  for await (const chunk of walkEntities(endless(), verbatim)) if (chunk.length > 500) break;
  assert.ok(released);
});
