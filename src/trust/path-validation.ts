// One path, leaf first and anchor last, whose signatures are right: is it good? RFC 5280 6.1 without names and policies,
// which are refused where a path has them and not judged. The anchor's own dates and constraints count as anyone's.
import { formatInstant } from "../asn1.ts";
import { keyDetails } from "../crypto.ts";
import { type Certificate, type Crl, isSelfIssued, keyUsageFits } from "../x509.ts";
import { type PathReason, type ReasonCode, reason } from "./reasons.ts";
import { revocationReason } from "./revocation.ts";
import { checkSignature } from "./signature-memory.ts";

export type Purpose = "signing" | "encryption" | "any";

export type Judgement = {
  readonly at: Date;
  readonly revocationAt: Date;
  readonly purpose: Purpose;
  readonly crls: readonly Crl[];
  readonly revocation: "ignore" | "check" | "require";
};

/** Everything that speaks against the path, unordered; weakness among it. */
export function reasonsAgainst(path: readonly Certificate[], judgement: Judgement): PathReason[] {
  const reasons: PathReason[] = [];
  path.forEach((certificate, index) => {
    const add = (code: ReasonCode, detail: string) => reasons.push(reason(code, certificate, detail));
    judgeDates(certificate, judgement.at, add);
    judgeKey(certificate, add);
    judgeExtensions(certificate, add);
    judgeExtendedKeyUsage(certificate, judgement.purpose, add);
    if (index > 0) judgeAuthority(certificate, path.slice(1, index), index === path.length - 1, add);
    else judgeLeafUsage(certificate, judgement.purpose, add);
    const issuer = path[index + 1];
    if (issuer === undefined) return;
    judgeSignature(certificate, issuer, add);
    const revoked = revocationReason(certificate, issuer, { ...judgement, at: judgement.revocationAt });
    if (revoked !== undefined) reasons.push(revoked);
  });
  return reasons;
}

type Add = (code: ReasonCode, detail: string) => void;

function judgeDates({ notBefore, notAfter }: Certificate, at: Date, add: Add): void {
  if (at < notBefore) add("NOT_YET_VALID", `not valid before ${formatInstant(notBefore)}`);
  if (at > notAfter) add("EXPIRED", `expired ${formatInstant(notAfter)}`);
}

// Floors of RFC 8551 4; no curve below RSA-2048, and none that nobody uses any more.
const strongCurves = new Set([
  ...["prime256v1", "secp224r1", "secp256k1", "secp384r1", "secp521r1"],
  ...["224", "256", "320", "384", "512"].flatMap((bits) => [`brainpoolP${bits}r1`, `brainpoolP${bits}t1`]),
]);
const minRsaBits = 2048;

function judgeKey(certificate: Certificate, add: Add): void {
  let key: Certificate["publicKey"];
  try {
    key = certificate.publicKey;
  } catch (thrown) {
    add("KEY", (thrown as Error).message);
    return;
  }
  const { modulusLength, namedCurve } = keyDetails(key);
  if (key.asymmetricKeyType === "dsa") add("WEAK", "a DSA key");
  else if (modulusLength !== undefined && modulusLength < minRsaBits)
    add("WEAK", `an RSA key of ${modulusLength} bits`);
  if (namedCurve !== undefined && !strongCurves.has(namedCurve)) add("WEAK", `a key on the curve ${namedCurve}`);
}

// Without a required policy these change nothing (RFC 5280, 6.1.5): the path is good for "any policy".
const withoutEffect = new Set(["2.5.29.32", "2.5.29.33", "2.5.29.54"]);
const policyConstraints = "2.5.29.36";

function judgeExtensions({ extensions }: Certificate, add: Add): void {
  for (const oid of extensions.otherCritical) {
    if (!withoutEffect.has(oid)) add("CONSTRAINT", `critical extension ${oid} is not processed`);
  }
  // RFC 5280 wants them critical; a CA that forgot it was constrained all the same.
  const forgotten = extensions.all.some(({ oid, critical }) => !critical && oid === policyConstraints);
  const names = extensions.hasNameConstraints && !extensions.otherCritical.includes("2.5.29.30");
  if (forgotten || names) add("CONSTRAINT", "name or policy constraints are not processed");
}

const emailProtection = "1.3.6.1.5.5.7.3.4";
const anyExtendedKeyUsage = "2.5.29.37.0";

// In an authority's certificate it is a constraint on what it may issue, by practice of all verifiers.
function judgeExtendedKeyUsage({ extensions }: Certificate, purpose: Purpose, add: Add): void {
  const purposes = extensions.extendedKeyUsage;
  if (purpose === "any" || purposes === undefined) return;
  if (purposes.includes(emailProtection) || purposes.includes(anyExtendedKeyUsage)) return;
  add("EXTENDED_KEY_USAGE", "not for e-mail protection");
}

function judgeLeafUsage({ extensions }: Certificate, purpose: Purpose, add: Add): void {
  if (purpose !== "any" && !keyUsageFits(extensions, purpose)) add("KEY_USAGE", `not for ${purpose}`);
}

/** `below`: the authorities between this one and the leaf. */
function judgeAuthority(authority: Certificate, below: readonly Certificate[], isAnchor: boolean, add: Add): void {
  const { basicConstraints, keyUsage } = authority.extensions;
  // Versions 1 and 2 cannot say that they are an authority: only an anchor may leave it unsaid.
  const saysNothing = authority.version < 3 && isAnchor;
  if (basicConstraints?.ca !== true && !saysNothing) add("NOT_CA", "not a certification authority");
  if (keyUsage !== undefined && !keyUsage.includes("keyCertSign")) add("KEY_USAGE", "not for signing certificates");
  const { pathLen } = basicConstraints ?? {};
  const counted = below.filter((intermediate) => !isSelfIssued(intermediate)).length;
  if (pathLen !== undefined && counted > pathLen) {
    add("PATH_LENGTH", `${counted} authorities below it, ${pathLen} are allowed`);
  }
}

function judgeSignature(certificate: Certificate, issuer: Certificate, add: Add): void {
  const check = checkSignature(certificate, issuer);
  if (check.kind !== "valid") add(check.kind, check.detail);
  else if (check.weak.length > 0) add("WEAK", `signed with ${check.weak.join(", ")}`);
}
