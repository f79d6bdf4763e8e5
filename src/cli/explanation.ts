// Reports in words: the summary on stderr, and the tree that `explain` prints.
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
    if (isEncrypted(layer))
      return [
        `decrypted  ${layer.contentEncryption}, ${layer.recipients.find(({ ours }) => ours)?.algorithm ?? "not for a key held here"}`,
      ];
    return isSigned(layer)
      ? layer.signers.map((signer) => `signed     ${signerLine(signer)}`)
      : [`found      ${layer.type}`];
  });
  return `${[...layers, `${report.code.padEnd(10)} ${verdictText(report)}`].join("\n")}\n`;
}

export function verdictText({ code, reason, domain }: OpenReport): string {
  const subject = code === "SIGNER_MISMATCH" && domain !== undefined ? ` (the message is from ${domain})` : "";
  return `${reportCodes[code].meaning}${subject}${reason === undefined ? "" : `: ${reason}`}`;
}

function signerLine({ algorithm, certificate, code, reason, path }: SignerReport): string {
  const who =
    certificate === undefined ? "a certificate that is not at hand" : (certificate.emails[0] ?? certificate.subject);
  const why = reason ?? (path.verdict === "valid" ? undefined : path.reasons?.[0]?.detail);
  return `${algorithm ?? "unknown algorithm"} by ${who}${code === "OK" ? "" : `, ${code}${why === undefined ? "" : ` (${why})`}`}`;
}

/** A line of the tree and what hangs below it. */
export type Branch = { readonly line: string; readonly below: readonly Branch[] };

export function leaf(line: string): Branch {
  return { line, below: [] };
}

/** Draws branches below each other. */
export function draw(branches: readonly Branch[], indent: string = ""): string {
  return branches
    .map(({ line, below }, index) => {
      const last = index === branches.length - 1;
      const next = `${indent}${last ? "   " : "│  "}`;
      return `${indent}${last ? "└─ " : "├─ "}${line}\n${draw(below, next)}`;
    })
    .join("");
}

/** The tree of layers, outermost first, with `inside` hanging below the innermost. */
export function layerTree(layers: readonly LayerReport[], inside: readonly Branch[]): readonly Branch[] {
  const [layer, ...rest] = layers;
  if (layer === undefined) return inside;
  const below = layerTree(rest, inside);
  if (isEncrypted(layer)) return [encryptedBranch(layer, below)];
  if (isSigned(layer)) return [signedBranch(layer, below)];
  return [{ line: `${layer.type}, ${encodingText(layer.encoding)}`, below }];
}

function encryptedBranch(layer: EncryptedLayerReport, below: readonly Branch[]): Branch {
  const integrity = layer.type === "authEnvelopedData" ? "encrypted and authenticated" : "encrypted, not authenticated";
  const weak = layer.weak === undefined ? "" : "  ✗ below the floor";
  const opened = layer.recipients.some(({ ours }) => ours);
  return {
    line: `${layer.type}: ${integrity} with ${layer.contentEncryption}, ${encodingText(layer.encoding)}${weak}`,
    below: [
      ...layer.recipients.map(recipientBranch),
      ...(opened ? below : [leaf("? the content stays closed: no key for it here")]),
    ],
  };
}

function recipientBranch({ kind, algorithm, id, ours }: EncryptedLayerReport["recipients"][number]): Branch {
  const named =
    id === undefined
      ? ""
      : `, ${Object.entries(id)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}`;
  return leaf(`recipient ${ours ? "✓ ours" : "· another's"}: ${algorithm ?? kind}${named}`);
}

function signedBranch(layer: SignedLayerReport, below: readonly Branch[]): Branch {
  const none = layer.signers.length === 0 ? [leaf("✗ nobody signed")] : [];
  return {
    line: `signedData: ${layer.form} signature, ${encodingText(layer.encoding)}`,
    below: [...none, ...layer.signers.map(signerBranch), ...below],
  };
}

const marks = { valid: "✓", invalid: "✗", unsupported: "?", indeterminate: "?" } as const;

function signerBranch(signer: SignerReport): Branch {
  const { certificate, path, bound } = signer;
  const signature = `${marks[signer.signature]} signature ${signer.signature}${signer.reason === undefined ? "" : `: ${signer.reason}`}`;
  const weak = signer.weak === undefined ? [] : [leaf(`✗ below the floor: ${signer.weak.join(", ")}`)];
  const reasons = (path.reasons ?? []).map(({ certificate: subject, detail }) => leaf(`${subject}: ${detail}`));
  return {
    line: `signer ${marks[signer.verdict]} ${signer.code}: ${signer.algorithm ?? "unknown algorithm"}`,
    below: [
      leaf(signature),
      ...(certificate === undefined
        ? [leaf(`its certificate is not at hand${idText(signer.id)}`)]
        : [certificateBranch(certificate)]),
      {
        line: `${marks[path.verdict]} path ${path.verdict}${signer.chain === undefined ? "" : `: ${signer.chain.join(" ← ")}`}`,
        below: reasons,
      },
      leaf(bound ? "✓ the certificate names the domain" : "✗ the certificate does not name the domain"),
      ...weak,
      ...(signer.signingTime === undefined
        ? []
        : [
            leaf(
              `signed at ${signer.signingTime}${signer.signatureType === undefined ? "" : `, as ${signer.signatureType}`}`,
            ),
          ]),
    ],
  };
}

function certificateBranch(certificate: NonNullable<SignerReport["certificate"]>): Branch {
  const { subject, issuer, emails, serial, notBefore, notAfter, sha256 } = certificate;
  return {
    line: `certificate ${subject}`,
    below: [
      leaf(`names ${emails.length === 0 ? "no address" : emails.join(", ")}`),
      leaf(`issued by ${issuer}, serial ${serial}, valid ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}`),
      leaf(`SHA-256 ${sha256}`),
    ],
  };
}

function idText(id: SignerReport["id"]): string {
  return id === undefined
    ? ""
    : ` (${Object.entries(id)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ")})`;
}

function encodingText(encoding: string): string {
  return encoding === "BER-indefinite" ? "BER of indefinite length" : encoding;
}

function isEncrypted(layer: LayerReport): layer is EncryptedLayerReport {
  return "recipients" in layer;
}

function isSigned(layer: LayerReport): layer is SignedLayerReport {
  return "signers" in layer;
}

/** What somebody can do about a code. */
export const advice: Readonly<Partial<Record<ReportCode, string>>> = {
  UNTRUSTED: "Give the anchors that you believe with --trust, and missing issuers with --intermediates.",
  SIGNER_MISMATCH:
    "The signer's certificate must name domain-signing-authority@ the domain of From; --bind address asks for a personal one.",
  NO_KEY:
    "The sender encrypted to another certificate: compare the recipients above with the certificates that you publish.",
  EXPIRED: "The peer has to renew its certificate; --time judges at another instant.",
  WEAK: "The peer should move to SHA-256, RSA 2048 and AES; --legacy judges as if this were enough.",
  BAD_SIGNATURE:
    "Something changed the message after it was signed, or nobody signed it: ask the sender for what was sent.",
  BAD_CONTENT: "The content was damaged on its way, or encrypted under a key that is not the one in the entry.",
};
