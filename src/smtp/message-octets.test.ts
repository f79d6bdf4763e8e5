import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DotReader, DotWriter } from "./message-octets.ts";

const line = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[.a\x80-\xff]{0,6}$/) },
  fc.constantFrom("", ".", "..", "...", ".a", "a.", "QUIT"),
);
const message = fc.array(line, { maxLength: 12 }).map((lines) => lines.map((text) => `${text}\r\n`).join(""));
const cuts = fc.array(fc.nat(), { maxLength: 8 });

test("what the writer puts on the wire the reader takes off, wherever either is cut", () => {
  fc.assert(
    fc.property(message, cuts, cuts, (text, writeAt, readAt) => {
      const wire = write(cut(Buffer.from(text, "latin1"), writeAt));
      const read = readAll(cut(Buffer.concat([wire, Buffer.from("QUIT\r\n")]), readAt));
      assert.deepEqual(read, { text, rest: "QUIT\r\n", bare: false });
    }),
    { numRuns: 2000 },
  );
});

test("a last line without its end gets one, because a message ends with a line", () => {
  assert.equal(write([Buffer.from("a")]).toString(), "a\r\n.\r\n");
  assert.equal(write([]).toString(), ".\r\n");
  assert.equal(write([Buffer.from(".")]).toString(), "..\r\n.\r\n");
});

const smuggles = [
  "\n.\n",
  "\n.\r\n",
  "\r\n.\n",
  "\r.\r",
  "\r.\r\n",
  "\r\n.\r",
  "\n\n.\r\n",
  "\r\r\n.\r\n".slice(1, 4),
  "\r\n\0.\r\n",
  "\r\n.\0\r\n",
  "\r\n.\r\r\n",
  "\r\n.\n\r\n",
  "\n\r.\r\n",
  "\r\n \r\n.x\r\n",
];

test("only CRLF.CRLF ends a message, whatever looks like it and wherever it is cut", () => {
  for (const sequence of smuggles) {
    const octets = Buffer.from(`a${sequence}MAIL FROM:<x@y.example>\r\n.\r\nNOOP\r\n`, "latin1");
    for (let at = 0; at <= octets.length; at++) {
      const { rest } = readAll([octets.subarray(0, at), octets.subarray(at)]);
      assert.equal(rest, "NOOP\r\n", `${JSON.stringify(sequence)} cut at ${at}`);
    }
  }
});

test("a CR or LF alone is seen when it comes in and never goes out, whatever the cut", () => {
  const alone = /\r(?!\n)|(?<!\r)\n/;
  fc.assert(
    fc.property(fc.array(fc.constantFrom("\r", "\n", "\r\n", ".", "a"), { maxLength: 12 }), cuts, (parts, at) => {
      const text = parts.join("");
      const octets = Buffer.from(text);
      if (alone.test(text)) assert.throws(() => write(cut(octets, at)), { code: "SMTP_BARE_LINE_END" });
      else assert.doesNotThrow(() => write(cut(octets, at)));
      const sent = `${text.replaceAll(/(^|\r\n)\./g, "$1..")}\r\n.\r\n`.replace(/^\r\n\.\r\n$/, ".\r\n");
      assert.equal(readAll(cut(Buffer.from(sent), at)).bare, alone.test(text));
    }),
    { numRuns: 5000 },
  );
});

test("hostile line ends cost no more than honest ones", () => {
  for (const unit of ["\r", "\n", "..\r\n", "\n\r", ".\r\r\n"]) {
    const chunk = Buffer.from(unit.repeat(Math.ceil((256 * 1024) / unit.length)));
    const start = process.cpuUsage();
    new DotReader().read(chunk);
    const { user } = process.cpuUsage(start);
    assert.ok(user < 1_000_000, `${JSON.stringify(unit)} took ${user} us of CPU`);
  }
});

function write(chunks: readonly Buffer[]): Buffer {
  const dots = new DotWriter();
  const written = chunks.map((chunk) => dots.write(chunk));
  return Buffer.concat([...written, dots.end()]);
}

function readAll(chunks: readonly Buffer[]): { text: string; rest: string | undefined; bare: boolean } {
  const dots = new DotReader();
  let text = "";
  let rest: Buffer | undefined;
  for (const chunk of chunks) {
    if (rest !== undefined) rest = Buffer.concat([rest, chunk]);
    else {
      text += Buffer.from(dots.read(chunk)).toString("latin1");
      rest = dots.rest;
    }
  }
  return { text, rest: rest?.toString("latin1"), bare: dots.bare };
}

function cut(octets: Buffer, at: readonly number[]): Buffer[] {
  const places = [...at.map((place) => place % (octets.length + 1)).sort((a, b) => a - b), octets.length];
  return places.map((place, index) => octets.subarray(places[index - 1] ?? 0, place));
}
