// What opening a message found, as a value: the shape of `postern-report/1` (docs/reports.md). One table of codes
// for the whole product; codes are added, none is reused.

export type ReportCode =
  | "OK"
  | "SIGNED_ONLY"
  | "STALE"
  | "UNPROTECTED"
  | "CERTS_ONLY"
  | "ENCRYPTED_ONLY"
  | "BAD_SIGNATURE"
  | "WEAK"
  | "UNSUPPORTED"
  | "UNTRUSTED"
  | "SIGNER_MISMATCH"
  | "EXPIRED"
  | "NOT_YET_VALID"
  | "REVOKED"
  | "REVOCATION_UNKNOWN"
  | "NO_KEY"
  | "BAD_CONTENT"
  | "MALFORMED"
  | "LIMIT";
export type Outcome = "opened" | "plain" | "untrusted" | "refused";

/** What each code means, and what becomes of a message by it (house table; the gateway's rules may be stricter). */
export const reportCodes: Readonly<Record<ReportCode, { readonly outcome: Outcome; readonly meaning: string }>> = {
  OK: { outcome: "opened", meaning: "all layers off, a signature valid, its path valid" },
  SIGNED_ONLY: { outcome: "opened", meaning: "a valid signature without encryption" },
  STALE: { outcome: "opened", meaning: "signed too long ago, or in the future" },
  UNPROTECTED: { outcome: "plain", meaning: "no S/MIME layer at the root" },
  CERTS_ONLY: { outcome: "plain", meaning: "certificates only; nothing is imported from mail" },
  ENCRYPTED_ONLY: { outcome: "untrusted", meaning: "decrypted, nothing signed inside" },
  BAD_SIGNATURE: { outcome: "untrusted", meaning: "the content is not what was signed, or no signer counts" },
  WEAK: { outcome: "untrusted", meaning: "right, but an algorithm or key is below the floor" },
  UNSUPPORTED: { outcome: "untrusted", meaning: "an algorithm or form that is not implemented" },
  UNTRUSTED: { outcome: "untrusted", meaning: "no path to a trust anchor, or the path is not valid" },
  SIGNER_MISMATCH: { outcome: "untrusted", meaning: "a valid signature of somebody else" },
  EXPIRED: { outcome: "untrusted", meaning: "a certificate's time is over" },
  NOT_YET_VALID: { outcome: "untrusted", meaning: "a certificate's time has not come" },
  REVOKED: { outcome: "untrusted", meaning: "a certificate was revoked" },
  REVOCATION_UNKNOWN: { outcome: "untrusted", meaning: "nothing says whether a certificate was revoked" },
  NO_KEY: { outcome: "refused", meaning: "encrypted, and no recipient entry names a key held here" },
  BAD_CONTENT: { outcome: "refused", meaning: "decryption or authentication failed" },
  MALFORMED: { outcome: "refused", meaning: "not readable" },
  LIMIT: { outcome: "refused", meaning: "over a limit" },
};

export type PathReport = {
  readonly verdict: "valid" | "invalid" | "indeterminate";
  readonly code: ReportCode;
  readonly reasons?: readonly { readonly code: string; readonly certificate: string; readonly detail: string }[];
};

export type CertificateReport = {
  readonly subject: string;
  readonly issuer: string;
  readonly emails: readonly string[];
  readonly serial: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly sha256: string;
};

export type SignerReport = {
  readonly verdict: "valid" | "invalid" | "indeterminate";
  readonly code: ReportCode;
  readonly signature: "valid" | "invalid" | "unsupported";
  readonly path: PathReport;
  readonly bound: boolean;
  readonly algorithm?: string;
  readonly certificate?: CertificateReport;
  readonly id?: Readonly<Record<string, string>>;
  readonly signingTime?: string;
  readonly signatureType?: string;
  readonly chain?: readonly string[];
  readonly weak?: readonly string[];
  readonly reason?: string;
};

export type RecipientReport = {
  readonly kind: string;
  readonly algorithm?: string;
  readonly id?: Readonly<Record<string, string>>;
  readonly ours: boolean;
};

export type EncryptedLayerReport = {
  readonly type: "envelopedData" | "authEnvelopedData";
  readonly contentEncryption: string;
  readonly encoding: string;
  readonly recipients: readonly RecipientReport[];
  readonly weak?: readonly string[];
};

export type SignedLayerReport = {
  readonly type: "signedData";
  readonly form: "opaque" | "detached";
  readonly encoding: string;
  readonly signers: readonly SignerReport[];
};

/** Certificates that came without a signature. */
export type CertificatesReport = {
  readonly type: "signedData";
  readonly encoding: string;
  readonly certificates: readonly CertificateReport[];
};

export type LayerReport = EncryptedLayerReport | SignedLayerReport | CertificatesReport;

export type OpenReport = {
  readonly format: "postern-report/1";
  readonly command: "open" | "explain";
  readonly outcome: Outcome;
  readonly code: ReportCode;
  readonly layers: readonly LayerReport[];
  /** The domain (or address) that a signer must be bound to, where there is one. */
  readonly domain?: string;
  readonly address?: string;
  /** "none" where nothing was asked of the signer's name. */
  readonly binding?: "none";
  readonly quirks: readonly string[];
  /** In words, for people: the failure with its offset, or why the code is not OK. */
  readonly reason?: string;
};

/** As `outcome` of the table, but for what could not be read at all. */
export function outcomeOf(code: ReportCode, readable: boolean): Outcome {
  const { outcome } = reportCodes[code];
  return outcome === "untrusted" && !readable ? "refused" : outcome;
}

/** Exit status of the judging commands (sysexits). */
export function exitStatusOf(code: ReportCode): 0 | 1 | 65 {
  if (code === "MALFORMED" || code === "LIMIT") return 65;
  return reportCodes[code].outcome === "opened" ? 0 : 1;
}
