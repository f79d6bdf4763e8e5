import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutSource, cuts } from "../../test/chunks.ts";
import { concat, latin1, latin1Text } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { formatBoundary, formatDelimiters, readMultipart, readParts } from "./multipart.ts";

type Read = { whole: string; preamble: string; parts: string[]; epilogue: string; problems: string[]; closed: boolean };

async function read(body: string, boundary: string, places: readonly number[] = []): Promise<Read> {
  const octets: Uint8Array[] = [];
  const found = { preamble: "", epilogue: "", parts: [] as string[], problems: [] as string[], closed: false };
  for await (const event of readMultipart(cutSource(latin1(body), places), boundary)) {
    if (event.kind === "problem") {
      found.problems.push(event.what);
      continue;
    }
    octets.push(event.chunk);
    if (event.kind === "delimiter") assert.equal(found.parts.push(""), event.index + 1);
    else if (event.kind === "part") found.parts[event.index] += latin1Text(event.chunk);
    else if (event.kind === "close") found.closed = true;
    else found[event.kind] += latin1Text(event.chunk);
  }
  return { ...found, whole: latin1Text(concat(octets)) };
}

type Case = { why: string; body: string; parts?: string[]; preamble?: string; epilogue?: string; problems?: string[] };
const notClosed = "multipart without its close delimiter";
const prefix = "line that begins like the boundary";
const bare = "boundary behind a bare CR or LF";
const cases: Case[] = [
  { why: "two parts", body: "--b\r\none\r\n--b\r\ntwo\r\n--b--\r\n", parts: ["one", "two"] },
  {
    why: "preamble and epilogue",
    body: "pre\r\n--b\r\none\r\n--b--\r\nepi\r\n",
    parts: ["one"],
    preamble: "pre",
    epilogue: "epi\r\n",
  },
  { why: "a preamble of one line end", body: "\r\n--b\r\none\r\n--b--", parts: ["one"] },
  { why: "a part that ends in line ends", body: "--b\r\none\r\n\r\n\r\n--b--", parts: ["one\r\n\r\n"] },
  { why: "an empty part", body: "--b\r\n\r\n--b--", parts: [""] },
  { why: "a part without even a line end", body: "--b\r\n--b\r\nx\r\n--b--", parts: ["", "x"] },
  { why: "transport padding", body: "--b \t\r\none\r\n--b-- \r\n", parts: ["one"] },
  { why: "no line end behind the close delimiter", body: "--b\r\none\r\n--b--", parts: ["one"] },
  { why: "no close delimiter", body: "--b\r\none\r\n", parts: ["one\r\n"], problems: [notClosed] },
  { why: "an end within a delimiter", body: "--b\r\none\r\n--b", parts: ["one", ""], problems: [notClosed] },
  {
    why: "an end within the close delimiter",
    body: "--b\r\none\r\n--b-",
    parts: ["one\r\n--b-"],
    problems: [prefix, notClosed],
  },
  {
    why: "a CR at the end of the delimiter",
    body: "--b\r\none\r\n--b--\r",
    parts: ["one\r\n--b--\r"],
    problems: [prefix, notClosed],
  },
  { why: "no delimiter", body: "text", preamble: "text", problems: [notClosed] },
  { why: "nothing", body: "", problems: [notClosed] },
  { why: "a close delimiter alone", body: "--b--\r\n", problems: ["multipart closed before its first part"] },
  { why: "a longer boundary inside", body: "--b\r\n--bc\r\none\r\n--b--", parts: ["--bc\r\none"], problems: [prefix] },
  {
    why: "text behind the boundary",
    body: "--b\r\none\r\n--b x\r\n\r\n--b--",
    parts: ["one\r\n--b x\r\n"],
    problems: [prefix],
  },
  {
    why: "text behind the close delimiter",
    body: "--b\r\none\r\n--b--x\r\n--b--",
    parts: ["one\r\n--b--x"],
    problems: [prefix],
  },
  {
    why: "more padding than transport adds",
    body: `--b\r\none\r\n--b${" ".repeat(200)}\r\n--b--`,
    parts: [`one\r\n--b${" ".repeat(200)}`],
    problems: [prefix],
  },
  {
    why: "a boundary behind a bare LF",
    body: "--b\r\none\n--b\r\n\r\n--b--",
    parts: ["one\n--b\r\n"],
    problems: [bare],
  },
  {
    why: "a boundary behind a bare CR",
    body: "--b\r\none\r--b\r\n\r\n--b--",
    parts: ["one\r--b\r\n"],
    problems: [bare],
  },
  {
    why: "a boundary whose line ends in LF",
    body: "--b\r\none\r\n--b\n\r\n--b--",
    parts: ["one\r\n--b\n"],
    problems: [prefix],
  },
  { why: "a boundary within a line", body: "--b\r\none --b\r\n--b--", parts: ["one --b"] },
  {
    why: "a part behind the close delimiter",
    body: "--b\r\none\r\n--b--\r\n--b\r\ntwo",
    parts: ["one"],
    epilogue: "--b\r\ntwo",
    problems: ["boundary behind the close delimiter"],
  },
  { why: "lines of dashes", body: "--b\r\n----\r\n--\r\n-\r\n--b--", parts: ["----\r\n--\r\n-"] },
  {
    why: "half of a delimiter again and again",
    body: "--b\r\n\r\n-\r\n--\r\n\r\n\r\n--b--",
    parts: ["\r\n-\r\n--\r\n\r\n"],
  },
];

for (const { why, body, parts = [], preamble = "", epilogue = "", problems = [] } of cases) {
  test(`a multipart with ${why} is read, under any chunking`, async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const found = await read(body, "b", places);
        assert.deepEqual(
          { ...found, closed: undefined },
          { whole: body, preamble, parts, epilogue, problems, closed: undefined },
        );
      }),
      { numRuns: 25 },
    );
  });
}

const pieces = fc.array(
  fc.constantFrom(
    "--b",
    "--b--",
    "--",
    "-",
    "b",
    "\r\n",
    "\r",
    "\n",
    " ",
    "x",
    "--bb",
    "\r\n--b\r\n",
    "\r\n--b--\r\n",
    "\r\n--b \r\n",
  ),
  { maxLength: 30 },
);

test("every octet comes out once and where it was cut does not matter", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, cuts, async (texts, places) => {
      const body = texts.join("");
      const atOnce = await read(body, "b");
      assert.equal(atOnce.whole, body);
      assert.deepEqual(await read(body, "b", places), atOnce);
    }),
    { numRuns: 1500 },
  );
});

test("what is written between delimiters is read back", async () => {
  const part = fc.string({ unit: fc.constantFrom("\r", "\n", "-", "=", "_", "a", " ") });
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      cuts,
      async (parts, random, places) => {
        const boundary = formatBoundary(random);
        const { first, next, close } = formatDelimiters(boundary);
        const body = latin1Text(first) + parts.join(latin1Text(next)) + latin1Text(close);
        const found = await read(body, boundary, places);
        assert.deepEqual([found.parts, found.problems, found.closed], [parts, [], true]);
      },
    ),
    { numRuns: 300 },
  );
});

test("more parts than a message may have are MIME_LIMIT", async () => {
  const body = (parts: number) => `${"--b\r\nx\r\n".repeat(parts)}--b--`;
  assert.equal((await read(body(1000), "b")).parts.length, 1000);
  await assert.rejects(read(body(1001), "b"), (failure) => isSecureMailError(failure, "MIME_LIMIT"));
});

test("each part is a source of its own, read in turn, whole, in part or not at all", async () => {
  const body = "--b\r\none\r\n--b\r\n\r\n--b\r\nthree\r\n--b\r\nfour\r\n--b--x";
  await fc.assert(
    fc.asyncProperty(cuts, fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }), async (places, howMuch) => {
      const problems: string[] = [];
      const found: string[] = [];
      for await (const part of readParts(readMultipart(cutSource(latin1(body), places), "b"), (what) =>
        problems.push(what),
      )) {
        const wanted = howMuch[found.length];
        let text = "";
        if (wanted !== 0) {
          for await (const chunk of part) {
            text += latin1Text(chunk);
            if (wanted === 1) break;
          }
        }
        found.push(text);
      }
      const whole = ["one", "", "three", "four\r\n--b--x"];
      assert.ok(found.length === 4 && found.every((text, index) => whole[index]?.startsWith(text)));
      assert.deepEqual(
        found.filter((_, index) => howMuch[index] === 2),
        whole.filter((_, index) => howMuch[index] === 2),
      );
      assert.deepEqual(problems.toSorted(), [prefix, notClosed].toSorted());
    }),
  );
});

test("parts are handed on without copying", async () => {
  const body = latin1(`--b\r\n${"x".repeat(1000)}\r\n--b--`);
  for await (const event of readMultipart(cutSource(body, [500]), "b")) {
    if (event.kind === "part") assert.equal(event.chunk.buffer, body.buffer);
  }
});
