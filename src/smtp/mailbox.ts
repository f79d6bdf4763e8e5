// Addresses of the envelope (RFC 5321 4.1.2, RFC 6531). They are parsed here and built anew when they leave, never
// copied: what does not survive that is no address, and no command can hide in one (security.md A34).

import { isIP } from "node:net";
import { parseHostName } from "../domain.ts";

/** A checked address: local part without quoting, domain in A-labels and lower case, or an address literal. */
export type Mailbox = { readonly localPart: string; readonly domain: string };

/** LIMIT: RFC 5321, 4.5.3.1.1 asks for 64 octets at least; VERP and SRS make longer ones. */
export const maxLocalPart = 256;

const atext = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u{a0}-\\u{10ffff}-]";
const dotString = new RegExp(`^${atext}+(?:\\.${atext}+)*$`, "u");
const quotedString = /^"((?:[ !#-[\]-~\u{a0}-\u{10ffff}]|\\[ -~])*)"$/u;
const sourceRoute = /^@[^\s:"<>]{1,512}:/;

/** The address between the angle brackets, a source route dropped as RFC 5321, 4.1.1.3 says. */
export function parseMailbox(text: string): Mailbox | undefined {
  const address = text.replace(sourceRoute, "");
  const at = address.lastIndexOf("@");
  if (at < 1) return undefined;
  const localPart = parseLocalPart(address.slice(0, at));
  const domain = parseDomain(address.slice(at + 1));
  return localPart === undefined || domain === undefined ? undefined : { localPart, domain };
}

/** The address as it goes into a command or a header field, quoted only where it must be. */
export function formatMailbox({ localPart, domain }: Mailbox): string {
  const local = dotString.test(localPart) ? localPart : `"${localPart.replace(/[\\"]/g, "\\$&")}"`;
  return `${local}@${domain}`;
}

export function sameMailbox(a: Mailbox, b: Mailbox): boolean {
  return a.localPart === b.localPart && a.domain === b.domain;
}

/** True when the address needs SMTPUTF8 on every hop (RFC 6531). */
export function needsUtf8({ localPart }: Mailbox): boolean {
  return /[^\x20-\x7e]/.test(localPart);
}

function parseLocalPart(text: string): string | undefined {
  if (Buffer.byteLength(text) > maxLocalPart) return undefined;
  if (dotString.test(text)) return text;
  return quotedString.exec(text)?.[1]?.replace(/\\(.)/g, "$1");
}

function parseDomain(text: string): string | undefined {
  return parseHostName(text) ?? parseAddressLiteral(text);
}

/** `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321, 4.1.3). */
export function parseAddressLiteral(text: string): string | undefined {
  const shape = /^\[(IPv6:)?([0-9A-Fa-f.:]{2,45})\]$/i.exec(text);
  if (shape === null || isIP(shape[2] ?? "") !== (shape[1] === undefined ? 4 : 6)) return undefined;
  return shape[1] === undefined ? `[${shape[2]}]` : `[IPv6:${shape[2]?.toLowerCase()}]`;
}
