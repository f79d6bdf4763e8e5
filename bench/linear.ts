// Does reading hostile mail take time linear in its size? Each kind of input is read at sizes that double; where time
// more than doubles by far, somebody can stop a gateway with one mail (docs/threat-model.md). Must: 2.3 at most.

import { collect, latin1, sourceOf } from "../src/bytes.ts";
import {
  ambiguities,
  fromDomain,
  mediaTypeOf,
  readEntity,
  scanMultipart,
  transferDecoder,
  withCrlf,
} from "../src/mime.ts";

export type Row = { readonly input: string; readonly octets: number; readonly ms: number; readonly ratio: number };

type Kind = { readonly input: string; make(size: number): Uint8Array; read(octets: Uint8Array): unknown };

const headerSizes = [30_000, 60_000, 120_000, 240_000];
const bodySizes = [500_000, 1_000_000, 2_000_000, 4_000_000];

const headers: readonly Kind[] = [
  ["many fields", (size: number) => "A: 1\r\n".repeat(size / 6)],
  ["endless folding", (size: number) => `A: 1\r\n${" x\r\n".repeat(size / 4)}`],
  ["lines of blanks", (size: number) => `Content-Type: a/b\r\n${" \r\n".repeat(size / 3)}`],
  ["a From of commas", (size: number) => `From: ${",".repeat(size)}a@b.example\r\n`],
  ["a From of open angles", (size: number) => `From: ${"<".repeat(size)}a@b.example\r\n`],
  ["a From of open comments", (size: number) => `From: a@b.example ${"(".repeat(size)}\r\n`],
  ["a From of blanks", (size: number) => `From: a${" ".repeat(size)}@b.example\r\n`],
  ["a From of quotes", (size: number) => `From: ${'"'.repeat(size)} <a@b.example>\r\n`],
  ["a From of encoded words", (size: number) => `From: ${"=?utf-8?Q?a?= ".repeat(size / 14)}<a@b.example>\r\n`],
  ["a From of beginnings of words", (size: number) => `From: ${"=?".repeat(size / 2)} <a@b.example>\r\n`],
  ["a From of half words", (size: number) => `From: ${"=?a?Q?".repeat(size / 6)} <a@b.example>\r\n`],
  ["a From of dots", (size: number) => `From: ${"a.".repeat(size / 2)}@b.example\r\n`],
  ["a Content-Type of semicolons", (size: number) => `Content-Type: a/b${";".repeat(size)}\r\n`],
  ["a Content-Type of parameters", (size: number) => `Content-Type: a/b${";a=b".repeat(size / 4)}\r\n`],
  ["a Content-Type of comments", (size: number) => `Content-Type: a/b${"(".repeat(size)}\r\n`],
  ["a Content-Type of backslashes", (size: number) => `Content-Type: a/b; a="${"\\".repeat(size)}\r\n`],
].map(([input, make]) => ({
  input: input as string,
  make: (size: number) => latin1(`${(make as (size: number) => string)(size)}\r\n`),
  async read(octets: Uint8Array) {
    const { header } = await readEntity(sourceOf(octets));
    fromDomain(header);
    mediaTypeOf(header);
    ambiguities(header);
  },
}));

const bodies: readonly Kind[] = [
  ["a multipart of line ends", (size: number) => "\r\n".repeat(size / 2), multipart],
  ["a multipart of half delimiters", (size: number) => "\r\n--=_".repeat(size / 6), multipart],
  ["a multipart of false delimiters", (size: number) => "\r\n--=_b-".repeat(size / 8), multipart],
  ["a multipart of dashes", (size: number) => "-".repeat(size), multipart],
  ["base64 of blanks", (size: number) => "QUJD ".repeat(size / 5), decode("base64")],
  ["quoted-printable of escapes", (size: number) => "=41".repeat(size / 3), decode("quoted-printable")],
  [
    "quoted-printable of blanks",
    (size: number) => `${" ".repeat(1000)}x`.repeat(size / 1001),
    decode("quoted-printable"),
  ],
  [
    "quoted-printable of soft breaks",
    (size: number) => `=${" ".repeat(1000)}\r\n`.repeat(size / 1003),
    decode("quoted-printable"),
  ],
  ["line ends", (size: number) => "\n".repeat(size), (octets: Uint8Array) => collect(withCrlf(pieces(octets, 4096)))],
].map(([input, make, read]) => ({
  input: input as string,
  make: (size: number) => latin1((make as (size: number) => string)(size)),
  read: read as Kind["read"],
}));

async function multipart(octets: Uint8Array): Promise<void> {
  await scanMultipart(pieces(octets, 100), "=_b", () => {});
}

function decode(encoding: string): Kind["read"] {
  return async (octets) => {
    const decoder = transferDecoder(encoding);
    for await (const piece of pieces(octets, 100)) decoder.update(piece);
  };
}

async function* pieces(octets: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [kinds, sizes] of [
    [headers, headerSizes],
    [bodies, bodySizes],
  ] as const) {
    for (const kind of kinds) rows.push(await judge(kind, sizes));
  }
  return rows;
}

/** Time at the largest size, and how it grew by one doubling on average. */
async function judge({ input, make, read }: Kind, sizes: readonly number[]): Promise<Row> {
  const times: number[] = [];
  for (const size of sizes) {
    const octets = make(size);
    let least = Number.POSITIVE_INFINITY;
    for (let repetition = 0; repetition < 7; repetition++) {
      const before = process.cpuUsage();
      await read(octets);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
    }
    times.push(Math.max(least, 0.05)); // below this the clock's steps are all there is
  }
  const ms = times.at(-1) ?? 0;
  return { input, octets: sizes.at(-1) ?? 0, ms, ratio: (ms / (times[0] ?? 1)) ** (1 / (times.length - 1)) };
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write("| input | octets | ms | growth by doubling |\n| --- | --- | --- | --- |\n");
  for (const { input, octets, ms, ratio } of await run()) {
    process.stdout.write(`| ${input} | ${octets} | ${ms.toFixed(2)} | ${ratio.toFixed(2)} |\n`);
  }
}
