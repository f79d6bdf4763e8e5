// Why a path is not good, in the order of telling most: the first reason of a verdict gives its code. A code further
// down says that nothing above it was found, so a grace for EXPIRED cannot cover a path that is also weak or revoked.
import type { Certificate } from "../x509.ts";

export type PathCode = "OK" | "UNTRUSTED" | "EXPIRED" | "NOT_YET_VALID" | "REVOKED" | "REVOCATION_UNKNOWN" | "WEAK";

export type ReasonCode =
  | "LIMIT" // the search was given up
  | "SIGNATURE" // a certificate's signature is not its issuer's
  | "ALGORITHM" // signed in a way that is not implemented
  | "KEY" // a key that cannot be used
  | "NOT_CA"
  | "KEY_USAGE"
  | "EXTENDED_KEY_USAGE"
  | "PATH_LENGTH"
  | "CONSTRAINT" // a critical extension or a constraint that is not judged here
  | "NOT_ANCHOR" // self-signed and not among the anchors
  | "NO_ISSUER"
  | "NO_ANCHORS"
  | Exclude<PathCode, "OK" | "UNTRUSTED">;

const codes: Readonly<Record<ReasonCode, PathCode>> = {
  LIMIT: "UNTRUSTED",
  SIGNATURE: "UNTRUSTED",
  ALGORITHM: "UNTRUSTED",
  KEY: "UNTRUSTED",
  NOT_CA: "UNTRUSTED",
  KEY_USAGE: "UNTRUSTED",
  EXTENDED_KEY_USAGE: "UNTRUSTED",
  PATH_LENGTH: "UNTRUSTED",
  CONSTRAINT: "UNTRUSTED",
  NOT_ANCHOR: "UNTRUSTED",
  NO_ISSUER: "UNTRUSTED",
  NO_ANCHORS: "UNTRUSTED",
  REVOKED: "REVOKED",
  WEAK: "WEAK",
  EXPIRED: "EXPIRED",
  NOT_YET_VALID: "NOT_YET_VALID",
  REVOCATION_UNKNOWN: "REVOCATION_UNKNOWN",
};

export type PathReason = { readonly code: ReasonCode; readonly certificate: string; readonly detail: string };

export function reason(code: ReasonCode, certificate: Certificate, detail: string): PathReason {
  return { code, certificate: certificate.subject, detail };
}

// LIMIT: what people read. A hostile certificate can be wrong in thousands of ways, and each reason names its subject.
export const maxReasons = 20;

const order = new Map(Object.keys(codes).map((code, rank) => [code, rank]));

/** Lower is more telling. */
export function rankOf({ code }: PathReason): number {
  return order.get(code) as number;
}

export function pathCodeOf({ code }: PathReason): PathCode {
  return codes[code];
}

/** Not wrong, only not known: with other anchors, evidence or patience it may still come out well. */
export function isUndecided({ code }: PathReason): boolean {
  return code === "NO_ANCHORS" || code === "LIMIT" || code === "REVOCATION_UNKNOWN";
}
