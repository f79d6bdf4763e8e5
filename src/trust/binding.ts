// Whom a certificate speaks for (standards 11.5, C1 and C2): the rfc822Names that x509 reads as identities, and nothing
// else of it. Whether the certificate itself may be believed is another question.
import { parseDomainName } from "../domain.ts";
import { type Certificate, parseEmailAddress } from "../x509.ts";

export type DomainRole = "signing" | "encryption";

/** The well-known local parts; no member lets a user have them (C7). */
export const domainAuthorities: Readonly<Record<DomainRole, string>> = {
  signing: "domain-signing-authority",
  encryption: "domain-confidentiality-authority",
};

/** Whether the certificate is the domain's own for this role: exactly this domain, not one above or below it. */
export function isBoundToDomain(certificate: Certificate, domain: string, role: DomainRole): boolean {
  const name = parseDomainName(domain);
  return name !== undefined && isBoundToAddress(certificate, `${domainAuthorities[role]}@${name}`);
}

/** Whether the certificate names the address. RFC 8550 3: the local part is compared without regard to case. */
export function isBoundToAddress(certificate: Certificate, address: string): boolean {
  const wanted = parseEmailAddress(address);
  if (wanted === undefined) return false;
  const folded = `${wanted.localPart}@${wanted.domain}`.toLowerCase();
  return certificate.emails.some((email) => email.toLowerCase() === folded);
}

/** The domains that the certificate is the own one of, for this role. */
export function boundDomains(certificate: Certificate, role: DomainRole): readonly string[] {
  const prefix = `${domainAuthorities[role]}@`;
  return certificate.emails
    .map((email) => email.toLowerCase())
    .filter((email) => email.startsWith(prefix))
    .map((email) => email.slice(prefix.length));
}
