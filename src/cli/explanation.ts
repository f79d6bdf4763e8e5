// Reports in words: the summary that `open` gives, the verdict with its reason, and what somebody can do about it.
import {
  type EncryptedLayerReport,
  type LayerReport,
  type OpenReport,
  type ReportCode,
  reportCodes,
  type SignedLayerReport,
  type SignerReport,
} from "../smime.ts";

/** One line a layer, then the verdict. */
export function summaryOf(report: OpenReport): string {
  const layers = report.layers.flatMap((layer) => {
    if (isEncrypted(layer)) return [encryptedLine(layer, report)];
    return isSigned(layer)
      ? layer.signers.map((signer) => `signed     ${signerLine(signer)}`)
      : [`found      ${layer.type}`];
  });
  const notes = report.quirks.map((quirk) => `note       ${quirk}`);
  return `${[...layers, ...notes, `${report.code.padEnd(10)} ${verdictText(report)}`].map(printable).join("\n")}\n`;
}

function encryptedLine({ contentEncryption, recipients }: EncryptedLayerReport, { outcome }: OpenReport): string {
  const own = recipients.find(({ ours }) => ours);
  const done = outcome === "refused" ? "encrypted " : "decrypted ";
  return `${done} ${contentEncryption}, ${own?.algorithm ?? "not for a key held here"}`;
}

function signerLine({ algorithm, certificate, code, reason, path }: SignerReport): string {
  const who =
    certificate === undefined ? "a certificate that is not at hand" : (certificate.emails[0] ?? certificate.subject);
  const why = reason ?? (path.verdict === "valid" ? undefined : path.reasons?.[0]?.detail);
  return `${algorithm ?? "unknown algorithm"} by ${who}${code === "OK" ? "" : `, ${code}${why === undefined ? "" : ` (${why})`}`}`;
}

/** What the code means, for whom, and why. */
export function verdictText(report: OpenReport): string {
  const { meaning, outcome } = reportCodes[report.code];
  const who = outcome === "opened" ? `, ${boundText(report)}` : "";
  const why = report.reason ?? reasonOf(report);
  return `${meaning}${who}${why === undefined ? "" : `: ${why}`}`;
}

function boundText({ domain, address, binding }: OpenReport): string {
  return binding === "none" ? "no name was asked for" : `its certificate names ${domain ?? address}`;
}

/** What the signers or layers that decided tell, where the report itself has no reason. */
function reasonOf({ code, layers, domain, address }: OpenReport): string | undefined {
  if (code === "SIGNER_MISMATCH") {
    const from = domain ?? address;
    return from === undefined ? "From does not say who should have signed" : `the message is from ${from}`;
  }
  const signers = layers.findLast(isSigned)?.signers ?? [];
  if (code === "WEAK") {
    const weak = [...layers.filter(isEncrypted), ...signers].flatMap((found) => found.weak ?? []);
    if (weak.length > 0) return weak.join(", ");
  }
  const [decisive] = signers.find((signer) => signer.code === code)?.path.reasons ?? [];
  return decisive === undefined ? undefined : `${decisive.certificate}: ${decisive.detail}`;
}

export function isEncrypted(layer: LayerReport): layer is EncryptedLayerReport {
  return "recipients" in layer;
}

export function isSigned(layer: LayerReport): layer is SignedLayerReport {
  return "signers" in layer;
}

/** Names in mail are the sender's: none may move the cursor or look like a line of ours. */
export function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}

/** What else `explain` knows. */
export type Seen = { readonly hasKeys: boolean; readonly smimeInside: boolean };

/** What somebody can do about it. */
export function adviceOn({ code, address }: OpenReport, { hasKeys, smimeInside }: Seen): string | undefined {
  if (code === "NO_KEY" && !hasKeys)
    return "This is what anyone on the way sees; give --key and --cert to look inside.";
  if (code === "SIGNER_MISMATCH" && address !== undefined)
    return "The signer's certificate must name the address of From; --bind domain asks for the domain's own one.";
  if (code === "UNPROTECTED" && smimeInside)
    return "S/MIME stands further in: a list or a disclaimer put something around it, and nothing vouches for the whole.";
  return advice[code];
}

const advice: Readonly<Partial<Record<ReportCode, string>>> = {
  UNPROTECTED: "It was sent without S/MIME, or a program on the way wrote it anew.",
  CERTS_ONLY: "Whoever wants to use them has to compare a fingerprint on another way first.",
  ENCRYPTED_ONLY: "Anyone can encrypt to a published certificate: nothing says who wrote this.",
  STALE: "It waited long, was sent a second time, or a clock is wrong; --time judges at another instant.",
  UNTRUSTED: "Give the anchors that you believe with --trust, and missing issuers with --intermediates.",
  SIGNER_MISMATCH:
    "The signer's certificate must name domain-signing-authority@ the domain of From; --bind address asks for a personal one.",
  NO_KEY:
    "The sender encrypted to another certificate: compare the recipients above with the certificates that you publish.",
  EXPIRED: "The peer has to renew its certificate; --time judges at another instant.",
  NOT_YET_VALID: "A clock is wrong, here or where the certificate was made; --time judges at another instant.",
  REVOKED: "Somebody withdrew it: ask the peer for mail signed with its new one.",
  REVOCATION_UNKNOWN: "Give the current list of the issuer with --crl.",
  UNSUPPORTED: "The peer should use what both sides know: docs/cli.md lists the algorithms.",
  WEAK: "The peer should move to SHA-256, RSA 2048 and AES; --legacy judges as if this were enough.",
  BAD_SIGNATURE:
    "Something changed the message after it was signed, or nobody signed it: ask the sender for what was sent.",
  MALFORMED:
    "Often a file was cut off, or its line ends are mixed, as openssl smime writes them; sed 's/\\r$//' mends those.",
  BAD_CONTENT: "The content was damaged on its way, or encrypted under a key that is not the one in the entry.",
};
