// Lines of the log in the words that mail administrators know from Postfix: one for what was done to a group, one for each
// of its recipients. No content, no keys; whatever is in a value, a line stays a line and a field a field (security.md A41).

import type { PassageReport, RecipientReport } from "./passage.ts";

export type LogFormat = "text" | "json";

type Field = string | number | readonly number[];
type Entry = { readonly program: string; readonly id: string; readonly fields: Readonly<Record<string, Field>> };

export function logLines(passage: PassageReport, format: LogFormat = "text"): readonly string[] {
  const entries = [deed(passage), ...passage.recipients.map((recipient) => delivery(passage, recipient))];
  return entries.map((entry) => (format === "json" ? jsonLine(passage, entry) : textLine(entry)));
}

function deed(passage: PassageReport): Entry {
  const { id, treatment, reversePath, octetsIn, octetsOut, code, reason, orig, messageId, domain } = passage;
  const { signature, contentEncryption, certificates, opened } = passage;
  const known = {
    from: reversePath,
    "message-id": messageId,
    size: octetsIn,
    "size-out": octetsOut,
    code,
    signed: signature,
    sealed: contentEncryption,
    "to-domain": domain,
    "signed-by": opened?.code === "OK" ? opened.domain : undefined,
    keyid: certificates?.map((sha256) => sha256.slice(0, 16)).join("+"),
    reason,
    orig,
  };
  return { program: `postern/${treatment}`, id, fields: present(known) };
}

function delivery(passage: PassageReport, { forwardPath, status, reply, said }: RecipientReport): Entry {
  const { id, relay = "none", delays } = passage;
  const seconds = delays.map((ms) => ms / 1000);
  const heard = said ?? reply;
  const known = {
    to: forwardPath,
    relay,
    delay: seconds.reduce((sum, part) => sum + part, 0),
    delays: seconds,
    dsn: /^\d{3} (\d\.\d+\.\d+)/.exec(heard)?.[1] ?? `${heard[0]}.0.0`,
    status,
    reply: heard,
    answer: said === undefined ? undefined : reply,
  };
  return { program: "postern/relay", id, fields: present(known) };
}

function present(fields: Readonly<Record<string, Field | undefined>>): Entry["fields"] {
  return Object.fromEntries(Object.entries(fields).filter((pair): pair is [string, Field] => pair[1] !== undefined));
}

// LIMIT: security.md A41, so that nobody fills a disk by a field.
const maxField = 500;

function jsonLine({ time }: PassageReport, { program, id, fields }: Entry): string {
  const cut = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? value.slice(0, maxField) : value,
  ]);
  return JSON.stringify({ time, program, pid: process.pid, id, ...Object.fromEntries(cut) }).replace(
    /[\x7f-\uffff]/g,
    escaped,
  );
}

function textLine({ program, id, fields }: Entry): string {
  const parts = Object.entries(fields).flatMap(([name, value]) => {
    // They end the line, where Postfix has them.
    if (name === "reply" || name === "answer") return [];
    return [`${name}=${textOf(name, value)}`];
  });
  const { reply, answer } = fields;
  const last = reply === undefined ? "" : ` (${plain(String(reply))})`;
  const told = answer === undefined ? "" : `, answered (${plain(String(answer))})`;
  return `${program}[${process.pid}]: ${id}: ${parts.join(", ")}${last}${told}`;
}

function textOf(name: string, value: Field): string {
  if (typeof value === "number") return name === "delay" ? value.toFixed(3) : String(value);
  if (typeof value !== "string") return value.map((part) => part.toFixed(3)).join("/");
  if (name === "from" || name === "to") return `<${plain(value).replace(/[<>]/g, escaped)}>`;
  return /^[\w.:+@/[\]<>-]*$/.test(value) ? value.slice(0, maxField) : JSON.stringify(plain(value));
}

/** Printable ASCII; whatever else as JavaScript would write it. */
function plain(text: string): string {
  return text.slice(0, maxField).replace(/[^\x20-\x7e]/g, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
