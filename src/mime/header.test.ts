import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutSource, cuts } from "../../test/chunks.ts";
import { messageSuites, storedMessages } from "../../test/messages.ts";
import { withVectors } from "../../test/vectors.ts";
import { collect, latin1, latin1Text } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { formatEntity, readEntity } from "./entity.ts";
import { fieldNamed, fieldsNamed, fieldText, formatHeader, type HeaderBlock, isContentField } from "./header.ts";

async function read(text: string, places: readonly number[] = []): Promise<{ header: HeaderBlock; body: string }> {
  const { header, body } = await readEntity(cutSource(latin1(text), places));
  return { header, body: latin1Text(await collect(body)) };
}

for (const { why, text, names, separator, body } of [
  { why: "ordinary mail", text: "A: 1\r\nB: 2\r\n\r\nx", names: ["A", "B"], separator: "\r\n", body: "x" },
  { why: "folding", text: "A: 1\r\n 2\r\n\t3\r\nB:\r\n\r\n", names: ["A", "B"], separator: "\r\n", body: "" },
  { why: "blanks before the colon", text: "A \t: 1\r\n\r\n", names: ["A"], separator: "\r\n", body: "" },
  { why: "an empty header", text: "\r\nbody\r\n\r\n", names: [], separator: "\r\n", body: "body\r\n\r\n" },
  { why: "no input", text: "", names: [], separator: "", body: "" },
  { why: "input that ends in a field", text: "A: 1\r\nB: 2", names: ["A", "B"], separator: "", body: "" },
  { why: "input that ends behind a field", text: "A: 1\r\n", names: ["A"], separator: "", body: "" },
  {
    why: "a line that is no field",
    text: "A: 1\r\nhello\r\nB: 2\r\n\r\n",
    names: ["A"],
    separator: "",
    body: "hello\r\nB: 2\r\n\r\n",
  },
  { why: "a body without header", text: "hello world", names: [], separator: "", body: "hello world" },
  {
    why: "a first line that begins with a blank",
    text: " A: 1\r\nB: 2\r\n\r\n",
    names: [],
    separator: "",
    body: " A: 1\r\nB: 2\r\n\r\n",
  },
  { why: "an mbox line", text: "From a@b Mon\r\nA: 1\r\n\r\n", names: ["", "A"], separator: "\r\n", body: "" },
  { why: "a quoted mbox line", text: ">From a@b: Mon\r\nA: 1\r\n\r\n", names: ["", "A"], separator: "\r\n", body: "" },
  {
    why: "an mbox line further down",
    text: "A: 1\r\nFrom a@b Mon\r\n\r\n",
    names: ["A"],
    separator: "",
    body: "From a@b Mon\r\n\r\n",
  },
  {
    why: "a line of blanks, which goes on with the field",
    text: "A: 1\r\n \r\nB: 2\r\n\r\n",
    names: ["A", "B"],
    separator: "\r\n",
    body: "",
  },
  {
    why: "bare CR and LF, which end no line",
    text: "A: 1\rB: 2\nC: 3\r\n\r\n",
    names: ["A"],
    separator: "\r\n",
    body: "",
  },
  { why: "a name of one colon", text: ": 1\r\n\r\n", names: [], separator: "", body: ": 1\r\n\r\n" },
  {
    why: "prototype names",
    text: "__proto__: 1\r\nconstructor: 2\r\n\r\n",
    names: ["__proto__", "constructor"],
    separator: "\r\n",
    body: "",
  },
]) {
  test(`a header with ${why} is split where Postfix would, under any chunking`, async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const entity = await read(text, places);
        assert.deepEqual(
          entity.header.fields.map(({ name }) => name),
          names,
        );
        assert.equal(latin1Text(entity.header.separator), separator);
        assert.equal(entity.body, body);
      }),
      { numRuns: 30 },
    );
  });
}

const lines = fc.array(
  fc.oneof(
    fc.constantFrom("", "A: 1", "Subject: x", " folded", "\tfolded", "no field", "From x", "B : 2", "\r", "\n", "C:"),
    fc.string({ unit: "binary-ascii", maxLength: 8 }),
  ),
);

test("any octets come back as they were, whatever they are and wherever they were cut", async () => {
  await fc.assert(
    fc.asyncProperty(lines, cuts, async (parts, places) => {
      const octets = latin1(parts.join("\r\n"));
      const entity = await readEntity(cutSource(octets, places));
      assert.deepEqual(latin1Text(await collect(formatEntity(entity))), latin1Text(octets));
    }),
    { numRuns: 800 },
  );
});

test("fields hold their octets verbatim and the block is their concatenation", async () => {
  const text = "Subject:  two  blanks \r\nX-Odd :\r\n\t folded  \r\n\r\n";
  const { header } = await read(text);
  assert.deepEqual(
    header.fields.map(({ octets }) => latin1Text(octets)),
    ["Subject:  two  blanks \r\n", "X-Odd :\r\n\t folded  \r\n"],
  );
  assert.equal(latin1Text(formatHeader(header)), text);
});

for (const { text, expected } of [
  { text: "A:  b c \t", expected: "b c" },
  { text: "A: one\r\n two\r\n\tthree", expected: "one two\tthree" },
  { text: "A:\r\n b", expected: "b" },
  { text: "A:", expected: "" },
  { text: "A: \xc3\xbc", expected: "ü" },
  { text: "A: \xfc", expected: "ü" },
  { text: "A: \xef\xbb\xbfx", expected: "\ufeffx" },
  { text: "A: b:c", expected: "b:c" },
  { text: "From someone@example Mon", expected: "From someone@example Mon" },
]) {
  test(`the text of ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, async () => {
    const { header } = await read(`${text}\r\n\r\n`);
    assert.equal(fieldText(header.fields[0] ?? assert.fail()), expected);
  });
}

test("fields are found whatever their case, the first or all", async () => {
  const { header } = await read("Received: 1\r\nTo: x\r\nRECEIVED: 2\r\n\r\n");
  assert.equal(fieldText(fieldNamed(header, "received") ?? assert.fail()), "1");
  assert.deepEqual(fieldsNamed(header, "Received").map(fieldText), ["1", "2"]);
  assert.equal(fieldNamed(header, "Cc"), undefined);
  assert.equal(fieldNamed(header, "__proto__"), undefined);
});

test("content fields are MIME-Version and Content-*", async () => {
  const { header } = await read(
    "mime-version: 1.0\r\nContent-Type: a/b\r\nCONTENT-X: y\r\nX-Content: z\r\nContent: c\r\n\r\n",
  );
  assert.deepEqual(header.fields.map(isContentField), [true, true, true, false, false]);
});

for (const { why, text } of [
  { why: "many fields", text: "A: 1\r\n".repeat(50_000) },
  { why: "one long field", text: `A: ${"x".repeat(300_000)}\r\n` },
  { why: "endless folding", text: `A: 1\r\n${" x\r\n".repeat(80_000)}` },
  { why: "a name that does not end", text: "A".repeat(300_000) },
]) {
  test(`a header block over 256 kB by ${why} is MIME_LIMIT, under any chunking`, async () => {
    const octets = latin1(`${text}\r\nbody`);
    for (const places of [[], [100_000, 200_000], [262_143], [262_144], [262_145]]) {
      await assert.rejects(readEntity(cutSource(octets, places)), (failure) =>
        isSecureMailError(failure, "MIME_LIMIT"),
      );
    }
  });
}

test("a long body behind a header cut short by a line that is no field is no long header", async () => {
  const { header, body } = await read(`A: 1\r\n--no field\r\n${"x".repeat(600_000)}`, [1, 70_000]);
  assert.equal(header.fields.length, 1);
  assert.equal(body.length, 600_012);
});

test("a source is told when nobody wants the rest", async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield latin1("A: 1\r\n\r\nbody");
      yield latin1("more");
    } finally {
      closed = true;
    }
  }
  const { body } = await readEntity(source());
  for await (const _ of body) break;
  assert.ok(closed);
});

for (const suite of messageSuites) {
  withVectors(suite, 1, (folder) => {
    test(`every message of ${suite} comes back octet for octet, most with the empty line of its header`, async () => {
      const messages = storedMessages(folder);
      let ended = 0;
      for (const { name, asStored, withCrlf } of messages) {
        for (const octets of [asStored, withCrlf]) {
          const entity = await readEntity(cutSource(octets, [1, 77, 1000]));
          if (octets === withCrlf && entity.header.separator.length === 2) ended++;
          assert.ok(Buffer.from(await collect(formatEntity(entity))).equals(octets), name);
        }
      }
      assert.ok(messages.length > 30 && ended > messages.length * 0.8, `${ended} of ${messages.length}`);
    });
  });
}

test("a From field with a blank before its colon is a field, on the first line too", async () => {
  const { header } = await read("From : boss@evil.example\r\nFrom  :x\r\n\r\n");
  assert.deepEqual(
    header.fields.map(({ name }) => name),
    ["From", "From"],
  );
});
