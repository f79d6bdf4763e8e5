// How fast is base64? Our writer and decoder beside what Node does without lines, and without a stream. 64 KB chunks,
// CPU time, all variants in turn within a repetition. Must: 2500 MB/s of input each.

import { latin1, noOctets } from "../src/bytes.ts";
import { base64Writer, transferDecoder } from "../src/mime.ts";

export type Row = {
  readonly variant: string;
  /** Of input, in CPU time: the median of the repetitions, the least, the most. */
  readonly megabytesPerSecond: { readonly median: number; readonly least: number; readonly most: number };
};

const chunk = 64 * 1024;
const rounds = 400;
const repetitions = 9;

const octets = Buffer.from(Uint8Array.from({ length: chunk }, (_, index) => Math.imul(index, 2654435761) >>> 13));
const folded = Buffer.from(octets.toString("base64").replace(/.{76}/g, "$&\r\n")).subarray(0, chunk);
const nowhere = { write: () => {}, end: () => Promise.resolve() };

const variants: ReadonlyMap<string, () => unknown> = new Map([
  [
    "encode, 76 columns",
    () => {
      const writer = base64Writer(nowhere);
      for (let round = 0; round < rounds; round++) writer.write(octets);
      return writer.end();
    },
  ],
  [
    "encode by Node, not folded",
    () => {
      for (let round = 0; round < rounds; round++) latin1(octets.toString("base64"));
    },
  ],
  [
    "encode by Node, folded by a regular expression",
    () => {
      for (let round = 0; round < rounds / 8; round++) {
        latin1(octets.toString("base64").replace(/.{1,76}/g, "$&\r\n"));
      }
    },
  ],
  [
    "decode, 76 columns",
    () => {
      const decoder = transferDecoder("base64");
      for (let round = 0; round < rounds; round++) decoder.update(folded);
      return noOctets;
    },
  ],
  [
    "decode by Node, not strict",
    () => {
      for (let round = 0; round < rounds; round++) Buffer.from(folded.toString("latin1"), "base64");
    },
  ],
]);

export async function run(): Promise<Row[]> {
  const speeds = new Map([...variants.keys()].map((name) => [name, [] as number[]]));
  for (let repetition = 0; repetition <= repetitions; repetition++) {
    for (const [name, work] of variants) {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      const size = chunk * (name.includes("regular") ? rounds / 8 : rounds);
      if (repetition > 0) speeds.get(name)?.push(size / (user + system)); // the first one warms up
    }
  }
  return [...speeds].map(([variant, all]) => {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (place: number) => sorted.at(place) ?? 0;
    return { variant, megabytesPerSecond: { median: at(sorted.length >> 1), least: at(0), most: at(-1) } };
  });
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write("| base64, 64 KB chunks | MB/s |\n| --- | --- |\n");
  for (const { variant, megabytesPerSecond: speed } of await run()) {
    const [median, least, most] = [speed.median, speed.least, speed.most].map((value) => value.toFixed(0));
    process.stdout.write(`| ${variant} | ${median} [${least}-${most}] |\n`);
  }
}
