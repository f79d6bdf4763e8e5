// Keys, certificates and the moment that options name, loaded and checked.

import { systemClock } from "../clock.ts";
import type { DecryptionKey } from "../cms.ts";
import { privateKeyOf } from "../crypto.ts";
import { type KeyEntry, loadCertificates, loadCrls, loadKey } from "../keystore.ts";
import type { Certificate, Crl } from "../x509.ts";
import { type Options, UsageError } from "./options.ts";

export type NamedKey = DecryptionKey & { readonly chain: readonly Certificate[]; readonly file: string };

/** The keys of `--KEY F --CERT F [--KEY2 ...]`: certificates go with keys in their order; PKCS #12 brings its own. */
export async function loadKeys(options: Options, keyOption: string, certificateOption: string): Promise<NamedKey[]> {
  const keyFiles = options.texts(keyOption);
  const certificateFiles = options.texts(certificateOption);
  if (certificateFiles.length > keyFiles.length) throw new UsageError(`--${certificateOption} without --${keyOption}`);
  const password = options.text("password-file");
  return Promise.all(
    keyFiles.map(async (key, index) => {
      const certificate = certificateFiles[index];
      const entry = await loadKey({
        key,
        ...(certificate === undefined ? {} : { certificate }),
        ...(password === undefined ? {} : { password }),
      });
      return namedKey(entry, key, certificateOption);
    }),
  );
}

function namedKey({ privateKey, certificate, chain }: KeyEntry, file: string, certificateOption: string): NamedKey {
  if (certificate === undefined)
    throw new UsageError(`${file} holds no certificate: name one with --${certificateOption}`);
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
