// `postern gateway`: the daemon. Loads, listens, writes one line per recipient, ends on SIGTERM; SIGHUP reads the
// directory again.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Config, parseConfig } from "../config.ts";
import { isSecureMailError } from "../errors.ts";
import { logLines, type RunningGateway, startGateway } from "../gateway.ts";
import type { SocketAddress } from "../smtp.ts";
import { exit, InputError, type Options, type Page, runPage } from "./options.ts";

export const page: Page = {
  name: "gateway",
  usage: "[--config FILE]",
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const config = await loadConfig(options);
    for (const name of config.unused) log(`${name} is set and not used by this version`);
    const gateway = await started(config);
    greet(config, gateway);
    await untilStopped();
    await gateway.close();
    return exit.done;
  });
}

async function started(config: Config): Promise<RunningGateway> {
  try {
    return await startGateway(config, {
      onDirectory: ({ number, members }) => log(`directory: snapshot ${number}, ${members.length} members`),
      report: (report) => logLines(report).forEach(log),
      onFault: (thrown) =>
        log(
          isSecureMailError(thrown) ? `${thrown.code}: ${thrown.message}` : String((thrown as Error)?.stack ?? thrown),
        ),
    });
  } catch (cause) {
    if (isSecureMailError(cause)) {
      throw new InputError(cause.fault === "temporary" ? exit.unavailable : exit.configuration, cause.message, {
        cause,
      });
    }
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE" || code === "EACCES") throw new InputError(exit.unavailable, message, { cause });
    throw cause;
  }
}

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
  try {
    return parseConfig(text, file);
  } catch (cause) {
    if (!isSecureMailError(cause, "CONFIG_INVALID")) throw cause;
    throw new InputError(exit.configuration, `the configuration cannot be used\n${cause.message}`, { cause });
  }
}

function greet({ domains }: Config, { listening, snapshot }: RunningGateway): void {
  const { members, faults } = snapshot();
  for (const { dn, attribute, reason } of faults) log(`directory: ${dn}: ${attribute}: ${reason}`);
  const names = domains.map(({ name }) => name).join(", ");
  log(
    `ready for ${names}: inside ${where(listening.inside)}, outside ${where(listening.outside)}, ${members.length} members`,
  );
}

function where(address: SocketAddress): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

/** One line of the log, whatever is in it (security.md A41). */
function log(text: string): void {
  process.stdout.write(
    `postern[${process.pid}]: ${text
      .replaceAll("\n", " | ")
      .replace(/[^\x20-\x7e]/g, "?")
      .slice(0, 2000)}\n`,
  );
}
