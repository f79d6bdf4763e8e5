// PKCS #12 (RFC 7292): a key and its certificates in one file under a password, as Windows, OpenSSL and Java write it.
// Password privacy and integrity only; nobody has been seen to use the public-key modes.
import { createHmac, createPrivateKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { context, DerReader, tag, toDer } from "../asn1.ts";
import { digestOf, pkcs12Kdf, pkcs12KdfPurpose, readAlgorithmIdentifier } from "../crypto.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { namingField, x509Error } from "./errors.ts";
import { bmpPassword, decryptWithPassword, readIterations } from "./password-encryption.ts";

export type Pkcs12Store = {
  readonly keys: readonly { readonly privateKey: KeyObject; readonly localKeyId?: Uint8Array }[];
  readonly certificates: readonly { readonly certificate: Certificate; readonly localKeyId?: Uint8Array }[];
};

const pkcs7 = "1.2.840.113549.1.7";
const bag = "1.2.840.113549.1.12.10.1";
const x509Certificate = "1.2.840.113549.1.9.22.1";
const localKeyIdAttribute = "1.2.840.113549.1.9.21";

// LIMIT: nested SafeContents have no honest use; one level costs nothing to read.
const maxBagDepth = 4;

/** Opens a store; PKCS12_PASSWORD where the password is not the right one. */
export function readPkcs12(octets: Uint8Array, password: string): Pkcs12Store {
  try {
    const pfx = new DerReader(toDer(octets)).sequence();
    const version = pfx.integer();
    if (version !== 3) throw x509Error("PKCS12_MALFORMED", `PFX version ${version}`, { field: "version" });
    const authSafe = readContent(pfx.sequence(), password);
    if (!pfx.atEnd) verifyMac(pfx.sequence(), authSafe, password);
    const store = { keys: [], certificates: [] };
    const contents = new DerReader(toDer(authSafe)).sequence();
    while (!contents.atEnd) readSafeContents(readContent(contents.sequence(), password), password, store, 0);
    return store;
  } catch (thrown) {
    throw namingField(thrown, "PFX", "PKCS12_MALFORMED");
  }
}

/** A PFX begins with its version, 3, and a ContentInfo. */
export function looksLikePkcs12(octets: Uint8Array): boolean {
  try {
    const pfx = new DerReader(toDer(octets)).sequence();
    return pfx.nextIs(tag.integer) && pfx.integer() === 3 && pfx.sequence().oid().startsWith(`${pkcs7}.`);
  } catch {
    return false;
  }
}

/** The octets in a ContentInfo of type data, or encrypted under the password. */
function readContent(contentInfo: DerReader, password: string): Uint8Array {
  const type = contentInfo.oid();
  const content = contentInfo.enter(context(0));
  if (type === `${pkcs7}.1`) return content.octetString();
  if (type !== `${pkcs7}.6`) throw x509Error("PKCS12_UNSUPPORTED", `content type ${type} is not implemented`);
  const encryptedData = content.sequence();
  encryptedData.integer();
  const encryptedContentInfo = encryptedData.sequence();
  encryptedContentInfo.oid();
  const algorithm = readAlgorithmIdentifier(encryptedContentInfo);
  return decryptWithPassword(algorithm, password, encryptedContentInfo.octetString(context(0)));
}

function verifyMac(macData: DerReader, authSafe: Uint8Array, password: string): void {
  const digestInfo = macData.sequence();
  const algorithm = readAlgorithmIdentifier(digestInfo);
  const expected = digestInfo.octetString();
  const salt = macData.octetString();
  const iterations = macData.nextIs(tag.integer) ? readIterations(macData) : 1;
  const digest = digestOf(algorithm);
  if (digest === undefined) throw x509Error("PKCS12_UNSUPPORTED", `integrity by ${algorithm.oid} is not implemented`);
  const key = pkcs12Kdf(digest, pkcs12KdfPurpose.mac, bmpPassword(password), salt, iterations, digest.octets);
  const mac = createHmac(digest.name, key).update(authSafe).digest();
  if (mac.length === expected.length && timingSafeEqual(mac, expected)) return;
  throw x509Error("PKCS12_PASSWORD", "the password is wrong, or the store was changed", { field: "macData" });
}

type Store = {
  readonly keys: { privateKey: KeyObject; localKeyId?: Uint8Array }[];
  readonly certificates: { certificate: Certificate; localKeyId?: Uint8Array }[];
};

function readSafeContents(octets: Uint8Array, password: string, into: Store, depth: number): void {
  if (depth === maxBagDepth) throw x509Error("PKCS12_MALFORMED", "bags nested too deep", { field: "SafeContents" });
  const bags = new DerReader(toDer(octets)).sequence();
  while (!bags.atEnd) readBag(bags.sequence(), password, into, depth);
}

function readBag(safeBag: DerReader, password: string, into: Store, depth: number): void {
  const bagId = safeBag.oid();
  const value = safeBag.enter(context(0));
  const localKeyId = safeBag.atEnd ? undefined : readLocalKeyId(safeBag.enter(tag.set));
  const attributes = localKeyId === undefined ? {} : { localKeyId };
  switch (bagId) {
    case `${bag}.1`:
      into.keys.push({ privateKey: privateKeyOfPkcs8(value.element()), ...attributes });
      break;
    case `${bag}.2`:
      into.keys.push({ privateKey: privateKeyOfPkcs8(decryptPkcs8(value.sequence(), password)), ...attributes });
      break;
    case `${bag}.3`: {
      const certBag = value.sequence();
      if (certBag.oid() !== x509Certificate) break;
      const certificate = parseCertificate(certBag.enter(context(0)).octetString());
      into.certificates.push({ certificate, ...attributes });
      break;
    }
    case `${bag}.6`:
      readSafeContents(value.element(), password, into, depth + 1);
      break;
    default: // CRLs and secrets
  }
}

/** EncryptedPrivateKeyInfo (RFC 5958, 3). */
function decryptPkcs8(encrypted: DerReader, password: string): Uint8Array {
  const algorithm = readAlgorithmIdentifier(encrypted);
  return decryptWithPassword(algorithm, password, encrypted.octetString());
}

function privateKeyOfPkcs8(octets: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(octets), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw x509Error("PKCS12_MALFORMED", "a private key that cannot be read", { field: "keyBag", cause });
  }
}

function readLocalKeyId(attributes: DerReader): Uint8Array | undefined {
  while (!attributes.atEnd) {
    const attribute = attributes.sequence();
    if (attribute.oid() === localKeyIdAttribute) return attribute.enter(tag.set).octetString();
  }
  return undefined;
}
