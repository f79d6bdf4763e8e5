// Keystore: private keys and their certificates, from files. Floor 3.
//
// What leaves here is a KeyObject; everything above works with `PrivateKey` of `crypto`, which may be asynchronous, so
// that keys can move to an agent or a token one day. Failures name file, object and what to do.
export { type KeyErrorCode, keyErrorCodes } from "./keystore/errors.ts";
export {
  belongTogether,
  type KeyEntry,
  type KeyFiles,
  loadCertificates,
  loadCrls,
  loadKey,
  loadPassword,
} from "./keystore/file-keys.ts";
export { loadLedgerKey } from "./keystore/ledger-key.ts";
