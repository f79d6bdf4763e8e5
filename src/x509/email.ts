// Addresses in certificates, read strictly: a name is an identity only if no two programs can read it differently
// (security A12: blanks, NUL, control octets, second @, Unicode).

export type EmailAddress = { readonly localPart: string; readonly domain: string };

// LIMIT: RFC 5321 4.5.3.1.1 and 4.5.3.1.2; a domain of 253 characters is the longest that DNS can hold.
const maxLocalPart = 64;
const maxDomain = 253;

const localPartShape = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const labelShape = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** An ASCII dot-atom, one @, and a domain of LDH labels (A-labels for others), lower-cased; undefined for all else. */
export function parseEmailAddress(text: string): EmailAddress | undefined {
  const at = text.indexOf("@");
  if (at <= 0 || at > maxLocalPart) return undefined;
  const localPart = text.slice(0, at);
  const domain = text.slice(at + 1).toLowerCase();
  return localPartShape.test(localPart) && isHostName(text.slice(at + 1)) ? { localPart, domain } : undefined;
}

export function formatEmailAddress({ localPart, domain }: EmailAddress): string {
  return `${localPart}@${domain}`;
}

function isHostName(text: string): boolean {
  // Tested on ASCII before folding: U+212A folds to "k" and U+0130 to something with an "i" in it.
  if (text.length > maxDomain || !/^[\x21-\x7e]+$/.test(text)) return false;
  const labels = text.toLowerCase().split(".");
  return (
    labels.length >= 2 && labels.every((label) => labelShape.test(label)) && /^[a-z]/.test(labels.at(-1) as string)
  );
}
