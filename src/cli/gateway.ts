// `postern gateway`: the daemon. This process becomes the supervisor; the workers it starts come here too, and run the
// gateway. One line of the log per recipient.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Config, parseConfig } from "../config.ts";
import type { Snapshot } from "../directory.ts";
import { isSecureMailError } from "../errors.ts";
import { type LogFormat, logLines, type RunningGateway, startGateway, type Watchers } from "../gateway.ts";
import type { SocketAddress } from "../smtp.ts";
import { isWorker, runWorker, supervise } from "../supervisor.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "gateway",
  usage: "[--config FILE] [--log text|json] [--silence SECONDS]",
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    log: { kind: "text", value: "FORM", does: "text (default, in the words of Postfix) or json, an object a line" },
    silence: {
      kind: "text",
      value: "SECONDS",
      does: "a worker that gives no sign of life for so long is killed; default 30",
    },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const format = options.oneOf("log", ["text", "json"]) ?? "text";
    const log = logIn(format);
    if (isWorker()) return work(format, log);
    const silenceMs = silenceIn(options);
    const config = await loadConfig(options);
    for (const name of config.unused) log(`${name} is set and not used by this version`);
    try {
      await supervise(config, {
        reread: () => loadConfig(options),
        log,
        ...(silenceMs !== undefined && { silenceMs }),
      });
    } catch (cause) {
      if (!isSecureMailError(cause)) throw cause;
      const status = cause.fault === "temporary" ? exit.unavailable : exit.configuration;
      throw new InputError(status, cause.message, { cause });
    }
    return exit.done;
  });
}

function silenceIn(options: Options): number | undefined {
  const given = options.text("silence");
  if (given === undefined) return undefined;
  const seconds = Number(given);
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000;
  throw new UsageError("--silence takes a number of seconds from 1 to 3600");
}

// As bin/postern ends where the program itself fails (sysexits: EX_SOFTWARE).
const afterBug = 70;

async function work(format: LogFormat, log: Log): Promise<number> {
  // A bug outside of any message's way: nothing of this process can be relied on. The supervisor starts the next one.
  process.on("uncaughtException", (thrown) => {
    log(`a worker ends by a bug: ${thrown.stack ?? thrown}`);
    process.exit(afterBug);
  });
  await runWorker(async (config, place) => {
    const gateway = await startGateway(config, watchers(format, log), place);
    return { lines: greeting(config, gateway), close: () => gateway.close() };
  });
  return exit.done;
}

function watchers(format: LogFormat, log: Log): Watchers {
  return {
    onDirectory: ({ number, members, faults }) => {
      faultLines(faults).forEach(log);
      log(`directory: snapshot ${number}, ${members.length} members`);
    },
    report: (report) => logLines(report, format).forEach(write),
    onFault: (thrown) => {
      const bug = (thrown as Error)?.stack ?? String(thrown);
      log(isSecureMailError(thrown) ? `${thrown.code}: ${thrown.message}` : bug);
    },
  };
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

function greeting({ domains }: Config, { listening, snapshot }: RunningGateway): readonly string[] {
  const { members, faults } = snapshot();
  const names = domains.map(({ name }) => name).join(", ");
  return [
    ...faultLines(faults),
    `ready for ${names}: inside ${where(listening.inside)}, outside ${where(listening.outside)}, ${members.length} members`,
  ];
}

function faultLines(faults: Snapshot["faults"]): readonly string[] {
  return faults.map(({ dn, attribute, reason }) => `directory: ${dn}: ${attribute}: ${reason}`);
}

function where(address: SocketAddress): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}

type Log = (text: string) => void;

/** What there is to say beside the lines of messages: one line each, whatever is in it (security.md A41). */
function logIn(format: LogFormat): Log {
  return (text) => {
    const plain = text
      .replaceAll("\n", " | ")
      .replace(/[^\x20-\x7e]/g, "?")
      .slice(0, 2000);
    const entry = { time: new Date().toISOString(), program: "postern", pid: process.pid, message: plain };
    write(format === "json" ? JSON.stringify(entry) : `postern[${process.pid}]: ${plain}`);
  };
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
