import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { canary, sightings } from "./canary.ts";

const word = canary();
const text = `Dear Bob, the word is ${word}, and tell nobody.`;

function quotedPrintable(octets: Buffer): Buffer {
  const coded = [...octets].map((octet) => `=${octet.toString(16).toUpperCase().padStart(2, "0")}`);
  return Buffer.from(coded.map((one, at) => (at % 20 === 19 ? `${one}=\r\n` : one)).join(""));
}

function folded(octets: Buffer, width: number): Buffer {
  return Buffer.from(octets.toString("base64").replace(new RegExp(`.{${width}}`, "g"), "$&\r\n"));
}

const leaks: ReadonlyMap<string, (octets: Buffer) => Buffer> = new Map([
  ["as it is", (octets: Buffer) => octets],
  ["hex", (octets: Buffer) => Buffer.from(octets.toString("hex"))],
  ["quoted-printable", quotedPrintable],
  [
    "quoted-printable with a soft line end",
    (octets: Buffer) => Buffer.from(octets.toString().replace(word, `${word.slice(0, 9)}=\r\n${word.slice(9)}`)),
  ],
  ["URL coding", (octets: Buffer) => Buffer.from([...octets].map((octet) => `%${octet.toString(16)}`).join(""))],
  ["UTF-16LE", (octets: Buffer) => Buffer.from(octets.toString(), "utf16le")],
  ["UTF-16BE", (octets: Buffer) => Buffer.from(octets.toString(), "utf16le").swap16()],
  ["base64 of UTF-16", (octets: Buffer) => folded(Buffer.from(octets.toString(), "utf16le"), 76)],
  [
    "folded header",
    (octets: Buffer) => Buffer.from(octets.toString().replace(word, `${word.slice(0, 9)}\r\n ${word.slice(9)}`)),
  ],
  ...[0, 1, 2].flatMap((shift) =>
    [64, 76].map((width): [string, (octets: Buffer) => Buffer] => [
      `base64 after ${shift} octets in lines of ${width}`,
      (octets) => folded(Buffer.concat([Buffer.alloc(shift, 0x20), octets]), width),
    ]),
  ),
  ["gzip", (octets: Buffer) => gzipSync(octets)],
  ["zlib", (octets: Buffer) => deflateSync(octets)],
  ["gzip under base64", (octets: Buffer) => folded(gzipSync(octets), 76)],
  ["zlib under base64", (octets: Buffer) => folded(deflateSync(octets), 76)],
]);

for (const [coding, plant] of leaks) {
  test(`a planted leak is seen: ${coding}`, () => {
    const around = [
      randomBytes(50),
      Buffer.from("\r\n\r\n"),
      plant(Buffer.from(text)),
      Buffer.from("\r\n"),
      randomBytes(50),
    ];
    assert.ok(sightings(Buffer.concat(around), [word]).length > 0);
  });
}

test("where nothing leaks nothing is seen", () => {
  const octets = Buffer.concat([
    randomBytes(200_000),
    folded(randomBytes(200_000), 76),
    folded(gzipSync(Buffer.from("other")), 76),
  ]);
  assert.deepEqual(sightings(octets, [word, canary()]), []);
});
