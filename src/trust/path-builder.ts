// Candidates for a certification path: from the leaf upward, by name and signature, to the given anchors and no others
// (RFC 4158). Key identifiers and dates only say what to try first. Whether a path is good is path-validation's to say.
import { equalOctets } from "../bytes.ts";
import { type Certificate, isSelfIssued, keyIdentifiersFit } from "../x509.ts";
import { type PathReason, reason } from "./reasons.ts";
import { checkSignature } from "./signature-memory.ts";

// LIMIT: security A67; honest paths have 2 to 5 certificates.
export const maxPathLength = 10;
/** Signatures looked at in one search, remembered ones too, so that a verdict does not depend on what came before. */
export const maxSignatureChecks = 100;

export type Search = {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly alsoAtHand: readonly Certificate[];
  readonly at: Date;
  /** Filled while searching: why branches ended. */
  readonly deadEnds: PathReason[];
};

type Progress = Search & { checksLeft: number };

/** Every path to an anchor, leaf first, whose signatures are right; the likeliest first. */
export function* pathsToAnchors(leaf: Certificate, search: Search): Generator<readonly Certificate[], void, void> {
  yield* extend([leaf], { ...search, checksLeft: maxSignatureChecks });
}

function* extend(path: readonly Certificate[], progress: Progress): Generator<readonly Certificate[], void, void> {
  const last = path.at(-1) as Certificate;
  if (isAnchor(last, progress.anchors)) yield path;
  const failures: PathReason[] = [];
  let extended = false;
  for (const issuer of isSelfSigned(last) ? [] : issuersOf(last, path, progress)) {
    if (path.length === maxPathLength || progress.checksLeft === 0) {
      progress.deadEnds.push(
        reason("LIMIT", last, `${maxPathLength} certificates or ${maxSignatureChecks} signatures`),
      );
      return;
    }
    progress.checksLeft--;
    const check = checkSignature(last, issuer);
    if (check.kind !== "valid") failures.push(reason(check.kind, last, check.detail));
    else {
      extended = true;
      yield* extend([...path, issuer], progress);
    }
  }
  // That namesakes of the issuer did not sign it tells nothing.
  if (!extended) progress.deadEnds.push(...(failures.length > 0 ? failures : [noIssuer(last)]));
}

function isSelfSigned(certificate: Certificate): boolean {
  return isSelfIssued(certificate) && checkSignature(certificate, certificate).kind === "valid";
}

function isAnchor(certificate: Certificate, anchors: readonly Certificate[]): boolean {
  return named(certificate.subjectKey, anchors).some((anchor) => equalOctets(anchor.octets, certificate.octets));
}

function noIssuer(certificate: Certificate): PathReason {
  return isSelfIssued(certificate)
    ? reason("NOT_ANCHOR", certificate, "self-signed, and not one of the trust anchors")
    : reason("NO_ISSUER", certificate, `no certificate of its issuer: ${certificate.issuer}`);
}

function issuersOf(
  subject: Certificate,
  path: readonly Certificate[],
  { anchors, intermediates, alsoAtHand, at }: Search,
): Certificate[] {
  const candidates = [anchors, intermediates, alsoAtHand]
    .flatMap((certificates) => named(subject.issuerKey, certificates))
    .filter((candidate) => !path.some((used) => isSameAuthority(used, candidate)));
  if (candidates.length < 2) return candidates;
  const likelihood = (candidate: Certificate) =>
    (keyIdentifiersFit(subject.extensions, candidate.extensions) ? 4 : 0) +
    (candidate.notBefore <= at && at <= candidate.notAfter ? 2 : 0) +
    (anchors.includes(candidate) ? 1 : 0);
  return candidates.sort((a, b) => likelihood(b) - likelihood(a));
}

// Same name and key: walking through it again, even in another certificate, leads nowhere new (RFC 4158, 5.2).
function isSameAuthority(used: Certificate, candidate: Certificate): boolean {
  return used === candidate || (equalOctets(used.spki, candidate.spki) && used.subjectKey === candidate.subjectKey);
}

const indices = new WeakMap<readonly Certificate[], ReadonlyMap<string, readonly Certificate[]>>();

/** Below this many certificates, such as come with a message, looking through them is cheaper than an index. */
const indexedFrom = 10;

/** Those of `certificates` with this subject. Lists are indexed once, so they must not be changed afterwards. */
function named(subjectKey: string, certificates: readonly Certificate[]): readonly Certificate[] {
  if (certificates.length < indexedFrom) return certificates.filter((one) => one.subjectKey === subjectKey);
  let index = indices.get(certificates);
  if (index === undefined) {
    index = Map.groupBy(certificates, (certificate) => certificate.subjectKey);
    indices.set(certificates, index);
  }
  return index.get(subjectKey) ?? [];
}
