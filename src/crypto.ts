// Algorithms: one registry, by the names that options, configuration and reports use. Floor 1.
//
// All mathematics is node:crypto's. What is our own is what it lacks: the X9.63 and PKCS #12 KDFs, and
// RC2 to decrypt what is old.
export {
  type CipherSetting,
  type ContentCipher,
  type ContentCipherName,
  cipherSetting,
  ciphertextLength,
  contentCipherByOid,
  contentCiphers,
  type Decryptor,
  decryptor,
  type Encryptor,
  encryptor,
  formatCipherSetting,
  newContentKey,
  newIv,
  tagOctets,
} from "./crypto/content-cipher.ts";
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
  formatAlgorithmIdentifier,
  parametersAbsentOrNull,
  parseAlgorithmIdentifier,
  readAlgorithmIdentifier,
} from "./crypto/identifier.ts";
export { pkcs12Kdf, pkcs12KdfPurpose } from "./crypto/kdf-pkcs12.ts";
export { type PrivateKey, privateKeyOf } from "./crypto/key.ts";
export {
  type Agreement,
  type AgreementScheme,
  agreementOf,
  agreementSchemes,
  agreeWithRecipient,
  formatAgreement,
  keyEncryptionKey,
  originatorKey,
} from "./crypto/key-agreement.ts";
export {
  type KeyTransport,
  keyTransportNamed,
  keyTransportOf,
  rsaOaep,
  rsaV15,
  transportKey,
} from "./crypto/key-transport.ts";
export { aesWrapFor, type KeyWrap, unwrapKey, wrapKey } from "./crypto/key-wrap.ts";
export { rc2Decryptor } from "./crypto/rc2.ts";
export {
  certificateSignatureSchemeOf,
  defaultScheme,
  runningVerification,
  type SignatureScheme,
  signatureSchemeOf,
  signatureSchemes,
  verifySignature,
} from "./crypto/signature.ts";
