// The fields that this gateway writes on top of what it hands on: Received, and for our users the verdict.

import { formatField, formatReceived } from "../mime.ts";
import type { LayerReport, OpenReport, ReportCode, SignedLayerReport, SignerReport } from "../smime.ts";
import { formatMailbox } from "../smtp.ts";
import { loopMarks } from "./loops.ts";
import type { Accepted, Group, Services } from "./passage.ts";

/** What our Received field needs of the services. */
type Identity = Pick<Services, "hostname"> & { readonly ledgerKey?: Uint8Array };

export function receivedField(
  accepted: Accepted,
  { recipients }: Pick<Group, "recipients">,
  { hostname, ledgerKey }: Identity,
): Uint8Array {
  const { peer, id, at, from } = accepted;
  const [first, second] = recipients;
  return formatReceived({
    helo: peer.helo,
    ...(peer.address === "" ? {} : { clientAddress: peer.address }),
    by: hostname,
    protocol: peer.protocol,
    id,
    at,
    ...(ledgerKey === undefined ? {} : { comment: loopMarks(from, recipients, id, ledgerKey) }),
    ...(first === undefined || second !== undefined ? {} : { recipient: formatMailbox(first) }),
  });
}

/** RFC 8601 and RFC 7281 results by code (docs, reports). */
const results: Readonly<Record<ReportCode, string>> = {
  OK: "pass",
  SIGNED_ONLY: "pass",
  STALE: "pass",
  UNPROTECTED: "none",
  CERTS_ONLY: "none",
  ENCRYPTED_ONLY: "none",
  BAD_SIGNATURE: "fail",
  WEAK: "policy",
  UNSUPPORTED: "neutral",
  UNTRUSTED: "policy",
  SIGNER_MISMATCH: "policy",
  EXPIRED: "fail",
  NOT_YET_VALID: "fail",
  REVOKED: "fail",
  REVOCATION_UNKNOWN: "temperror",
  NO_KEY: "permerror",
  BAD_CONTENT: "fail",
  MALFORMED: "permerror",
  LIMIT: "permerror",
};

export function verdictFields({ id }: Accepted, report: OpenReport, { authservId }: Services): readonly Uint8Array[] {
  const { code, domain } = report;
  const result = [
    `smime=${results[code]}`,
    ...(code === "STALE" ? [`reason="signed too long ago"`] : []),
    ...signerProperties(report),
  ];
  const verdict = [code, ...(domain === undefined ? [] : [`domain=${domain}`]), `queue=${id}`];
  return [
    formatField("Authentication-Results", `${authservId}; ${result.join(" ")}`),
    formatField("Postern-Verdict", verdict.join("; ")),
  ];
}

/** Who signed, and in which part. The first that counts, else the first that is there. */
function signerProperties({ layers }: OpenReport): readonly string[] {
  const depth = layers.findLastIndex(isSigned);
  const layer = layers[depth];
  if (layer === undefined || !isSigned(layer)) return [];
  const signer = layer.signers.find(({ verdict }) => verdict === "valid") ?? layer.signers[0];
  const part = Array.from({ length: depth + 1 }, () => "1").join("/");
  return [`body.smime-part=${depth > 0 ? `"${part}"` : part}`, ...identity(signer)];
}

function identity(signer: SignerReport | undefined): readonly string[] {
  const { certificate } = signer ?? {};
  if (certificate === undefined) return [];
  const [address] = certificate.emails;
  if (address !== undefined) return [`body.smime-identifier=${address}`];
  // Serial and issuer go together or not at all (RFC 7281, 3.2), and only what a field can hold.
  if (!/^[ !#-[\]-~]*$/.test(certificate.issuer)) return [];
  return [`body.smime-serial=${certificate.serial}`, `body.smime-issuer="${certificate.issuer}"`];
}

function isSigned(layer: LayerReport): layer is SignedLayerReport {
  return "signers" in layer;
}
