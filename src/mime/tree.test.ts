import assert from "node:assert/strict";
import { test } from "node:test";
import { cutSource } from "../../test/chunks.ts";
import { messageSuites, storedMessages } from "../../test/messages.ts";
import { withVectors } from "../../test/vectors.ts";
import { latin1, sourceOf } from "../bytes.ts";
import { isSecureMailError, SecureMailError } from "../errors.ts";
import { type MimeTree, readTree } from "./tree.ts";

function tree(text: string): Promise<MimeTree> {
  return readTree(cutSource(latin1(text), [10, 100, 101, 150]));
}

test("the tree names type, encoding, size, file name and children of every entity", async () => {
  const inner =
    "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\nplain\r\n--i\r\nContent-Type: text/html\r\n\r\n<b>\r\n--i--";
  const message =
    "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\npre\r\n--o\r\n" +
    "Content-Type: application/pdf; name=x.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--o\r\n" +
    `Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n${inner}\r\n--o--\r\n`;
  const leaf = { encoding: "7bit", problems: [], quirks: [], children: [] };
  assert.deepEqual(await tree(message), {
    ...leaf,
    type: "multipart/mixed",
    size: message.length - message.indexOf("pre"),
    children: [
      { ...leaf, type: "application/pdf", encoding: "base64", size: 4, name: "x.pdf" },
      {
        ...leaf,
        type: "message/rfc822",
        size: `Subject: inner\r\n${inner}`.length,
        children: [
          {
            ...leaf,
            type: "multipart/alternative",
            size: inner.length - inner.indexOf("--i"),
            children: [
              { ...leaf, type: "text/plain", size: 5 },
              { ...leaf, type: "text/html", size: 3 },
            ],
          },
        ],
      },
    ],
  });
});

for (const { why, text, problems = [], quirks = [] } of [
  {
    why: "broken base64",
    text: "Content-Transfer-Encoding: base64\r\n\r\nQUJ\r\n",
    problems: ["base64 ends within a quantum (offset 5)"],
  },
  {
    why: "base64 folded at 4",
    text: "Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\nQUJD\r\n",
    quirks: ["base64 folded at 4"],
  },
  { why: "8-bit octets under 7bit", text: "\r\n\xfc", quirks: ["8-bit octets in a 7bit body"] },
  { why: "a bare LF", text: "\r\na\nb", quirks: ["bare CR or LF"] },
  { why: "a bare LF in binary", text: "Content-Transfer-Encoding: binary\r\n\r\na\nb", quirks: [] },
  {
    why: "a multipart that nobody closed",
    text: "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
    problems: ["multipart without its close delimiter"],
  },
  {
    why: "a multipart without boundary",
    text: "Content-Type: multipart/mixed\r\n\r\n",
    problems: ["multipart without a boundary"],
  },
  {
    why: "an encoded message",
    text: "Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n!",
    problems: ["octet 33 in base64 (offset 0)"],
  },
]) {
  test(`the tree of an entity with ${why} says so`, async () => {
    const found = await tree(text);
    assert.deepEqual([found.problems, found.quirks], [problems, quirks]);
  });
}

function nested(depth: number): string {
  if (depth === 0) return "\r\nx";
  return `Content-Type: multipart/mixed; boundary=b${depth}.\r\n\r\n--b${depth}.\r\n${nested(depth - 1)}\r\n--b${depth}.--`;
}

test("entities nested deeper than a message may be are MIME_LIMIT, in multiparts and in messages", async () => {
  const messages = (depth: number) => `${"Content-Type: message/rfc822\r\n\r\n".repeat(depth)}\r\nx`;
  for (const make of [nested, messages]) {
    let depth = 0;
    for (let node = await tree(make(50)); node.children[0] !== undefined; node = node.children[0]) depth++;
    assert.equal(depth, 50);
    await assert.rejects(tree(make(51)), (failure) => isSecureMailError(failure, "MIME_LIMIT"));
  }
});

test("more parts than a message may have are MIME_LIMIT, however they are spread", async () => {
  const inner = `\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n${"\r\n--i\r\n\r\n".repeat(99)}--i--`;
  const message = (parts: number) => `Content-Type: multipart/mixed; boundary=o\r\n${inner.repeat(parts)}\r\n--o--`;
  assert.equal((await tree(message(9))).children.length, 9);
  await assert.rejects(tree(message(10)), (failure) => isSecureMailError(failure, "MIME_LIMIT"));
});

for (const suite of messageSuites) {
  withVectors(suite, 1, (folder) => {
    test(`the tree of every message of ${suite} is read or refused with a code, wherever it was cut`, async () => {
      for (const { name, withCrlf } of storedMessages(folder)) {
        const read = (source: AsyncIterable<Uint8Array>) =>
          readTree(source).catch((failure) => {
            assert.ok(failure instanceof SecureMailError, name);
            return failure.code;
          });
        assert.deepEqual(
          await read(cutSource(withCrlf, [1, 500, 501, 1000, 3333])),
          await read(sourceOf(withCrlf)),
          name,
        );
      }
    });
  });
}
