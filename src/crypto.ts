// Algorithms: one registry, by the names that options, configuration and reports use. Floor 1.
//
// All mathematics is node:crypto's. What is our own is what it lacks: the X9.63 and PKCS #12 KDFs, and
// RC2 to decrypt what is old.
export type { CipherSetting, ContentCipher, ContentCipherName, Decryptor, Encryptor } from "./crypto/content-cipher.ts";
export * as contentEncryption from "./crypto/content-cipher.ts";
export {
  type Digest,
  type DigestName,
  digestByOid,
  digestNamed,
  digestOctets,
  digestOf,
  digests,
  digestsOfMicalg,
  type RunningDigest,
  runningDigest,
} from "./crypto/digest.ts";
export { CryptoError, type CryptoErrorCode, cryptoErrorCodes } from "./crypto/errors.ts";
export {
  type AlgorithmIdentifier,
  parseAlgorithmIdentifier,
  readAlgorithmIdentifier,
  sameAlgorithm,
} from "./crypto/identifier.ts";
export { pkcs12Kdf, pkcs12KdfPurpose } from "./crypto/kdf-pkcs12.ts";
export { type PrivateKey, privateKeyOf } from "./crypto/key.ts";
export type { Agreement, AgreementScheme } from "./crypto/key-agreement.ts";
export * as keyAgreement from "./crypto/key-agreement.ts";
export { keyDetails } from "./crypto/key-details.ts";
export type { KeyTransport } from "./crypto/key-transport.ts";
export * as keyTransport from "./crypto/key-transport.ts";
export { aesWrapFor, type KeyWrap, unwrapKey, wrapKey } from "./crypto/key-wrap.ts";
export { algorithmName } from "./crypto/names.ts";
export { rc2Decryptor } from "./crypto/rc2.ts";
export {
  certificateSignatureSchemeOf,
  defaultScheme,
  keyFits,
  runningVerification,
  type SignatureScheme,
  signatureSchemeOf,
  signatureSchemes,
  verifySignature,
} from "./crypto/signature.ts";
