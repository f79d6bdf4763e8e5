// The configuration file of every command that works on a gateway.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Config } from "../config.ts";
import { isSecureMailError } from "../errors.ts";
import { exit, InputError, type Options } from "./options.ts";

/** The configuration that `--config`, the environment or the usual places name. */
export async function loadConfig(options: Options): Promise<Config> {
  const named = options.text("config") ?? process.env["POSTERN_CONFIG"];
  const file = named ?? ["postern.yaml", "/etc/postern/postern.yaml"].find((candidate) => existsSync(candidate));
  if (file === undefined) throw new InputError(exit.configuration, "no configuration: name one with --config");
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new InputError(exit.configuration, `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
  // Not before it is needed: a worker is given its configuration, and does without yaml and zod.
  const { parseConfig } = await import("../config.ts");
  try {
    return parseConfig(text, file);
  } catch (cause) {
    if (!isSecureMailError(cause, "CONFIG_INVALID")) throw cause;
    throw new InputError(exit.configuration, `the configuration cannot be used\n${cause.message}`, { cause });
  }
}
