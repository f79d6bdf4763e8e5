// From failures to the codes of reports. Whatever failed with a key or inside a decryption is BAD_CONTENT.
import type { SecureMailError } from "../errors.ts";
import type { ReportCode } from "./report.ts";

const byCode: ReadonlyMap<string, ReportCode> = new Map([
  ["ASN1_LIMIT", "LIMIT"],
  ["CMS_LIMIT", "LIMIT"],
  ["MIME_LIMIT", "LIMIT"],
  ["X509_LIMIT", "LIMIT"],
  ["CMS_UNSUPPORTED", "UNSUPPORTED"],
  ["CRYPTO_UNSUPPORTED", "UNSUPPORTED"],
  ["MIME_UNSUPPORTED", "UNSUPPORTED"],
  ["CRYPTO_WEAK", "WEAK"],
  ["CMS_NO_RECIPIENT", "NO_KEY"],
  ["CMS_BAD_CONTENT", "BAD_CONTENT"],
]);

export function codeOfFailure({ code }: SecureMailError): ReportCode {
  return byCode.get(code) ?? "MALFORMED";
}
