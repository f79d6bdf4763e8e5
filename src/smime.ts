// S/MIME (RFC 8551): CMS and MIME joined. Floor 1.
//
//   protect   sign, then encrypt; the result is one mail, streamed
//   open      take the layers off, restore the message octet for octet, say what is right and what is wrong
//
// `open` hands octets on only together with a code; whose signature counts is asked of a function, because trust is
// judged a floor above. docs/examples/library.mjs shows both to programs outside of this house; what they need for it
// from the floors below is handed through here.

export { type PrivateKey, privateKeyOf } from "./crypto.ts";
export { codeOfFailure } from "./smime/failures.ts";
export { mayHandOn } from "./smime/hand-on.ts";
export { certificateReport, type JudgeSigner } from "./smime/judge.ts";
export { layoutField } from "./smime/layout.ts";
export { smimeKindOf } from "./smime/media-types.ts";
export { type Opened, type OpenOptions, open, openBare } from "./smime/open.ts";
export {
  cipherFor,
  defaultProfile,
  managementFor,
  type ProfileName,
  profileNames,
  recipientFor,
  signatureFor,
} from "./smime/profile.ts";
export { protect } from "./smime/protect.ts";
export type { ProtectOptions } from "./smime/protect-options.ts";
export {
  type EncryptedLayerReport,
  exitStatusOf,
  type LayerReport,
  type OpenReport,
  type Outcome,
  type PathReport,
  type ReportCode,
  reportCodes,
  type SignedLayerReport,
  type SignerReport,
} from "./smime/report.ts";
export { type Certificate, certificatesInFile } from "./x509.ts";
