// Keys, certificates and the moment that options name, loaded and checked.

import { systemClock } from "../clock.ts";
import type { DecryptionKey } from "../cms.ts";
import { privateKeyOf } from "../crypto.ts";
import { type KeyEntry, loadCertificates, loadCrls, loadKey } from "../keystore.ts";
import type { Certificate, Crl } from "../x509.ts";
import { type Options, UsageError } from "./options.ts";

export type NamedKey = DecryptionKey & { readonly chain: readonly Certificate[]; readonly file: string };

/** The keys of `--KEY F --CERT F [--KEY2 ...]`: certificates go in their order with the keys that do not bring their own. */
export async function loadKeys(options: Options, keyOption: string, certificateOption: string): Promise<NamedKey[]> {
  const keyFiles = options.texts(keyOption);
  const certificateFiles = [...options.texts(certificateOption)];
  if (certificateFiles.length > keyFiles.length) throw new UsageError(`--${certificateOption} without --${keyOption}`);
  const password = options.text("password-file");
  const oneEach = certificateFiles.length === keyFiles.length;
  const keys: NamedKey[] = [];
  for (const key of keyFiles) {
    const files = password === undefined ? { key } : { key, password };
    let entry = oneEach ? undefined : await loadKey(files);
    if (entry?.certificate === undefined) {
      const certificate = certificateFiles.shift();
      if (certificate !== undefined) entry = await loadKey({ ...files, certificate });
    }
    keys.push(namedKey(entry, key, certificateOption));
  }
  if (certificateFiles.length > 0) throw new UsageError(`--${certificateOption} without --${keyOption}`);
  return keys;
}

function namedKey(entry: KeyEntry | undefined, file: string, certificateOption: string): NamedKey {
  if (entry?.certificate === undefined)
    throw new UsageError(`${file} holds no certificate: name one with --${certificateOption}`);
  const { privateKey, certificate, chain } = entry;
  return { key: privateKeyOf(privateKey, certificate.publicKey), certificate, chain, file };
}

export async function loadAllCertificates(files: readonly string[]): Promise<Certificate[]> {
  return (await Promise.all(files.map(loadCertificates))).flat();
}

export async function loadAllCrls(files: readonly string[]): Promise<Crl[]> {
  return (await Promise.all(files.map(loadCrls))).flat();
}

/** `--time`, or now. */
export function judgingTime(options: Options): Date {
  const text = options.text("time");
  if (text === undefined) return systemClock();
  const shape = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
  const date = new Date(shape.test(text) && isDay(text.slice(0, 10)) ? text : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new UsageError(`--time ${text}: it is an RFC 3339 time such as 2026-11-23T09:00:00Z`);
  return date;
}

/** Date would take the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
