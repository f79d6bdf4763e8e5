// `postern track`: what became of a message, a line per recipient, the latest first.

import type { TrackQuery, TrackRow } from "../store.ts";
import { columns, plural } from "./columns.ts";
import { loadConfig } from "./gateway.ts";
import { writeText } from "./octets.ts";
import { exit, type Options, type Page, runPage, UsageError } from "./options.ts";
import { withStore } from "./store-of.ts";
import { spanOf, timeOf } from "./time-span.ts";

export const page: Page = {
  name: "track",
  usage: "QUERY [options]",
  positionals: 1,
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    since: { kind: "text", value: "TIME", does: "not before, such as 2026-11-23 or 2026-11-23T09:00:00Z" },
    until: { kind: "text", value: "TIME", does: "not after; a day alone means to its end" },
    limit: { kind: "text", value: "N", does: "at most so many lines; default 100" },
    why: { kind: "flag", does: "also the rule, the certificates and what else decided" },
    json: { kind: "flag", does: "data instead of text: one object a line" },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const query = queryOf(options);
    const config = await loadConfig(options);
    const rows = await withStore(config, ({ tracking }) => tracking.find(query));
    await writeText(options.flag("json") ? rows.map(asJson).join("") : textOf(rows, query, options.flag("why")));
    return rows.length > 0 ? exit.done : exit.negative;
  });
}

/** Something to look for, a time, or both; a time alone may stand in place of what to look for. */
function queryOf(options: Options): TrackQuery & { readonly limit: number } {
  const [text] = options.positionals;
  const named = text === undefined ? undefined : spanOf(text);
  const since = timeOf("since", options)?.from ?? named?.from;
  const until = timeOf("until", options)?.until ?? named?.until;
  if (text === undefined && since === undefined && until === undefined)
    throw new UsageError("what to look for: a Message-ID, a queue id, an id from the log, an address, or a time");
  const limit = Number(options.text("limit") ?? 100);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError(`--limit ${options.text("limit")}: a number from 1`);
  return {
    ...(text === undefined || named !== undefined ? {} : { text }),
    ...(since === undefined ? {} : { from: since }),
    ...(until === undefined ? {} : { until }),
    limit,
  };
}

function textOf(rows: readonly TrackRow[], { limit }: { readonly limit: number }, why: boolean): string {
  if (rows.length === 0) return "Nothing found. What is older than 30 days is forgotten.\n";
  const more = rows.length < limit ? "" : `The latest ${plural(limit, "line")}; --limit shows more.\n`;
  if (why)
    return rows
      .map((row) => `${lineOf([row])}${columns(reasons(row), 2)}`)
      .join("\n")
      .concat(more);
  return `${lineOf(rows)}${more}`;
}

function lineOf(rows: readonly TrackRow[]): string {
  return columns(
    rows.map(({ at, id, queueId, reversePath, forwardPath, reply, report }) => [
      at.toISOString().slice(0, 19).replace("T", " "),
      id,
      queueId ?? "-",
      `<${reversePath}> to <${forwardPath}>`,
      `${statusOf(report, forwardPath, reply)} (${reply})`,
    ]),
  );
}

function statusOf(report: object, forwardPath: string, reply: string): string {
  const { recipients } = report as { recipients?: readonly { forwardPath?: string; status?: string }[] };
  const own = Array.isArray(recipients) ? recipients.find((one) => one.forwardPath === forwardPath) : undefined;
  if (typeof own?.status === "string") return own.status;
  return reply.startsWith("2") ? "sent" : reply.startsWith("4") ? "deferred" : "bounced";
}

/** What decided, as far as the report says so. */
function reasons({ report, messageId }: TrackRow): string[][] {
  const facts = report as Readonly<Record<string, unknown>>;
  const opened = facts["opened"] as { domain?: string; layers?: readonly { type: string }[] } | undefined;
  const text = (name: string, shown = name): string[][] =>
    typeof facts[name] === "string" || typeof facts[name] === "number" ? [[shown, String(facts[name])]] : [];
  return [
    ...(messageId === undefined ? [] : [["message", messageId]]),
    ...text("direction"),
    ...text("treatment"),
    ...text("domain"),
    ...text("code"),
    ...text("reason"),
    ...text("signature", "signed"),
    ...text("contentEncryption", "sealed"),
    ...(Array.isArray(facts["certificates"])
      ? facts["certificates"].map((sha256) => ["certificate", String(sha256)])
      : []),
    ...(opened?.domain === undefined ? [] : [["judged as", opened.domain]]),
    ...(opened?.layers === undefined ? [] : [["layers", opened.layers.map(({ type }) => type).join(", ")]]),
    ...text("relay"),
    ...text("client"),
    ...text("ms", "took ms"),
  ];
}

function asJson(row: TrackRow): string {
  return `${JSON.stringify({ ...row, at: row.at.toISOString() })}\n`;
}
