// The Cryptographic Message Syntax (RFC 5652, RFC 5083), streaming both ways. Floor 1, no I/O, no clock.
//
// Readers are coroutines over a BerInput; `pull` feeds one from any source:
//
//   const input = new BerInput();
//   const octets = iterate(source);
//   const type = await pull(readContentType(input), input, octets);
//   const signedData = await pull(readSignedData(input, (chunk) => spool.write(chunk)), input, octets);
//
// Writers are sinks that write to the next sink. What is read is a value that nothing has judged yet:
// `verifySignerInfo` says what the mathematics says, `trust` whose signature it is.
export {
  type ContentTypeName,
  contentTypeName,
  contentTypes,
  drain,
  iterate,
  leaveContentInfo,
  pull,
  pullWhole,
  readContentType,
} from "./cms/content-info.ts";
export {
  type ContentEnd,
  type EnvelopeHead,
  type EnvelopeType,
  envelopeCipher,
  finishContent,
  readEncryptedContent,
  readEnvelopeHead,
} from "./cms/enveloped-data.ts";
export {
  type EnvelopeOptions,
  type EnvelopeRecipient,
  envelopedDataWriter,
  prepareEnvelope,
} from "./cms/enveloped-data-writer.ts";
export { CmsError, type CmsErrorCode, cmsErrorCodes } from "./cms/errors.ts";
export { type CertificateIdentifier, describeIdentifier, identifies } from "./cms/identifiers.ts";
export * as cmsLimits from "./cms/limits.ts";
export { addressedKey, type DecryptionKey, openRecipient, type Recipient } from "./cms/recipient-info.ts";
export type { SignedAttributes } from "./cms/signed-attrs.ts";
export { readSignedData, runningDigests, type SignedData } from "./cms/signed-data.ts";
export {
  detachedSignedData,
  digestsOver,
  type SignedDataOptions,
  signedDataAround,
  signedDataWriter,
} from "./cms/signed-data-writer.ts";
export {
  digestsOf,
  type SignatureVerdict,
  type SignedContent,
  type Signer,
  type SignerInfo,
  signerCertificates,
  verifySignerInfo,
} from "./cms/signer-info.ts";
