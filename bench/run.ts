// `npm run bench` measures everything and writes RESULTS.md; `npm run bench -- codec` asks one question and only prints.
// Exits 1 where a figure misses what it must reach.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import * as bouncyCastle from "../test/interop/peers/bouncy-castle.ts";
import * as openssl from "../test/interop/peers/openssl.ts";
import { type Figure, figureHead, figureRow, missesMust } from "./figure.ts";
import { nodeFlags } from "./node-flags.ts";

type Question = {
  readonly title: string;
  readonly ask: () => Promise<{ readonly table: readonly string[]; readonly missed: readonly Figure[] }>;
};

const questions: ReadonlyMap<string, Question> = new Map([
  ["codec", figures("Speed of the codec", async () => (await import("./codec.ts")).run())],
  ["memory", figures("Memory of the file commands", async () => (await import("./memory.ts")).run())],
  ["two-processes", figures("Two processes against one", async () => (await import("./two-processes.ts")).run())],
  ["corridor", figures("A message's way through one gateway", corridor)],
  ["gateway", figures("A gateway between two queues", async () => (await import("./gateway.ts")).run())],
  ["base64", { title: "Base64", ask: base64 }],
  ["smtp", { title: "The mail road without S/MIME", ask: smtp }],
  ["store", { title: "Ledger", ask: store }],
]);

const introduction = `# Benchmarks

Made by \`npm run bench\`; do not edit. Ratios say how many times faster Postern is, in CPU time: the median and the range
of at least five repetitions in which all variants take turns. Rows without a must are for reference.

- "OpenSSL C, tuned" calls the CMS functions of the libcrypto that this Node carries, inside its process, with one pass
  of EVP base64 a layer and no MIME. "SMIME API" is OpenSSL's own SMIME_write_CMS and SMIME_read_CMS. Both check the
  certification path each time.
- Bouncy Castle goes through its S/MIME classes with its own provider. pkijs uses RSA-OAEP, it has no other.
- All open the same message: OpenSSL's, DER. "opaque" is the form that Postern writes by default (base64 inside).
`;

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = names.find((name) => !questions.has(name));
if (unknown !== undefined) {
  process.stderr.write(`no benchmark ${unknown}; there are ${[...questions.keys()].join(", ")}\n`);
  process.exit(64);
}

const loadBefore = loadavg()[0] ?? 0;
const sections: string[] = [];
const missed: Figure[] = [];
for (const [name, { title, ask }] of questions) {
  if (names.length > 0 && !names.includes(name)) continue;
  process.stderr.write(`${title} ...\n`);
  const answer = await ask();
  const section = `## ${title}\n\n${answer.table.join("\n")}\n`;
  process.stdout.write(`${section}\n`);
  sections.push(section);
  missed.push(...answer.missed);
}
if (names.length === 0) {
  const page = [introduction, await circumstances(), ...sections].join("\n");
  writeFileSync(join(import.meta.dirname, "RESULTS.md"), page);
}
for (const { work, against } of missed) process.stderr.write(`missed: ${work}, against ${against}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;

function figures(title: string, measure: () => Promise<readonly Figure[]>): Question {
  return {
    title,
    async ask() {
      const all = await measure();
      return { table: [figureHead, ...all.map(figureRow)], missed: all.filter(missesMust) };
    },
  };
}

async function corridor(): Promise<readonly Figure[]> {
  const [alone, beside] = [await import("./corridor.ts"), await import("./corridor-beside.ts")];
  return [...(await alone.run()), ...(await beside.run())];
}

async function base64(): ReturnType<Question["ask"]> {
  const rows = await (await import("./base64.ts")).run();
  const lines = rows.map(({ variant, megabytesPerSecond: { median, least, most } }) => {
    return `| ${variant} | ${median.toFixed(0)} [${least.toFixed(0)}-${most.toFixed(0)}] |`;
  });
  return { table: ["| 64 KB chunks | MB/s of input |", "| --- | --- |", ...lines], missed: [] };
}

async function store(): ReturnType<Question["ask"]> {
  const rows = await (await import("./store.ts")).run();
  const lines = rows.map(({ processes, inFlight, tracked, perSecond, mainThread, allThreads, slowestMs }) => {
    const what = `${processes} of ${inFlight} in flight${tracked ? ", tracked" : ""}`;
    const each = [perSecond.toFixed(0), mainThread.toFixed(0), allThreads.toFixed(0), slowestMs.toFixed(0)];
    return `| ${what} | ${each.join(" | ")} |`;
  });
  const head = "| processes, messages | found and recorded a second | us of the main thread | us of all | slowest ms |";
  return { table: [head, "| --- | --- | --- | --- | --- |", ...lines], missed: [] };
}

async function smtp(): ReturnType<Question["ask"]> {
  const rows = await (await import("./smtp.ts")).run();
  const lines = rows.map(({ work, microsecondsEach, nanosecondsPerOctet }) => {
    return `| ${work} | ${(microsecondsEach / 1000).toFixed(3)} | ${nanosecondsPerOctet.toFixed(1)} |`;
  });
  return {
    table: ["| listen and relay | CPU ms a message | ns an octet |", "| --- | --- | --- |", ...lines],
    missed: [],
  };
}

async function circumstances(): Promise<string> {
  const [cpu] = cpus();
  const { bouncyCastle: castle, java } = await bouncyCastle.version();
  const { node, openssl: inNode } = process.versions;
  const git = (...args: string[]) => execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain", "--", "../src").length > 0 ? ", with changes in src/" : "";
  return `| | |
| --- | --- |
| machine | ${cpu?.model.trim()}, ${cpus().length} cores |
| load by others when it began | ${loadBefore.toFixed(1)} |
| Node | ${node}, OpenSSL ${inNode}, ${nodeFlags.join(" ")} |
| openssl command | ${openssl.version()} |
| Bouncy Castle | ${castle}, Java ${java} |
| commit | ${git("rev-parse", "--short", "HEAD")}${changed} |
| date | ${new Date().toISOString().slice(0, 10)} |
`;
}
