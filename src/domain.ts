// Names of mail domains, checked once where they enter. Floor 0.

import { domainToASCII } from "node:url";

declare const brand: unique symbol;

/** A mail domain: A-labels, lower case, at least two labels, no dot at the end. */
export type DomainName = string & { readonly [brand]: "DomainName" };

/** LIMIT: RFC 1035, 2.3.4, without the root's own octet. */
export const maxDomainLength = 253;

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostShape = new RegExp(`^(?:${label}\\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`);

/** A domain name in its one form, or undefined. U-labels become A-labels. */
export function parseDomainName(text: string): DomainName | undefined {
  const name = parseHostName(text);
  return name?.includes(".") ? (name as DomainName) : undefined;
}

/** As `parseDomainName`, but a single label (`localhost`) is a name too. */
export function parseHostName(text: string): string | undefined {
  // domainToASCII reads numbers as IPv4 addresses, so it sees only names that need it; the shape judges what it gives.
  const name = isAscii(text) ? text.toLowerCase() : domainToASCII(text);
  return name.length <= maxDomainLength && hostShape.test(name) ? name : undefined;
}

/** The domains above, nearest first, down to two labels. */
export function* parentDomains(name: DomainName): Generator<DomainName> {
  let dot = name.indexOf(".");
  for (let next = name.indexOf(".", dot + 1); next > 0; next = name.indexOf(".", dot + 1)) {
    yield name.slice(dot + 1) as DomainName;
    dot = next;
  }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
