// Addresses in certificates, read strictly: a name is an identity only if no two programs can read it differently
// (security A12: blanks, NUL, control octets, second @, Unicode).

import { type DomainName, parseDomainName } from "../domain.ts";

export type EmailAddress = { readonly localPart: string; readonly domain: DomainName };

// LIMIT: RFC 5321, 4.5.3.1.1.
const maxLocalPart = 64;

const localPartShape = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;

/** An ASCII dot-atom, one @, and a domain in A-labels, which is lower-cased; undefined for all else. */
export function parseEmailAddress(text: string): EmailAddress | undefined {
  const at = text.indexOf("@");
  if (at <= 0 || at > maxLocalPart) return undefined;
  const localPart = text.slice(0, at);
  const domain = text.slice(at + 1);
  // U-labels are refused before anything folds or converts them.
  if (!localPartShape.test(localPart) || !/^[\x21-\x7e]+$/.test(domain)) return undefined;
  const name = parseDomainName(domain);
  return name === undefined ? undefined : { localPart, domain: name };
}

export function formatEmailAddress({ localPart, domain }: EmailAddress): string {
  return `${localPart}@${domain}`;
}
