// The way of a letter in words, made from what the gateways report.

import path from "node:path";
import type { PassageReport } from "../gateway.ts";
import { type ReportCode, reportCodes } from "../smime.ts";
import type { Sight } from "./house.ts";

const column = 21;

/** One line per thing seen, in the order it happened. */
export function journeyLines(sights: readonly Sight[], folder: string): readonly string[] {
  const ordered = sights.toSorted((a, b) => a.at.getTime() - b.at.getTime() || rank(a) - rank(b));
  const rows = ordered.map((sight) => (sight.kind === "arrival" ? arrivalRow(sight, folder) : passageRow(sight)));
  const width = Math.max(...rows.map(({ what }) => what.length));
  return rows.flatMap(({ who, what, figures, more }) => [
    line(who, `${what.padEnd(width)}   ${figures}`),
    ...more.map((text) => line("", text)),
  ]);
}

/** Within one millisecond: out, then in, then there. */
function rank(sight: Sight): number {
  if (sight.kind === "arrival") return 2;
  return sight.passage.direction === "outbound" ? 0 : 1;
}

export function line(who: string, what: string): string {
  return `     ${who.padEnd(column)}${what}`;
}

type Row = { readonly who: string; readonly what: string; readonly figures: string; readonly more: readonly string[] };

function arrivalRow({ house, arrival }: Sight & { kind: "arrival" }, folder: string): Row {
  const what = `arrived for ${arrival.recipients.join(", ")}`;
  return { who: house, what, figures: path.relative(folder, arrival.file), more: [] };
}

function passageRow({ house, passage }: Sight & { kind: "passage" }): Row {
  const { octetsIn, octetsOut, recipients, ms } = passage;
  const sizes = octetsOut === 0 ? grouped(octetsIn) : `${grouped(octetsIn)} -> ${grouped(octetsOut)}`;
  const unserved = recipients.filter(({ reply }) => !reply.startsWith("2"));
  return {
    who: house,
    what: deed(passage),
    figures: `${sizes} octets, ${ms} ms`,
    more: [
      ...unserved.map(({ forwardPath, reply }) => `answered for ${forwardPath}: ${reply}`),
      ...unserved.flatMap(({ said }) => (said === undefined ? [] : [`because of: ${said}`])),
    ],
  };
}

function deed(passage: PassageReport): string {
  const { treatment, signature, contentEncryption, domain, code, reason, opened, recipients } = passage;
  if (treatment === "protect" && code === "OK") return `signed ${signature}, sealed ${contentEncryption} for ${domain}`;
  if (treatment === "open" && code === "OK") return `opened, signature valid and of ${opened?.domain}`;
  if (treatment === "pass" && code === "UNPROTECTED") return "passed on as it is";
  const why = reason === undefined ? "" : ` (${reason.split("\n")[0]})`;
  if (treatment === "refuse") return refusal(passage);
  const meaning = opened === undefined ? "" : `, ${reportCodes[code as ReportCode].meaning}`;
  return `${recipients.some(({ status }) => status === "held") ? "holds it" : treatment}: ${code}${meaning}${why}`;
}

function refusal({ reason = "", recipients }: PassageReport): string {
  const deed = recipients.some(({ status }) => status === "bounced") ? "refuses" : "waits";
  const [, domain, judged = ""] = /^no usable certificate of ([^;]+)(?:; (.*))?$/.exec(reason) ?? [];
  if (domain === undefined) return `${deed}: ${reason}`;
  // Of each certificate the words, without its name and code; those that are for signatures were never meant.
  const objections = judged.split("; ").flatMap((one) => /: (?!KEY_USAGE)[A-Z_]+, (.*)$/.exec(one)?.[1] ?? []);
  const why = objections.length === 0 ? "" : ` (${[...new Set(objections)].join("; ")})`;
  return `${deed}: no certificate of ${domain} can be used${why}`;
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}
