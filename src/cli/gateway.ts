// `postern gateway`: the daemon. This process becomes the supervisor; the workers it starts come here too, and run the
// gateway. One line of the log per recipient.

import { isSecureMailError } from "../errors.ts";
import { isWorker, supervise } from "../supervisor.ts";
import { loadConfig } from "./config-file.ts";
import { logIn } from "./daemon-log.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export { loadConfig } from "./config-file.ts";

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
    if (isWorker()) {
      const { work } = await import("./gateway-worker.ts");
      await work(format, log);
      return exit.done;
    }
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
