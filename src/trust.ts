// Trust: may this certificate be believed, and for whom does it speak? Floor 2, pure: certificates, CRLs and the moment
// are arguments, the answer is a value.
//
//   verifyPath        a path to one of the given anchors (RFC 5280, 6): signatures, dates, authority flags, usages, path
//                     length, revocation by CRLs, strength. Names and policies are not judged yet: a path that is
//                     constrained by them is not valid.
//   verifyPinned      the same for a certificate that was compared by hand and needs no authority
//   isBoundToDomain   is it the domain's own certificate (DOMSEC addresses, exact domain)?
//   isBoundToAddress  does it name this address?
//
// A search looks at 100 signatures and paths of 10 certificates at most; signatures once checked are remembered as long
// as their certificates are, everything else is judged anew each time.
export {
  boundDomains,
  type DomainRole,
  domainAuthorities,
  isBoundToAddress,
  isBoundToDomain,
} from "./trust/binding.ts";
export { type Binding, type SignerJudgeOptions, signerJudge } from "./trust/judge-signer.ts";
export type { Purpose } from "./trust/path-validation.ts";
export type { PathCode, PathReason, ReasonCode } from "./trust/reasons.ts";
export { type PathOptions, type PathVerdict, verifyPath, verifyPinned } from "./trust/verify-path.ts";
