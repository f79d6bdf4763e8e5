// Layers as reports show them.
import { type DecryptionKey, describeIdentifier, identifies, type Recipient } from "../cms.ts";
import { type AlgorithmIdentifier, algorithmName, contentEncryption, keyAgreement, keyTransport } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import type { Certificate } from "../x509.ts";
import { certificateReport } from "./judge.ts";
import type { CertificatesOnly, ClosedLayer, EncryptedLayer, SignedLayer } from "./layer.ts";
import type {
  CertificatesReport,
  EncryptedLayerReport,
  RecipientReport,
  SignedLayerReport,
  SignerReport,
} from "./report.ts";

export function describeEncrypted(
  layer: EncryptedLayer | ClosedLayer,
  keys: readonly DecryptionKey[],
): EncryptedLayerReport {
  const { head, encoding } = layer;
  const cipher = contentEncryption.contentCipherByOid(head.contentEncryption.oid);
  const weak = layer.kind === "encrypted" ? layer.weak : cipher?.weak === true ? [cipher.name] : [];
  return {
    type: head.type,
    contentEncryption: cipher?.name ?? algorithmName(head.contentEncryption.oid),
    encoding,
    recipients: head.recipients.map((recipient) => describeRecipient(recipient, keys)),
    ...(weak.length === 0 ? {} : { weak }),
  };
}

function describeRecipient(recipient: Recipient, keys: readonly DecryptionKey[]): RecipientReport {
  if (!("rid" in recipient)) return { kind: recipient.kind, ours: false };
  const own = keys.find(({ certificate }) => identifies(recipient.rid, certificate));
  return {
    kind: recipient.kind,
    algorithm: managementName(recipient.algorithm),
    id: describeIdentifier(recipient.rid, own?.certificate),
    ours: own !== undefined,
  };
}

function managementName(algorithm: AlgorithmIdentifier): string {
  try {
    return (
      keyTransport.keyTransportOf(algorithm)?.name ??
      keyAgreement.agreementOf(algorithm)?.scheme.name ??
      algorithmName(algorithm.oid)
    );
  } catch (failure) {
    if (!isSecureMailError(failure)) throw failure;
    return algorithmName(algorithm.oid);
  }
}

export function describeSigned({ form, encoding }: SignedLayer, signers: readonly SignerReport[]): SignedLayerReport {
  return { type: "signedData", form, encoding, signers };
}

export function describeCertificates(
  { encoding }: CertificatesOnly,
  certificates: readonly Certificate[],
): CertificatesReport {
  return { type: "signedData", encoding, certificates: certificates.map(certificateReport) };
}
