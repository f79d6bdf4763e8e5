// The commands of the program, one file each in `cli/`, loaded only when called. Floor 5.

import { readFileSync } from "node:fs";
import { exit, type Page } from "./cli/options.ts";
import { closest } from "./closest.ts";

export { exit, exitMeanings, type Page } from "./cli/options.ts";

/** Runs to its end and gives the exit status. */
export type Command = (args: readonly string[]) => Promise<number>;

type Entry = { readonly does: string; readonly load: () => Promise<{ readonly run: Command; readonly page: Page }> };

export const commands: ReadonlyMap<string, Entry> = new Map<string, Entry>([
  ["protect", { does: "sign and encrypt one message", load: () => import("./cli/protect.ts") }],
  ["open", { does: "decrypt, judge and restore one message", load: () => import("./cli/open.ts") }],
  [
    "explain",
    { does: "show the layers of one message, and what is right and wrong", load: () => import("./cli/explain.ts") },
  ],
  ["demo", { does: "two member domains on this machine, to watch and to try", load: () => import("./cli/demo.ts") }],
  [
    "gateway",
    { does: "the daemon: takes mail in, protects or opens it, hands it on", load: () => import("./cli/gateway.ts") },
  ],
  [
    "postfix-config",
    {
      does: "the Postfix side: four instances, and how running ones differ",
      load: () => import("./cli/postfix-config.ts"),
    },
  ],
  [
    "directory",
    { does: "members, their certificates, and exchange by hand", load: () => import("./cli/directory.ts") },
  ],
  ["check", { does: "is everything right, and what to do if not", load: () => import("./cli/check.ts") }],
  ["hold", { does: "mail that is held: look, release, return, drop", load: () => import("./cli/hold.ts") }],
  ["probe", { does: "what would happen to a mail, and why; sends nothing", load: () => import("./cli/probe.ts") }],
  ["track", { does: "what became of a message", load: () => import("./cli/track.ts") }],
  ["audit", { does: "what people did: who, when, what, to what", load: () => import("./cli/audit.ts") }],
  ["key", { does: "what a file of keys and certificates holds", load: () => import("./cli/key.ts") }],
  ["verify-path", { does: "judge a certificate and its path", load: () => import("./cli/verify-path.ts") }],
]);

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
  return exit.usage;
}

function usage(): string {
  const lines = [...commands].map(([name, { does }]) => `  ${name.padEnd(12)} ${does}`);
  return ["Usage: postern COMMAND [options]", "", ...lines, "", "postern COMMAND --help tells more.", ""].join("\n");
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return version;
}
