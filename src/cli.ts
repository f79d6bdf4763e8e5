// The commands of the program, one file each in `cli/`, loaded only when called. Floor 5.

import { readFileSync } from "node:fs";

/** Runs to its end and gives the exit status. */
export type Command = (args: readonly string[]) => Promise<number>;

type Entry = { readonly does: string; readonly load: () => Promise<{ readonly run: Command }> };

export const exitUsage = 64;

const commands: ReadonlyMap<string, Entry> = new Map([]);

export async function runCommand(args: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") return say(usage());
  if (name === "--version") return say(`Postern ${version()}, Node ${process.versions.node}\n`);
  const entry = commands.get(name);
  if (entry === undefined) return refuse(name);
  const { run } = await entry.load();
  return run(rest);
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function refuse(name: string): number {
  const near = closest(name, [...commands.keys()]);
  const hint = near === undefined ? "postern --help lists the commands" : `did you mean ${near}?`;
  process.stderr.write(`postern: no command ${JSON.stringify(name)} (${hint})\n`);
  return exitUsage;
}

function usage(): string {
  const lines = [...commands].map(([name, { does }]) => `  ${name.padEnd(12)} ${does}`);
  return ["Usage: postern COMMAND [options]", "", ...lines, "", "postern COMMAND --help tells more.", ""].join("\n");
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return version;
}

/** The candidate that at most two slips of the finger turned into `name`. */
export function closest(name: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, slips: editDistance(name, candidate) }));
  return ranked.filter(({ slips }) => slips <= 2).sort((a, b) => a.slips - b.slips)[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      line.push(Math.min(change, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    above = line;
  }
  return above.at(-1) ?? 0;
}
