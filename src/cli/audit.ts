// `postern audit`: what people did, for whoever keeps such records elsewhere.

import { loadConfig } from "./gateway.ts";
import { writeText } from "./octets.ts";
import { exit, type Page, runPage, UsageError } from "./options.ts";
import { withStore } from "./store-of.ts";
import { timeOf } from "./time-span.ts";

export const page: Page = {
  name: "audit",
  usage: "export [options]",
  positionals: 1,
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    since: { kind: "text", value: "TIME", does: "not before, such as 2026-11-23 or 2026-11-23T09:00:00Z" },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const [verb] = options.positionals;
    if (verb !== "export") throw new UsageError(`${verb ?? "nothing"}: it is export, one JSON object a line`);
    const since = timeOf("since", options)?.from;
    const entries = await withStore(await loadConfig(options), ({ audit }) => audit.list(since));
    await writeText(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    return exit.done;
  });
}
