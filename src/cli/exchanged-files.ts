// Certificates as another house sends them: PEM, DER, PKCS #7, or a mail that it signed.

import { readFile } from "node:fs/promises";
import { sourceOf } from "../bytes.ts";
import { systemClock } from "../clock.ts";
import { isSecureMailError } from "../errors.ts";
import { readEntity, withCrlf } from "../mime.ts";
import { open, smimeKindOf } from "../smime.ts";
import { type Certificate, certificatesInFile } from "../x509.ts";
import { exit, InputError } from "./options.ts";

/** The certificates of all files, each once, authorities left out: they come along and are nobody's own. */
export async function exchangedCertificates(files: readonly string[]): Promise<readonly Certificate[]> {
  const found = new Map<string, Certificate>();
  for (const file of files) {
    const octets = await octetsOf(file);
    const certificates = (await isSignedMail(octets))
      ? await signersOf(octets, file)
      : certificatesInFile(octets, file);
    const own = certificates.filter(({ extensions }) => extensions.basicConstraints?.ca !== true);
    if (own.length === 0) throw new InputError(exit.input, `${file}: holds certificates of authorities only`);
    for (const certificate of own) found.set(certificate.sha256, certificate);
  }
  return [...found.values()];
}

async function octetsOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InputError(exit.unavailable, `${file}: cannot be read (${code})`, { cause });
  }
}

async function isSignedMail(octets: Uint8Array): Promise<boolean> {
  // DER begins with a SEQUENCE, and no mail does.
  if (octets[0] === 0x30) return false;
  try {
    const { header } = await readEntity(withCrlf(sourceOf(octets)));
    return smimeKindOf(header).kind !== "none";
  } catch (thrown) {
    if (isSecureMailError(thrown)) return false;
    throw thrown;
  }
}

/** What a signature that is right brought along; whether to believe it is for the people who compare. */
async function signersOf(octets: Uint8Array, file: string): Promise<readonly Certificate[]> {
  const brought: Certificate[] = [];
  const { report, dispose } = await open(withCrlf(sourceOf(octets)), {
    keys: [],
    judgeSigner: ({ certificate, certificates }) => {
      brought.push(certificate, ...certificates);
      return { path: { verdict: "valid", code: "OK" }, bound: true };
    },
    certificates: [],
    legacy: false,
    now: systemClock(),
    binding: { binding: "none" },
  });
  dispose();
  if (report.code === "SIGNED_ONLY" || report.code === "STALE" || report.code === "OK") return brought;
  if (report.code === "NO_KEY")
    throw new InputError(
      exit.input,
      `${file}: the mail is encrypted; take its signed content (postern open), or a file`,
    );
  throw new InputError(exit.input, `${file}: the mail's signature is not good: ${report.code}`);
}
