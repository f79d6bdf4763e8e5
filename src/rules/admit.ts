// What a verdict permits for mail that came in: the gateway column of the table of codes (docs, reports).

import type { ReportCode } from "../smime.ts";

/** What is known of a message once it was opened. */
export type Finding = {
  readonly code: ReportCode;
  /** An encrypted layer was there, or may have been. */
  readonly encrypted: boolean;
  /** The content came out of a cipher mode that authenticates nothing. */
  readonly afterCbc: boolean;
  /** There is content that may be handed on at all. */
  readonly readable: boolean;
};

export type Admission =
  | "deliver" // as opened
  | "deliverUntouched" // as it came
  | "hold" // neither delivered nor lost
  | "defer"; // time may mend it

/**
 * Nothing that came out of CBC without a good signature over all of it is delivered (EFAIL, security.md A22), and what
 * was encrypted and cannot be judged is held: to the outside it must not matter which check failed.
 */
export function admit({ code, encrypted, afterCbc, readable }: Finding): Admission {
  switch (code) {
    case "OK":
    case "SIGNED_ONLY":
    case "STALE":
      return readable ? "deliver" : "hold";
    case "UNPROTECTED":
    case "CERTS_ONLY":
    case "NO_KEY":
      return "deliverUntouched";
    case "ENCRYPTED_ONLY":
    case "BAD_SIGNATURE":
    case "WEAK":
    case "UNSUPPORTED":
    case "UNTRUSTED":
    case "SIGNER_MISMATCH":
    case "EXPIRED":
    case "NOT_YET_VALID":
      return readable && !afterCbc ? "deliver" : "hold";
    case "REVOKED":
    case "BAD_CONTENT":
      return "hold";
    case "REVOCATION_UNKNOWN":
      return "defer";
    case "MALFORMED":
    case "LIMIT":
      return encrypted ? "hold" : "deliverUntouched";
  }
}
