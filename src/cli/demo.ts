// `postern demo`: two domains on loopback; `postern demo tamper` and others: a bad day on the running one.

import { readFileSync } from "node:fs";
import { askDemo, playNames, runDemo } from "../demo.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "demo",
  usage: `[options] [${playNames.join("|")}]`,
  positionals: 1,
  options: {
    once: { kind: "flag", does: "end after the first mails: 0 if all arrived as they must" },
    data: { kind: "text", value: "DIR", does: "keep the state here; default a temporary folder" },
    "link-proxy": {
      kind: "text",
      value: "HOST:PORT",
      does: "hand mail for the second domain over here, for tests of the line",
    },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const [play] = options.positionals;
    return play === undefined ? start(options) : ask(options, play);
  });
}

async function start(options: Options): Promise<number> {
  const folder = options.text("data");
  const linkProxy = options.text("link-proxy");
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    // Who reads along may go away (`| head`): then the demo ends in order, and its keys go with it.
    process.stdout.on("error", () => resolve());
  });
  return runDemo({
    once: options.flag("once"),
    version: JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version,
    say: (text) => process.stdout.write(text),
    stopped,
    ...(folder === undefined ? {} : { folder }),
    ...(linkProxy === undefined ? {} : { linkProxy: hostAndPort(linkProxy) }),
  });
}

async function ask(options: Options, play: string): Promise<number> {
  if (!playNames.some((name) => name === play))
    throw new UsageError(`demo ${play}: it is one of ${playNames.join(", ")}`);
  const answer = await askDemo(options.text("data"), play);
  if (answer === undefined) throw new InputError(exit.unavailable, "no demo is running (start one: bin/postern demo)");
  process.stdout.write(answer.text);
  return answer.status;
}

function hostAndPort(text: string): { host: string; port: number } {
  const [, host, port] = /^([^:]+):([0-9]{1,5})$/.exec(text) ?? [];
  if (host === undefined) throw new UsageError(`--link-proxy ${text}: it is HOST:PORT`);
  return { host, port: Number(port) };
}
