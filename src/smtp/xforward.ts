// XFORWARD, by which Postfix tells the next program whom it had a message from and what it calls it (its XFORWARD_README).
// The queue id is what we need: a retry of the same mail is known by it. Only trusted peers are listened to.

import type { Origin, Peer } from "./transaction.ts";
import { parseXtext } from "./xtext.ts";

export const xforwardAttributes = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"] as const;
export type XforwardAttribute = (typeof xforwardAttributes)[number];

/** LIMIT: the document's own. */
const maxValue = 255;
/** No blanks, no controls, nothing that is special in a header field; colons and brackets stand in addresses. */
const plain = /^[!#-'*+\--:=?A-[\]-~]+$/;
const unavailable = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i;

/** Values by attribute, undefined for `[UNAVAILABLE]` and for what nobody should repeat; undefined: no XFORWARD. */
export function parseXforward(rest: string): ReadonlyMap<XforwardAttribute, string | undefined> | undefined {
  const found = new Map<XforwardAttribute, string | undefined>();
  for (const attribute of rest.split(" ")) {
    const equals = attribute.indexOf("=");
    const name = attribute.slice(0, equals).toUpperCase();
    const value = parseXtext(attribute.slice(equals + 1));
    if (equals < 0 || !isAttribute(name) || value === undefined || value.length > maxValue) return undefined;
    found.set(name, unavailable.test(value) || !plain.test(value) ? undefined : value);
  }
  return found;
}

/** What the attributes say of a message. */
export function forwardedBy(attributes: ReadonlyMap<XforwardAttribute, string>): Pick<Peer, "queueId" | "origin"> {
  const origin: { -readonly [Name in keyof Origin]: Origin[Name] } = {};
  const { NAME, ADDR, PORT, PROTO, HELO, IDENT, SOURCE } = Object.fromEntries(attributes);
  if (NAME !== undefined) origin.name = NAME;
  if (ADDR !== undefined) origin.address = ADDR.replace(/^IPv6:/i, "");
  if (PORT !== undefined && /^[0-9]{1,5}$/.test(PORT)) origin.port = Number(PORT);
  if (HELO !== undefined) origin.helo = HELO;
  if (PROTO !== undefined) origin.protocol = PROTO;
  if (SOURCE === "LOCAL" || SOURCE === "REMOTE") origin.source = SOURCE;
  return {
    ...(IDENT === undefined ? {} : { queueId: IDENT }),
    ...(Object.keys(origin).length === 0 ? {} : { origin }),
  };
}

function isAttribute(name: string): name is XforwardAttribute {
  return xforwardAttributes.some((known) => known === name);
}
