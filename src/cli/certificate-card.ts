// A certificate as people see it: whom it names, how long it holds, and its fingerprint to compare.

import type { KeyObject } from "node:crypto";
import type { Certificate } from "../x509.ts";
import { columns, day } from "./columns.ts";
import { spokenFingerprint } from "./fingerprint-words.ts";

export function certificateCard(label: string, certificate: Certificate): string {
  const { subject, emails, issuer, notBefore, notAfter, sha256 } = certificate;
  const words = spokenFingerprint(sha256);
  const lines = [0, 4, 8, 12].map((at) => words.slice(at, at + 4).join(" "));
  return columns(
    [
      [label.padEnd(18), subject],
      ...(emails.length === 0
        ? [["  names", "nobody"]]
        : emails.map((email, at) => [at === 0 ? "  names" : "", email])),
      ["  valid", `${day(notBefore)} to ${day(notAfter)}`],
      ["  issuer", issuer === subject ? "itself" : issuer],
      ["  key", keyText(certificate)],
      ["  sha256", sha256],
      ...lines.map((line, at) => [at === 0 ? "  words" : "", line]),
    ],
    2,
  );
}

function keyText(certificate: Certificate): string {
  try {
    return keyObjectText(certificate.publicKey);
  } catch (thrown) {
    return `none that is used here (${(thrown as Error).message})`;
  }
}

/** `RSA 2048`, `P-256`, `ed25519`. */
export function keyObjectText({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails;
  if (modulusLength !== undefined) return `RSA ${modulusLength}`;
  return curves.get(namedCurve ?? "") ?? namedCurve ?? asymmetricKeyType ?? "of an unknown kind";
}

const curves: ReadonlyMap<string, string> = new Map([
  ["prime256v1", "P-256"],
  ["secp384r1", "P-384"],
  ["secp521r1", "P-521"],
]);

/** The same as data. */
export function certificateFacts({
  subject,
  issuer,
  emails,
  serialText,
  notBefore,
  notAfter,
  sha256,
}: Certificate): Readonly<Record<string, string | readonly string[]>> {
  return {
    subject,
    issuer,
    emails,
    serial: serialText,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    sha256,
    words: spokenFingerprint(sha256).join(" "),
  };
}
