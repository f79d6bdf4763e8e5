// How the gateway judges certificates of other members: by the anchors of the configuration, and where certificates were
// exchanged by hand, by those and no others.

import { type Found, type JudgeEncryption, selectEncryptionCertificates } from "../directory.ts";
import { type Binding, type DomainRole, isBoundToDomain, signerJudge, verifyPath, verifyPinned } from "../trust.ts";
import type { Certificate } from "../x509.ts";
import type { Trust } from "./passage.ts";

/** Whether mail may be encrypted to a certificate of the directory. */
export function encryptionJudge({ anchors, intermediates, crls, revocation }: Trust, at: Date): JudgeEncryption {
  const options = { anchors, intermediates, crls, revocation, at, purpose: "encryption" } as const;
  return (certificate, domain, pinned) => {
    const path = (pinned ? verifyPinned : verifyPath)(certificate, options);
    const detail = path.reasons[0]?.detail;
    return {
      bound: isBoundToDomain(certificate, domain, "encryption"),
      code: path.code,
      ...(detail === undefined ? {} : { detail }),
    };
  };
}

/** Whom the signer of mail from a domain must be; `found` is the domain's entry in the directory, if it has one. */
export function signerBinding(domain: string, found: Found | undefined): Binding {
  if (found === undefined) return { kind: "domain", domain };
  const { pins, identification } = found.member;
  if (pins.length === 0) return { kind: "domain", domain: found.domain };
  return { kind: "pinned", domain: found.domain, pins, named: identification.kind !== "manual" };
}

/** What a certificate of an entry is good for, or why not: `OK`, or the code of what is wrong. */
export type JudgedCertificate = {
  readonly certificate: Certificate;
  readonly role: DomainRole;
  readonly code: string;
  readonly reason?: string;
};

/** Each certificate of a member in each role that its key usage allows, as mail would be judged at that moment. */
export function judgeCertificates(found: Found, trust: Trust, at: Date): readonly JudgedCertificate[] {
  const { chosen, rejected } = selectEncryptionCertificates(found, encryptionJudge(trust, at));
  const encryption = [
    ...chosen.map((certificate) => ({ certificate, code: "OK" })),
    ...rejected.filter(({ code }) => code !== "KEY_USAGE"),
  ];
  const binding = signerBinding(found.domain, found);
  const judge = signerJudge({ ...trust, now: at, legacy: false, binding });
  const signing = found.member.certificates.filter(maySign).map((certificate) => {
    const { path, bound } = judge({ certificate, certificates: [] });
    return { certificate, ...(bound ? wordsFor(path) : whyNotBound(certificate, found)) };
  });
  return [
    ...encryption.map((judged) => ({ ...judged, role: "encryption" as const })),
    ...signing.map((judged) => ({ ...judged, role: "signing" as const })),
  ];
}

function wordsFor({ code, reasons = [] }: ReturnType<ReturnType<typeof signerJudge>>["path"]) {
  const detail = reasons[0]?.detail;
  return { code, ...(detail === undefined || code === "OK" ? {} : { reason: detail }) };
}

function whyNotBound({ sha256 }: Certificate, { member, domain }: Found) {
  if (member.pins.length > 0 && !member.pins.includes(sha256))
    return { code: "NOT_PINNED", reason: "not one that was exchanged by hand" };
  return { code: "NOT_BOUND", reason: `does not name the signing authority of ${domain}` };
}

function maySign({ extensions: { keyUsage } }: Certificate): boolean {
  return keyUsage === undefined || keyUsage.includes("digitalSignature") || keyUsage.includes("nonRepudiation");
}
