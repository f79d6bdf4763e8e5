// Trace fields: what mail systems write on top of a letter (RFC 5321, 4.4). Floor 1, see ../mime.ts.

import { formatField } from "./field-writer.ts";

export type Hop = {
  /** What the client called itself; whatever is no domain or address literal is left out. */
  readonly helo?: string;
  /** IP address of the client; left out for Unix sockets. */
  readonly clientAddress?: string;
  readonly by: string;
  /** RFC 3848 keyword: SMTP, ESMTPS, LMTP ... */
  readonly protocol: string;
  readonly id: string;
  /** Only for a message with a single recipient: the others shall not read of each other (RFC 5321, 7.2). */
  readonly recipient?: string;
  /** A comment behind `by`, as loop detection uses it. */
  readonly comment?: string;
  readonly at: Date;
};

/** The Received field of one hop, with its final CRLF. */
export function formatReceived(hop: Hop): Uint8Array {
  const { helo, clientAddress, recipient, comment } = hop;
  const name = helo !== undefined && heloShape.test(helo) ? helo : "unknown";
  const from = clientAddress === undefined ? name : `${name} ([${addressLiteral(clientAddress)}])`;
  const by = comment === undefined ? hop.by : `${hop.by} (${comment})`;
  const forWhom = recipient !== undefined && /^[!-~]+$/.test(recipient) ? ` for <${recipient}>` : "";
  return formatField(
    "Received",
    `from ${from} by ${by} with ${hop.protocol} id ${hop.id}${forWhom}; ${formatDate(hop.at)}`,
  );
}

const heloShape = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?|\[[A-Za-z0-9.:]{1,60}\])$/;

function addressLiteral(address: string): string {
  return address.includes(":") ? `IPv6:${address}` : address;
}

/** RFC 5322, 3.3, in UTC. */
export function formatDate(at: Date): string {
  return at.toUTCString().replace("GMT", "+0000");
}
