// One signer judged: the path to an anchor at the right moment, and whether its certificate names who it must.
import type { JudgeSigner } from "../smime.ts";
import type { Certificate, Crl } from "../x509.ts";
import { isBoundToAddress, isBoundToDomain } from "./binding.ts";
import { verifyPath, verifyPinned } from "./verify-path.ts";

/** Whom a signer's certificate must name. `unknown`: somebody should be named, and From does not say who. */
export type Binding =
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "address"; readonly address: string }
  /** One of these certificates and no other, by SHA-256; `named`: it must name the domain all the same. */
  | { readonly kind: "pinned"; readonly domain: string; readonly pins: readonly string[]; readonly named: boolean }
  | { readonly kind: "none" }
  | { readonly kind: "unknown" };

export type SignerJudgeOptions = {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly crls: readonly Crl[];
  readonly revocation: "require" | "check" | "ignore";
  readonly now: Date;
  readonly legacy: boolean;
  readonly binding: Binding;
};

// Spec S-6: mail waits in queues, for five days at most; a signature of that time is judged by its own.
const queueTimeMs = 7 * 86_400_000;

export function signerJudge(options: SignerJudgeOptions): JudgeSigner {
  const { now, binding } = options;
  return ({ certificate, certificates, signingTime }) => {
    const verify = isPinned(certificate, binding) ? verifyPinned : verifyPath;
    const path = verify(certificate, {
      ...options,
      alsoAtHand: certificates,
      at: judgingTime(now, signingTime),
      // Who stole a key also says when its signatures were made: revocation is looked at now.
      revocationAt: now,
      purpose: "signing",
    });
    return { path, bound: isBound(certificate, binding) };
  };
}

function judgingTime(now: Date, signingTime: Date | undefined): Date {
  const age = signingTime === undefined ? 0 : now.getTime() - signingTime.getTime();
  return signingTime !== undefined && age > 0 && age <= queueTimeMs ? signingTime : now;
}

function isBound(certificate: Certificate, binding: Binding): boolean {
  if (binding.kind === "none") return true;
  if (binding.kind === "pinned") {
    if (!isPinned(certificate, binding)) return false;
    return !binding.named || isBoundToDomain(certificate, binding.domain, "signing");
  }
  if (binding.kind === "domain") return isBoundToDomain(certificate, binding.domain, "signing");
  return binding.kind === "address" && isBoundToAddress(certificate, binding.address);
}

function isPinned(certificate: Certificate, binding: Binding): boolean {
  return binding.kind === "pinned" && binding.pins.includes(certificate.sha256);
}
