// Header fields in which somebody outside speaks for us: they are taken off before anybody reads the message.

import { fieldText, type HeaderBlock, type HeaderField } from "../mime.ts";

/** Without results in our name and without what only we write (RFC 8601, 5; security.md A18). */
export function withoutClaims(header: HeaderBlock, authservId: string): HeaderBlock {
  return { ...header, fields: header.fields.filter((field) => !isClaim(field, authservId)) };
}

const blindCopies: ReadonlySet<string> = new Set(["bcc", "resent-bcc"]);

/** Without what a sender's program left of the recipients whom the others shall not see (security.md A53). */
export function withoutBlindCopies(header: HeaderBlock): HeaderBlock {
  return { ...header, fields: header.fields.filter(({ name }) => !blindCopies.has(name.toLowerCase())) };
}

function isClaim(field: HeaderField, authservId: string): boolean {
  const name = field.name.toLowerCase();
  return name.startsWith("postern-") || (name === "authentication-results" && namesUs(field, authservId));
}

/**
 * Wherever before the results our name stands, some reader takes it for the identifier. Where comments or quotes leave
 * open which semicolon that is, anywhere.
 */
function namesUs(field: HeaderField, authservId: string): boolean {
  const text = fieldText(field).toLowerCase();
  const beforeResults = /^[^;("\\]*(?=;|$)/.exec(text)?.[0];
  return (beforeResults ?? text.replaceAll("\\", "")).includes(authservId);
}
