// Revocation, plain: full CRLs of the issuer itself, signed with the key that signed the certificate (RFC 5280, 6.3).
import { formatInstant } from "../asn1.ts";
import type { Certificate, Crl } from "../x509.ts";
import { type PathReason, reason } from "./reasons.ts";
import { checkSignature } from "./signature-memory.ts";

type Evidence = {
  readonly at: Date;
  readonly crls: readonly Crl[];
  readonly revocation: "ignore" | "check" | "require";
};

/** What speaks against the certificate; undefined where nothing does, or nothing is known and nothing required. */
export function revocationReason(
  certificate: Certificate,
  issuer: Certificate,
  { at, crls, revocation }: Evidence,
): PathReason | undefined {
  if (revocation === "ignore") return undefined;
  let known = false;
  for (const crl of crls) {
    if (crl.issuerKey !== certificate.issuerKey || !isEvidence(crl, issuer)) continue;
    const revoked = crl.revocationDate(certificate.serial);
    // Listed before the moment judged, even if by a list that came later.
    if (revoked !== undefined && revoked <= at)
      return reason("REVOKED", certificate, `revoked ${formatInstant(revoked)}`);
    known ||= crl.thisUpdate <= at && crl.nextUpdate !== undefined && at <= crl.nextUpdate;
  }
  if (known || revocation === "check") return undefined;
  return reason("REVOCATION_UNKNOWN", certificate, `no current CRL of ${certificate.issuer}`);
}

function isEvidence(crl: Crl, issuer: Certificate): boolean {
  const { keyUsage } = issuer.extensions;
  if (keyUsage !== undefined && !keyUsage.includes("cRLSign")) return false;
  if (crl.otherCritical.length > 0) return false;
  const check = checkSignature(crl, issuer);
  return check.kind === "valid" && check.weak.length === 0;
}
