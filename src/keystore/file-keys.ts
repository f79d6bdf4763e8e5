// Keys that lie in files, with their certificates: read once at the start, checked that they belong together.
import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isSecureMailError } from "../errors.ts";
import {
  type Certificate,
  type Crl,
  certificatesInFile,
  crlsInFile,
  type FileObject,
  looksLikePkcs12,
  type Pkcs12Store,
  publicKeyOfSpki,
  readFileObjects,
  readPkcs12,
} from "../x509.ts";
import { keyError } from "./errors.ts";
import { privateKeysOf } from "./private-key-file.ts";

export type KeyFiles = {
  /** PEM, DER or PKCS #12. */
  readonly key: string;
  /** PEM, DER or PKCS #7; where absent, the key's own file may bring certificates along. */
  readonly certificate?: string;
  readonly password?: string;
};

export type KeyEntry = {
  readonly privateKey: KeyObject;
  readonly certificate?: Certificate;
  /** Other certificates that came along, in their order. */
  readonly chain: readonly Certificate[];
};

/** Loads a key and the certificate that belongs to it. */
export async function loadKey(files: KeyFiles): Promise<KeyEntry> {
  const octets = await readOctets(files.key);
  const password = files.password === undefined ? undefined : await loadPassword(files.password);
  const { keys, certificates: inKeyFile } = looksLikePkcs12(octets)
    ? contentsOfPkcs12(octets, files.key, password)
    : contentsOfKeyFile(octets, files.key, password);
  if (keys.length === 0) throw keyError("KEY_UNREADABLE", `${files.key}: holds no private key`);
  const certificates = files.certificate === undefined ? inKeyFile : await loadCertificates(files.certificate);
  return matched(keys, certificates, files);
}

/** The certificates of a file; PEM_MALFORMED where it holds none. */
export async function loadCertificates(file: string): Promise<readonly Certificate[]> {
  return certificatesInFile(await readOctets(file), file);
}

export async function loadCrls(file: string): Promise<readonly Crl[]> {
  return crlsInFile(await readOctets(file), file);
}

/** The first line of a file: an editor's line end is no part of a password. */
export async function loadPassword(file: string): Promise<string> {
  const [first = ""] = Buffer.from(await readOctets(file))
    .toString("utf8")
    .split(/\r?\n/, 1);
  return first;
}

type Contents = { readonly keys: readonly KeyObject[]; readonly certificates: readonly Certificate[] };

function contentsOfKeyFile(octets: Uint8Array, file: string, password: string | undefined): Contents {
  try {
    const objects = readFileObjects(octets, file);
    const keys = privateKeysOf(objects, file, password);
    const certified = objects.some(({ label }: FileObject) => label === "CERTIFICATE");
    return { keys, certificates: certified ? certificatesInFile(octets, file) : [] };
  } catch (thrown) {
    throw isSecureMailError(thrown, "KEY_PASSWORD", "KEY_UNREADABLE") ? thrown : unreadable(file, thrown);
  }
}

function contentsOfPkcs12(octets: Uint8Array, file: string, password: string | undefined): Contents {
  try {
    const { keys, certificates }: Pkcs12Store = readPkcs12(octets, password ?? "");
    return { keys: keys.map(({ privateKey }) => privateKey), certificates: certificates.map((bag) => bag.certificate) };
  } catch (cause) {
    if (!isSecureMailError(cause, "PKCS12_PASSWORD")) throw unreadable(file, cause);
    const what =
      password === undefined ? "is encrypted; name the file with its password" : "the password does not open it";
    throw keyError("KEY_PASSWORD", `${file}: ${what}`, { cause });
  }
}

function matched(keys: readonly KeyObject[], certificates: readonly Certificate[], files: KeyFiles): KeyEntry {
  for (const privateKey of keys) {
    const certificate = certificates.find((candidate) => belongTogether(privateKey, candidate));
    if (certificate === undefined) continue;
    const chain = certificates.filter((other) => other !== certificate);
    return { privateKey, certificate, chain };
  }
  if (certificates.length > 0) throw mismatch(certificates[0] as Certificate, files);
  if (keys.length > 1) {
    throw keyError("KEY_UNREADABLE", `${files.key}: holds ${keys.length} private keys; name the certificate of one`);
  }
  return { privateKey: keys[0] as KeyObject, chain: [] };
}

function mismatch(first: Certificate, { key, certificate: file = key }: KeyFiles): Error {
  try {
    publicKeyOfSpki(first.spki);
  } catch (cause) {
    return keyError("KEY_UNREADABLE", `${file}: ${first.subject}: ${(cause as Error).message}`, { cause });
  }
  return keyError("KEY_MISMATCH", `${file}: ${first.subject} is not the certificate of the key in ${key}`);
}

/** Whether the certificate is for the public half of the key. */
export function belongTogether(privateKey: KeyObject, certificate: Certificate): boolean {
  let certified: KeyObject;
  try {
    certified = certificate.publicKey;
  } catch (thrown) {
    if (isSecureMailError(thrown, "X509_KEY")) return false;
    throw thrown;
  }
  // `equals` on keys of two types makes the next createPrivateKey fail: it leaves its error behind in OpenSSL's queue.
  return certified.asymmetricKeyType === privateKey.asymmetricKeyType && createPublicKey(privateKey).equals(certified);
}

async function readOctets(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw keyError("KEY_FILE", `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}

function unreadable(file: string, cause: unknown): unknown {
  if (!isSecureMailError(cause)) return cause;
  const named = cause.message.startsWith(file) ? cause.message : `${file}: ${cause.message}`;
  return keyError("KEY_UNREADABLE", named, { cause });
}
