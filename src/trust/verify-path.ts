// The verdict over a certificate: the first good path, or the path that came closest and what speaks against it.
import type { Certificate, Crl } from "../x509.ts";
import { pathsToAnchors, type Search } from "./path-builder.ts";
import { type Judgement, type Purpose, reasonsAgainst } from "./path-validation.ts";
import { isUndecided, maxReasons, type PathCode, type PathReason, pathCodeOf, rankOf, reason } from "./reasons.ts";

export type PathOptions = {
  /** Exactly these are believed, self-signed or not. Neither list may be changed afterwards: they are indexed once. */
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  /** More intermediates, few: what came with a message. */
  readonly alsoAtHand?: readonly Certificate[];
  readonly at: Date;
  /** When revocation is looked at, where that is another moment. */
  readonly revocationAt?: Date;
  readonly purpose: Purpose;
  /** What is weak is named but does not decide. */
  readonly legacy?: boolean;
  readonly crls?: readonly Crl[];
  /** Default `check`: what the CRLs say counts; `require`: no current CRL of the issuer is REVOCATION_UNKNOWN. */
  readonly revocation?: "ignore" | "check" | "require";
};

export type PathVerdict = {
  readonly verdict: "valid" | "invalid" | "indeterminate";
  readonly code: PathCode;
  /** Leaf first, anchor last; as far as it reaches where there is no path to an anchor. */
  readonly path: readonly Certificate[];
  /** The most telling first. A valid path has some only where `legacy` let weakness pass. */
  readonly reasons: readonly PathReason[];
};

export function verifyPath(leaf: Certificate, options: PathOptions): PathVerdict {
  const { anchors, intermediates, alsoAtHand = [], at, purpose, legacy = false } = options;
  const { crls = [], revocation = "check" } = options;
  if (anchors.length === 0) return refusal([leaf], [reason("NO_ANCHORS", leaf, "no trust anchors were given")]);
  const search: Search = { anchors, intermediates, alsoAtHand, at, deadEnds: [] };
  const judgement: Judgement = { at, revocationAt: options.revocationAt ?? at, purpose, crls, revocation };
  let closest: { readonly path: readonly Certificate[]; readonly reasons: readonly PathReason[] } | undefined;
  for (const path of pathsToAnchors(leaf, search)) {
    const reasons = reasonsAgainst(path, judgement).sort((a, b) => rankOf(a) - rankOf(b));
    const deciding = legacy ? reasons.filter(({ code }) => code !== "WEAK") : reasons;
    if (deciding.length === 0) return { verdict: "valid", code: "OK", path, reasons };
    if (closest === undefined || badness(deciding) < badness(closest.reasons)) closest = { path, reasons: deciding };
  }
  if (closest !== undefined) return refusal(closest.path, closest.reasons);
  return refusal(
    [leaf],
    search.deadEnds.sort((a, b) => rankOf(a) - rankOf(b)),
  );
}

/**
 * The verdict over a certificate that somebody compared by hand: it needs no authority, but everything else holds, and
 * where an authority that we know took it back, that counts.
 */
export function verifyPinned(leaf: Certificate, options: PathOptions): PathVerdict {
  const path = verifyPath(leaf, options);
  return path.code === "OK" || path.code === "REVOKED" ? path : verifyPath(leaf, { ...options, anchors: [leaf] });
}

// A path that is only expired tells more than one that is no path at all.
function badness(sorted: readonly PathReason[]): number {
  return -rankOf(sorted[0] as PathReason);
}

function refusal(path: readonly Certificate[], reasons: readonly PathReason[]): PathVerdict {
  const first = reasons[0] as PathReason;
  const verdict = isUndecided(first) ? "indeterminate" : "invalid";
  return { verdict, code: pathCodeOf(first), path, reasons: reasons.slice(0, maxReasons) };
}
