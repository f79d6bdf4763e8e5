// Reports about delivery, written (RFC 3462, 3464, 6533). Floor 1, see ../mime.ts.
//
// What is returned of the message is a choice of its header fields and nothing of its content.

import { concat, latin1 } from "../bytes.ts";
import { formatField } from "./field-writer.ts";
import type { ReportedRecipient, TypedAddress } from "./report.ts";
import { formatDate } from "./trace.ts";

export type ReportToWrite = {
  /** The address in whose name it speaks, and the one it goes to: not named when it needs more than ASCII. */
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  /** Left out where a Date is there already. */
  readonly at?: Date;
  readonly messageId: string;
  readonly boundary: string;
  /** For people, a line each; what is not printable ASCII becomes "?". */
  readonly text: readonly string[];
  readonly reportingMta: string;
  readonly envelopeId?: string;
  readonly arrived?: Date;
  readonly recipients: readonly (ReportedRecipient & { readonly diagnostic?: string })[];
  /** Fields of the message it is about, whole, each with its final CRLF. */
  readonly returned: readonly Uint8Array[];
};

// LIMIT: replies have up to 512 octets a line, and a field of ours no word above 998.
const maxDiagnostic = 900;

type Fields = readonly (readonly [name: string, value: string | undefined])[];

/** The report's own header fields and its body. */
export function formatReport(report: ReportToWrite): {
  readonly fields: readonly Uint8Array[];
  readonly body: Uint8Array;
} {
  const { boundary, returned } = report;
  const crlf = latin1("\r\n");
  const part = (type: string, ...content: readonly Uint8Array[]) => [
    latin1(`--${boundary}\r\n`),
    ...formatFields([["Content-Type", type]]),
    crlf,
    ...content,
    crlf,
  ];
  const body = concat([
    ...part("text/plain; charset=us-ascii", latin1(report.text.map((line) => `${printable(line)}\r\n`).join(""))),
    ...part("message/delivery-status", ...statusOf(report)),
    ...part("text/rfc822-headers", ...returned),
    latin1(`--${boundary}--\r\n`),
  ]);
  return { fields: formatFields(headerOf(report)), body };
}

function headerOf({ from, to, subject, at, messageId, boundary }: ReportToWrite): Fields {
  return [
    ["Date", at && formatDate(at)],
    ["From", `Mail Delivery System <${from}>`],
    ["To", /[^\x20-\x7e]/.test(to) ? "undisclosed-recipients:;" : `<${to}>`],
    ["Subject", subject],
    ["Message-ID", `<${messageId}>`],
    ["Auto-Submitted", "auto-replied"],
    ["MIME-Version", "1.0"],
    ["Content-Type", `multipart/report; report-type=delivery-status; boundary="${boundary}"`],
  ];
}

function statusOf({ reportingMta, envelopeId, arrived, recipients }: ReportToWrite): readonly Uint8Array[] {
  const message: Fields = [
    ["Original-Envelope-Id", envelopeId],
    ["Reporting-MTA", `dns; ${reportingMta}`],
    ["Arrival-Date", arrived && formatDate(arrived)],
  ];
  const groups = recipients.map(
    ({ originalRecipient, finalRecipient, action, status, diagnostic }): Fields => [
      ["Original-Recipient", originalRecipient && formatTyped(originalRecipient)],
      ["Final-Recipient", finalRecipient && formatTyped(finalRecipient)],
      ["Action", action],
      ["Status", status],
      ["Diagnostic-Code", diagnostic && `smtp; ${printable(diagnostic).slice(0, maxDiagnostic)}`],
    ],
  );
  return [message, ...groups].flatMap((group, index) => [
    ...(index === 0 ? [] : [latin1("\r\n")]),
    ...formatFields(group),
  ]);
}

function formatFields(fields: Fields): readonly Uint8Array[] {
  return fields.flatMap(([name, value]) => (value === undefined ? [] : [formatField(name, value)]));
}

/** An address beyond ASCII in the escapes that any field can carry (RFC 6533, 3, utf-8-addr-xtext). */
function formatTyped({ type, address }: TypedAddress): string {
  if (!/[^\x20-\x7e]/.test(address)) return `${type}; ${address}`;
  const escaped = address.replace(/[^!-*,-<>-[\]-~]/gu, (character) => {
    const digits = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, "0");
    return `\\x{${digits}}`;
  });
  return `utf-8; ${escaped}`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, "?");
}
