// Replies: the type, the one writer and the one reader (RFC 5321 4.2, RFC 2034, RFC 3463).

import { smtpError } from "./smtp-error.ts";

export type Reply = {
  readonly code: number;
  /** RFC 3463, as `2.1.5`; absent where the grammar has none (220, 354) or the peer gave none. */
  readonly enhancedStatus?: string;
  /** One text a line, without code and status. */
  readonly lines: readonly string[];
  /** What else is known, for our own logs and reports: inner addresses and the like, which no peer is told. */
  readonly detail?: string;
};

/** LIMIT: RFC 5321, 4.5.3.1.5 says 512 octets a reply line; peers send longer ones. */
export const maxReplyLine = 4096;
/** LIMIT: an EHLO of 30 keywords is the longest honest reply seen. */
export const maxReplyLines = 200;
/** What we say stays within the 512 octets of RFC 5321, 4.5.3.1.5. */
const maxText = 480;

export function reply(code: number, enhancedStatus: string | undefined, ...lines: readonly string[]): Reply {
  return enhancedStatus === undefined ? { code, lines } : { code, enhancedStatus, lines };
}

export function isPositive(answer: Reply): boolean {
  return answer.code >= 200 && answer.code < 300;
}

export function isPermanent(answer: Reply): boolean {
  return answer.code >= 500;
}

/** A reply as it goes over the wire. Texts may come from a peer, so only printable ASCII leaves. */
export function formatReply({ code, enhancedStatus, lines }: Reply): string {
  const status = enhancedStatus === undefined ? "" : `${enhancedStatus} `;
  const texts = lines.length === 0 ? [""] : lines;
  return texts.map((text, at) => `${code}${at < texts.length - 1 ? "-" : " "}${status}${printable(text)}\r\n`).join("");
}

/** The reply in one line, as it is told. */
export function describeReply({ code, enhancedStatus, lines }: Reply): string {
  return [code, enhancedStatus, ...lines.map(printable)].filter((part) => part !== undefined).join(" ");
}

/** The same, with what the peer is not told in place of what it is. */
export function describeInDetail({ detail, ...answer }: Reply): string {
  return describeReply(detail === undefined ? answer : { ...answer, lines: [detail] });
}

/** Reads the lines of one reply, without their line ends; the last one has a blank after the code, or nothing. */
export function parseReply(received: readonly string[]): Reply {
  const lines: string[] = [];
  let code: string | undefined;
  let enhancedStatus: string | undefined;
  for (const line of received) {
    const shape = /^([2-5][0-9]{2})(?:[ -](.*))?$/.exec(line);
    if (shape === null || (code !== undefined && shape[1] !== code)) {
      throw smtpError("SMTP_REPLY_MALFORMED", "temporary", `not a reply: ${printable(line)}`);
    }
    code = shape[1];
    const text = shape[2] ?? "";
    const status = /^([245])\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)/.exec(text);
    // A status whose class is not the code's is text (RFC 2034, section 3).
    const isStatus = status !== null && status[1] === code?.[0];
    if (isStatus) enhancedStatus ??= status[0];
    lines.push(isStatus ? text.slice(status[0].length + 1) : text);
  }
  return reply(Number(code), enhancedStatus, ...lines);
}

export function isLastReplyLine(line: string): boolean {
  return line[3] !== "-";
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, maxText);
}
