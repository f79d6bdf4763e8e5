// How the gateway judges certificates of other members: by the anchors of the configuration, and where certificates were
// exchanged by hand, by those and no others.

import type { Found, JudgeEncryption } from "../directory.ts";
import { type Binding, isBoundToDomain, verifyPath, verifyPinned } from "../trust.ts";
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
