// To which certificates is mail for a member encrypted? To every encryption certificate of the domain that is good now
// (security.md A53: one object per destination domain). Each of the others is named with its reason, because "why not
// this one?" is what an operator asks.

import type { DomainName } from "../domain.ts";
import type { Certificate } from "../x509.ts";
import type { Found } from "./snapshot.ts";

/** Trust is judged beside this door, so it is an argument: `trust`'s verdict and binding for encryption. */
export type JudgeEncryption = (
  certificate: Certificate,
  domain: DomainName,
  /** Somebody compared it by hand: it needs no authority to speak for it. */
  pinned: boolean,
) => { readonly bound: boolean; readonly code: string; readonly detail?: string };

export type RejectedCertificate = {
  readonly certificate: Certificate;
  /** `NOT_BOUND`, `NOT_PINNED`, `KEY_USAGE`, or the code of the path. */
  readonly code: string;
  readonly reason: string;
};

export type CertificateSelection = {
  readonly chosen: readonly Certificate[];
  readonly rejected: readonly RejectedCertificate[];
};

/** Newest first, so that a peer that looks at the first recipient only meets the key of tomorrow. */
export function selectEncryptionCertificates({ member, domain }: Found, judge: JudgeEncryption): CertificateSelection {
  const chosen: Certificate[] = [];
  const rejected: RejectedCertificate[] = [];
  for (const certificate of member.certificates) {
    const objection = objectionTo(certificate, { member, domain }, judge);
    if (objection === undefined) chosen.push(certificate);
    else rejected.push({ certificate, ...objection });
  }
  chosen.sort((a, b) => b.notBefore.getTime() - a.notBefore.getTime());
  return { chosen, rejected };
}

function objectionTo(
  certificate: Certificate,
  { member, domain }: Found,
  judge: JudgeEncryption,
): Omit<RejectedCertificate, "certificate"> | undefined {
  const { keyUsage } = certificate.extensions;
  if (keyUsage !== undefined && !keyUsage.includes("keyEncipherment") && !keyUsage.includes("keyAgreement")) {
    return { code: "KEY_USAGE", reason: "not for encryption" };
  }
  const pinned = member.pins.includes(certificate.sha256);
  if (!pinned && member.pins.length > 0) return { code: "NOT_PINNED", reason: "not one that was exchanged by hand" };
  const { bound, code, detail } = judge(certificate, domain, pinned);
  if (!bound && !(pinned && member.identification.kind === "manual"))
    return { code: "NOT_BOUND", reason: `does not name the confidentiality authority of ${domain}` };
  return code === "OK" ? undefined : { code, reason: detail ?? "its path is not good" };
}
