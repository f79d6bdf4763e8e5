// From signatures to a code: what the mathematics says (cms), whose it is (asked of `trust` through a function, for
// that is a floor above), and the table of codes.
import { formatInstant, toDer } from "../asn1.ts";
import {
  describeIdentifier,
  type SignatureVerdict,
  type SignedData,
  type SignerInfo,
  signerCertificates,
  verifySignerInfo,
} from "../cms.ts";
import { isSecureMailError } from "../errors.ts";
import { type Certificate, cachedCertificate } from "../x509.ts";
import type { SignedLayer } from "./layer.ts";
import type { CertificateReport, PathReport, ReportCode, SignerReport } from "./report.ts";

/** Asked for each signer whose certificate is at hand. `certificates` came with the message: nothing in them is believed. */
export type JudgeSigner = (question: {
  readonly certificate: Certificate;
  readonly certificates: readonly Certificate[];
  readonly signingTime?: Date;
}) => { readonly path: PathReport & { readonly path?: readonly Certificate[] }; readonly bound: boolean };

export type JudgeServices = {
  readonly judgeSigner: JudgeSigner;
  /** Signer certificates that a message may lack. */
  readonly certificates: readonly Certificate[];
  readonly legacy: boolean;
  readonly quirks: Set<string>;
};

export type JudgedSigner = {
  readonly report: SignerReport;
  /** Leniency that was needed. */
  readonly quirks: readonly string[];
  readonly signingTime?: Date;
};

/** A verdict on each signer of a layer, in the order they stand. */
export async function judgeSigners(layer: SignedLayer, services: JudgeServices): Promise<JudgedSigner[]> {
  const certificates = [...readableCertificates(layer.signedData, services.quirks), ...services.certificates];
  const judged: JudgedSigner[] = [];
  for (const signer of layer.signedData.signerInfos) judged.push(await judgeOne(signer, certificates, layer, services));
  for (const quirk of judged.flatMap(({ quirks }) => quirks)) services.quirks.add(quirk);
  return judged;
}

// LIMIT: with a key identifier several certificates may match, and each must be tried (RFC 5652, 5.3). One key renewed
// has two or three; each costs a path, and without signed attributes a look at the whole content.
const maxCandidates = 5;

async function judgeOne(
  signer: SignerInfo,
  certificates: readonly Certificate[],
  layer: SignedLayer,
  services: JudgeServices,
): Promise<JudgedSigner> {
  const candidates = new Map(signerCertificates(signer, certificates).map((found) => [found.sha256, found]));
  let best: JudgedSigner | undefined;
  for (const certificate of candidates.values().take(maxCandidates)) {
    const judged = report(signer, await verify(signer, certificate, layer), certificate, certificates, services);
    if (best === undefined || rankOf(judged) < rankOf(best)) best = judged;
    if (best.report.code === "OK") break;
  }
  return best ?? report(signer, notAtHand, undefined, certificates, services);
}

const notAtHand: SignatureVerdict = {
  signature: "unsupported",
  reason: "the signer's certificate is not at hand",
  weak: [],
  quirks: [],
};

async function verify(signer: SignerInfo, certificate: Certificate, layer: SignedLayer): Promise<SignatureVerdict> {
  if (layer.broken !== undefined) return { signature: "invalid", reason: layer.broken, weak: [], quirks: [] };
  try {
    return await verifySignerInfo(signer, certificate, layer.content);
  } catch (failure) {
    if (!isSecureMailError(failure) || failure.fault === "temporary") throw failure;
    return { signature: "unsupported", reason: failure.message, weak: [], quirks: [] };
  }
}

function report(
  signer: SignerInfo,
  verdict: SignatureVerdict,
  certificate: Certificate | undefined,
  certificates: readonly Certificate[],
  services: JudgeServices,
): JudgedSigner {
  const { signingTime, signatureType } = signer.attributes ?? {};
  const judged =
    certificate === undefined
      ? { path: { verdict: "indeterminate", code: "UNTRUSTED" } as const, bound: false }
      : services.judgeSigner({ certificate, certificates, ...(signingTime === undefined ? {} : { signingTime }) });
  const { path: chain, ...path } = { path: undefined, ...judged.path };
  const code = signerCode(verdict, path, judged.bound, services.legacy);
  return {
    report: {
      verdict:
        code === "OK"
          ? "valid"
          : verdict.signature === "valid" && path.verdict === "indeterminate"
            ? "indeterminate"
            : "invalid",
      code,
      signature: verdict.signature,
      path,
      bound: judged.bound,
      ...(verdict.algorithm === undefined ? {} : { algorithm: verdict.algorithm }),
      ...(certificate === undefined
        ? { id: describeIdentifier(signer.sid) }
        : { certificate: certificateReport(certificate) }),
      ...(signingTime === undefined ? {} : { signingTime: formatInstant(signingTime) }),
      ...(signatureType === undefined ? {} : { signatureType: signatureTypes.get(signatureType) ?? signatureType }),
      ...(chain === undefined || chain.length === 0 ? {} : { chain: chain.map(({ subject }) => subject) }),
      ...(verdict.weak.length === 0 ? {} : { weak: verdict.weak }),
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    },
    quirks: verdict.quirks,
    ...(signingTime === undefined ? {} : { signingTime }),
  };
}

// RFC 3183, 3: id-sti.
const signatureTypes: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.1.9.16.9.1", "originator"],
  ["1.2.840.113549.1.9.16.9.2", "domain"],
  ["1.2.840.113549.1.9.16.9.3", "additionalAttributes"],
  ["1.2.840.113549.1.9.16.9.4", "review"],
]);

function signerCode(verdict: SignatureVerdict, path: PathReport, bound: boolean, legacy: boolean): ReportCode {
  if (verdict.signature === "invalid") return "BAD_SIGNATURE";
  if (verdict === notAtHand) return "UNTRUSTED";
  if (verdict.signature === "unsupported") return "UNSUPPORTED";
  if (path.verdict !== "valid") return path.code;
  if (!bound) return "SIGNER_MISMATCH";
  return verdict.weak.length > 0 && !legacy ? "WEAK" : "OK";
}

// How far a signer came: the layer's code is that of the one who came furthest, a signer's that of its best certificate.
const ranking: readonly ReportCode[] = [
  "OK",
  "REVOKED",
  "EXPIRED",
  "NOT_YET_VALID",
  "REVOCATION_UNKNOWN",
  "WEAK",
  "SIGNER_MISMATCH",
  "UNTRUSTED",
  "UNSUPPORTED",
  "BAD_SIGNATURE",
];

/** Lower came further. */
function rankOf({ report: { code } }: JudgedSigner): number {
  return ranking.indexOf(code);
}

/**
 * The code of a signed layer. A signer whose certificate names the domain and whose signature is broken spoils the
 * others (security A02): somebody put it there to be believed.
 */
export function codeOfSigners(signers: readonly SignerReport[]): ReportCode {
  if (signers.some(({ bound, signature }) => bound && signature === "invalid")) return "BAD_SIGNATURE";
  return ranking.find((code) => signers.some((signer) => signer.code === code)) ?? "BAD_SIGNATURE";
}

const certificateReports = new WeakMap<Certificate, CertificateReport>();

export function certificateReport(certificate: Certificate): CertificateReport {
  const known = certificateReports.get(certificate);
  if (known !== undefined) return known;
  const { subject, issuer, emails, serialText, notBefore, notAfter, sha256 } = certificate;
  const times = { notBefore: formatInstant(notBefore), notAfter: formatInstant(notAfter) };
  const report = { subject, issuer, emails, serial: serialText, ...times, sha256 };
  certificateReports.set(certificate, report);
  return report;
}

/**
 * Certificates that can be read, in whatever encoding they came; others are no reason to refuse a message whose signer
 * is among the rest.
 */
export function readableCertificates({ certificates }: SignedData, quirks: Set<string>): Certificate[] {
  return certificates.flatMap((one) => {
    try {
      return [cachedCertificate(toDer(one))];
    } catch (failure) {
      if (!isSecureMailError(failure)) throw failure;
      quirks.add(`a certificate that cannot be read: ${failure.message}`);
      return [];
    }
  });
}
