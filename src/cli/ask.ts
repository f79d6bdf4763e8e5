// A question before something is changed. Scripts answer it with --yes.

import { createInterface } from "node:readline/promises";
import { isatty } from "node:tty";
import { type Options, UsageError } from "./options.ts";

/** True where `--yes` was given or somebody at the terminal types yes. */
export async function confirmed(options: Options, question: string): Promise<boolean> {
  if (options.flag("yes")) return true;
  if (!isatty(0)) throw new UsageError("nobody can be asked here: add --yes once you are sure");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} Type yes: `);
    return answer.trim().toLowerCase() === "yes";
  } finally {
    terminal.close();
  }
}
