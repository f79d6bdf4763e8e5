// The tree that `explain` draws: a line for each layer, recipient, signer and certificate, marked ✓ right, ✗ wrong,
// ? not known.
import type { EncryptedLayerReport, LayerReport, OpenReport, SignedLayerReport, SignerReport } from "../smime.ts";
import { domainAuthorities } from "../trust.ts";
import { isEncrypted, isSigned, printable } from "./explanation.ts";

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
      return `${indent}${last ? "└─ " : "├─ "}${printable(line)}\n${draw(below, next)}`;
    })
    .join("");
}

/** Whose eyes see the message: without keys no recipient can be told from another. */
export type Viewer = Pick<OpenReport, "domain" | "address" | "binding"> & { readonly hasKeys: boolean };

/** The layers, outermost first, with `inside` hanging below the innermost. */
export function layerTree(
  layers: readonly LayerReport[],
  inside: readonly Branch[],
  viewer: Viewer,
): readonly Branch[] {
  const [layer, ...rest] = layers;
  if (layer === undefined) return inside;
  const below = layerTree(rest, inside, viewer);
  if (isEncrypted(layer)) return [encryptedBranch(layer, below, viewer)];
  if (isSigned(layer)) return [signedBranch(layer, below, viewer)];
  const certificates = layer.certificates.map(certificateBranch);
  return [{ line: `${layer.type} without signers, ${encodingText(layer.encoding)}`, below: certificates }];
}

function encryptedBranch(layer: EncryptedLayerReport, below: readonly Branch[], { hasKeys }: Viewer): Branch {
  const { type, contentEncryption: cipher, encoding, recipients, weak = [] } = layer;
  const kind =
    type === "authEnvelopedData"
      ? `encrypted and authenticated with ${cipher}`
      : `encrypted with ${cipher}, not authenticated`;
  const ours = recipients.some((recipient) => recipient.ours);
  const closed = ours ? "✗ the content stays closed" : "? the content stays closed: no key for it here";
  return {
    line: `${type}: ${kind}, ${encodingText(encoding)}`,
    below: [
      ...weakLeaf(weak),
      ...recipients.map((recipient) => recipientBranch(recipient, hasKeys)),
      ...(below.length === 0 ? [leaf(closed)] : below),
    ],
  };
}

const otherRecipients: Readonly<Record<string, string>> = {
  kek: "by a key agreed on before",
  password: "by a password",
  other: "of a kind that is not implemented",
  unreadable: "that cannot be read",
};

function recipientBranch(
  { kind, algorithm, id, ours }: EncryptedLayerReport["recipients"][number],
  hasKeys: boolean,
): Branch {
  const what = algorithm ?? otherRecipients[kind] ?? kind;
  const named = id === undefined ? what : `${what}, ${idText(id)}`;
  return leaf(`recipient${ours ? " ✓ ours" : hasKeys ? " · another's" : ""}: ${named}`);
}

function signedBranch(layer: SignedLayerReport, below: readonly Branch[], viewer: Viewer): Branch {
  const none = layer.signers.length === 0 ? [leaf("✗ nobody signed")] : [];
  return {
    line: `signedData: ${layer.form} signature, ${encodingText(layer.encoding)}`,
    below: [...none, ...layer.signers.map((signer) => signerBranch(signer, viewer)), ...below],
  };
}

const marks = { valid: "✓", invalid: "✗", unsupported: "?", indeterminate: "?" } as const;

function signerBranch(signer: SignerReport, viewer: Viewer): Branch {
  const { certificate, signature, reason, weak = [], signingTime, signatureType } = signer;
  const algorithm = signer.algorithm === undefined ? "" : `: ${signer.algorithm}`;
  const role = signatureType === undefined ? "" : `, as ${signatureType}`;
  return {
    line: `signer ${marks[signer.verdict]} ${signer.code}${algorithm}`,
    below: [
      ...(certificate === undefined
        ? [leaf(`? its certificate is not at hand${signer.id === undefined ? "" : `: ${idText(signer.id)}`}`)]
        : [
            leaf(`${marks[signature]} signature ${signature}${reason === undefined ? "" : `: ${reason}`}`),
            certificateBranch(certificate),
            pathBranch(signer),
            leaf(nameText(signer, viewer)),
          ]),
      ...weakLeaf(weak),
      ...(signingTime === undefined ? [] : [leaf(`signed at ${signingTime}${role}`)]),
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

/** A search that found no anchor reports the leaf alone; every longer path ends at one. */
function pathBranch({ path, chain = [] }: SignerReport): Branch {
  const anchored = path.verdict === "valid" || chain.length > 1;
  return {
    line: `${marks[path.verdict]} path ${path.verdict}: ${chain.join(" ← ")} ${anchored ? "(anchor)" : "← no anchor"}`,
    below: (path.reasons ?? []).map(({ certificate, detail }) => leaf(`${certificate}: ${detail}`)),
  };
}

function nameText({ bound }: SignerReport, { domain, address, binding }: Viewer): string {
  if (binding === "none") return "· no name was asked for: anyone with such a path may have signed";
  const wanted = domain === undefined ? address : `${domainAuthorities.signing}@${domain}`;
  if (wanted === undefined) return "✗ From does not say whom the certificate should name";
  return bound ? `✓ the certificate names ${wanted}` : `✗ the certificate does not name ${wanted}`;
}

function weakLeaf(weak: readonly string[]): Branch[] {
  return weak.length === 0 ? [] : [leaf(`✗ below the floor: ${weak.join(", ")}`)];
}

function idText(id: Readonly<Record<string, string>>): string {
  return Object.entries(id)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function encodingText(encoding: string): string {
  return encoding === "BER-indefinite" ? "BER of indefinite length" : encoding;
}
