// Delivery status notifications as the envelope asks for them (RFC 3461). Values are decoded from their xtext and built
// anew when they leave, never copied: no command can hide in one (security.md A34).

import type { Mailbox } from "./mailbox.ts";
import { formatUnicodeXtext, formatXtext, parseUnicodeXtext, parseXtext } from "./xtext.ts";

export type NotifyWhen = "SUCCESS" | "FAILURE" | "DELAY";

export type RecipientDsn = {
  readonly notify?: "NEVER" | readonly NotifyWhen[];
  /** The recipient as its sender wrote it, decoded: `{ type: "rfc822", address: "a@b.example" }`. */
  readonly orcpt?: { readonly type: string; readonly address: string };
};

/** A recipient, with what its sender wants to hear of it. */
export type ForwardPath = Mailbox & { readonly dsn?: RecipientDsn };

export type MailDsn = {
  /** How much of the message a failure notice may return (RFC 3461, 4.3). */
  readonly ret?: "FULL" | "HDRS";
  /** The sender's own name for this mail (RFC 3461, 4.4), decoded. */
  readonly envid?: string;
};

/** LIMIT: RFC 3461 4.4 says 100 characters; senders with longer ones are not worth a lost mail. */
const maxEnvid = 256;
/** LIMIT: RFC 3461 4.2 says 500 characters, encoded. */
const maxOrcpt = 500;

const addressType = /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/;

/** Whether its sender wants to hear that it failed; who says nothing does (RFC 3461, 4.1). */
export function wantsFailure({ dsn }: ForwardPath): boolean {
  const { notify } = dsn ?? {};
  return notify === undefined || (notify !== "NEVER" && notify.includes("FAILURE"));
}

export function parseRet(value: string): "FULL" | "HDRS" | undefined {
  const ret = value.toUpperCase();
  return ret === "FULL" || ret === "HDRS" ? ret : undefined;
}

export function parseEnvid(value: string): string | undefined {
  const envid = parseXtext(value);
  return envid === undefined || envid === "" || envid.length > maxEnvid ? undefined : envid;
}

export function parseNotify(value: string): RecipientDsn["notify"] {
  const words = value.toUpperCase().split(",");
  if (words.length === 1 && words[0] === "NEVER") return "NEVER";
  return words.every(isNotifyWhen) ? [...new Set(words)] : undefined;
}

export function parseOrcpt(value: string): RecipientDsn["orcpt"] {
  const semicolon = value.indexOf(";");
  const type = value.slice(0, semicolon).toLowerCase();
  if (semicolon < 0 || value.length > maxOrcpt || !addressType.test(type)) return undefined;
  const text = value.slice(semicolon + 1);
  const address = type === "utf-8" ? parseUnicodeXtext(text) : parseXtext(text);
  return address === undefined || address === "" ? undefined : { type, address };
}

/** What follows `MAIL FROM:<...>`, with a blank before each parameter. */
export function formatMailDsn({ ret, envid }: MailDsn): string {
  return parameter("RET", ret) + parameter("ENVID", envid === undefined ? undefined : formatXtext(envid));
}

/** What follows `RCPT TO:<...>`, with a blank before each parameter. */
export function formatRecipientDsn({ notify, orcpt }: RecipientDsn): string {
  const when = typeof notify === "string" ? notify : notify?.join(",");
  return parameter("NOTIFY", when) + parameter("ORCPT", orcpt === undefined ? undefined : formatOrcpt(orcpt));
}

/** What cannot be said in a parameter is left out: a notice without it is worth more than no mail. */
function formatOrcpt({ type, address }: NonNullable<RecipientDsn["orcpt"]>): string | undefined {
  const text = type === "utf-8" ? formatUnicodeXtext(address) : formatXtext(address);
  return text === undefined || !addressType.test(type) ? undefined : `${type};${text}`;
}

function parameter(keyword: string, value: string | undefined): string {
  return value === undefined || value === "" ? "" : ` ${keyword}=${value}`;
}

function isNotifyWhen(word: string): word is NotifyWhen {
  return word === "SUCCESS" || word === "FAILURE" || word === "DELAY";
}
