// Reports that leave in our words: those about mail that we opened, and our own.

import { concat, hex, latin1, latin1Text } from "../bytes.ts";
import {
  type DeliveryReport,
  fieldNamed,
  fieldText,
  formatField,
  formatReport,
  type HeaderBlock,
  type HeaderField,
  type ReportedRecipient,
  type TypedAddress,
} from "../mime.ts";
import { type ForwardPath, formatMailbox, type Mailbox, parseMailbox } from "../smtp.ts";
import { base64url, keyedHash } from "./keyed-hash.ts";

/** A message in another form. `body` undefined: as it was. */
export type Rewritten = { readonly header: HeaderBlock; readonly body?: Uint8Array };

const crlf = latin1("\r\n");

type Author = { readonly hostname: string; readonly ledgerKey: Uint8Array };

export type ReportForSender = {
  readonly leaving: { readonly header: HeaderBlock };
  readonly report: DeliveryReport;
  readonly recipient: Mailbox;
  /** The domain in whose name it speaks. */
  readonly domain: string;
  /** The sender's own. */
  readonly envid?: string;
};

/** The same news, and nothing of what was opened; undefined where it is about nobody. A retry is the same message. */
export function reportForSender(
  { leaving, report, recipient, domain, envid }: ReportForSender,
  { hostname, ledgerKey }: Author,
): Rewritten | undefined {
  const recipients = report.recipients.flatMap(plainRecipient);
  if (recipients.length === 0) return undefined;
  const to = formatMailbox(recipient);
  const origin = fieldNamed(leaving.header, "Message-ID");
  const id = keyedHash(ledgerKey, 24, "report", to, origin === undefined ? "" : fieldText(origin), envid ?? "");
  const { fields, body } = formatReport({
    from: mailerOf(domain),
    to,
    subject: subjectFor(recipients),
    messageId: `${base64url(id.subarray(0, 12))}@${hostname}`,
    boundary: `=_${hex(id.subarray(12))}`,
    text: textFor(hostname, recipients),
    reportingMta: hostname,
    ...(envid === undefined ? {} : { envelopeId: envid }),
    recipients,
    returned: report.returned === undefined ? [] : returnedFields(report.returned),
  });
  return { header: headerOf(kept(leaving.header), fields), body };
}

/** A failure notice of our own, for proxy mode and `hold return`. */
export type OwnReport = {
  readonly id: string;
  readonly at: Date;
  /** Reverse path of the mail it is about; who gets the report. */
  readonly to: Mailbox;
  /** The domain served here in whose name it speaks. */
  readonly domain: string;
  /** The sender's own ENVID. */
  readonly envid?: string;
  readonly arrived: Date;
  readonly failures: readonly {
    readonly recipient: ForwardPath;
    readonly status: string;
    /** Why, in words the sender may read; nothing that was found with a key. */
    readonly diagnostic?: string;
  }[];
  /** Header of the mail it is about: Message-ID and Date are returned, nothing else. */
  readonly about: HeaderBlock;
};

/** The whole message, small; to be submitted with the null reverse path. */
export function formatOwnReport(report: OwnReport, hostname: string): Uint8Array {
  const { id, at, to, domain, envid, arrived, failures, about } = report;
  const recipients = failures.map(({ recipient, status, diagnostic }) => {
    const original = plainAddress(recipient.dsn?.orcpt);
    return {
      finalRecipient: { type: "rfc822", address: formatMailbox(recipient) },
      ...(original === undefined ? {} : { originalRecipient: original }),
      action: "failed",
      status: statusShape.test(status) ? status : "5.0.0",
      ...(diagnostic === undefined ? {} : { diagnostic }),
    };
  });
  const { fields, body } = formatReport({
    from: mailerOf(domain),
    to: formatMailbox(to),
    subject: subjectFor(recipients),
    at,
    messageId: `${id}@${hostname}`,
    boundary: `=_${id}`,
    text: textFor(hostname, recipients),
    reportingMta: hostname,
    ...(envid === undefined ? {} : { envelopeId: envid }),
    arrived,
    recipients,
    returned: returnedFields(about),
  });
  return concat([...fields, crlf, body]);
}

/** The header with its From in the name of `domain`; all else as it was. */
export function fromMailer(header: HeaderBlock, domain: string): HeaderBlock {
  const octets = formatField("From", `Mail Delivery System <${mailerOf(domain)}>`);
  const isFrom = ({ name }: HeaderField) => name.toLowerCase() === "from";
  const first = header.fields.findIndex(isFrom);
  const others = header.fields.filter((field) => !isFrom(field));
  const at = first === -1 ? others.length : first;
  return { ...header, fields: [...others.slice(0, at), { name: "From", octets }, ...others.slice(at)] };
}

function mailerOf(domain: string): string {
  return `MAILER-DAEMON@${domain}`;
}

/** What loops are counted by, and when it was made, stays on a report that is written anew. */
function kept({ fields }: HeaderBlock): readonly HeaderField[] {
  return fields.filter(({ name }) => ["received", "date"].includes(name.toLowerCase()));
}

function headerOf(above: readonly HeaderField[], fields: readonly Uint8Array[]): HeaderBlock {
  const written = fields.map((octets) => ({ name: latin1Text(octets).split(":", 1)[0] ?? "", octets }));
  return { fields: [...above, ...written], separator: crlf };
}

const actions: Readonly<Record<string, string>> = {
  failed: "could not be delivered",
  delayed: "has not been delivered yet; there is nothing you need to do",
  delivered: "was delivered",
  relayed: "was handed on to a server that makes no reports",
  expanded: "was handed on to more than one address",
};
const statusShape = /^[245]\.\d{1,3}\.\d{1,3}$/;

/** Only what RFC 3464 has a form for; a recipient in no form is left out. */
function plainRecipient({ finalRecipient, originalRecipient, action, status }: ReportedRecipient): ReportedRecipient[] {
  const [final, original] = [plainAddress(finalRecipient), plainAddress(originalRecipient)];
  const named = final ?? original;
  if (named === undefined) return [];
  const done = action !== undefined && Object.hasOwn(actions, action) ? action : "failed";
  const code = /^[245]\.\d{1,3}\.\d{1,3}/.exec(status ?? "")?.[0];
  return [
    {
      finalRecipient: named,
      ...(original === undefined ? {} : { originalRecipient: original }),
      action: done,
      status: code ?? (done === "failed" ? "5.0.0" : done === "delayed" ? "4.0.0" : "2.0.0"),
    },
  ];
}

function plainAddress(address: TypedAddress | undefined): TypedAddress | undefined {
  if (address === undefined || (address.type !== "rfc822" && address.type !== "utf-8")) return undefined;
  const mailbox = parseMailbox(address.address);
  return mailbox && { type: address.type, address: formatMailbox(mailbox) };
}

function subjectFor(recipients: readonly ReportedRecipient[]): string {
  const failed = recipients.some(({ action }) => action === "failed");
  return failed ? "Undelivered mail" : "Report about your mail";
}

function textFor(hostname: string, recipients: readonly ReportedRecipient[]): readonly string[] {
  return [
    `This is the mail gateway ${hostname}.`,
    "",
    "It reports about a message of yours. Its Message-ID and Date are below.",
    "",
    ...recipients.map(({ finalRecipient, action = "failed", status }) => {
      return `<${finalRecipient?.address}> (${status}): the message ${actions[action]}.`;
    }),
    "",
    "Nothing of the message itself is returned.",
  ];
}

/** LIMIT: longer ones name no message in any index. */
const longestReturned = 900;

function returnedFields(header: HeaderBlock): readonly Uint8Array[] {
  return ["Message-ID", "Date"].flatMap((name) => {
    const field = fieldNamed(header, name);
    const text = field === undefined ? "" : fieldText(field);
    return text === "" || text.length > longestReturned || /[^\x20-\x7e]/.test(text) ? [] : [formatField(name, text)];
  });
}
