// Failures of reading certificates, CRLs and the files they come in, always with the field or the offset.
import { isSecureMailError, type Place, SecureMailError } from "../errors.ts";

export const x509ErrorCodes = {
  X509_MALFORMED: "the octets are not the certificate or CRL they claim to be",
  X509_LIMIT: "larger than any honest certificate or CRL",
  X509_KEY: "the public key is of a kind or size that is not used here",
  PEM_MALFORMED: "the file holds no readable PEM or DER object",
  PKCS12_MALFORMED: "the octets are not a PKCS #12 store",
  PKCS12_PASSWORD: "the password does not open the PKCS #12 store",
  PKCS12_UNSUPPORTED: "the PKCS #12 store is protected in a way that is not implemented",
} as const;

export type X509ErrorCode = keyof typeof x509ErrorCodes;

export function x509Error(
  code: X509ErrorCode,
  message: string,
  options: ErrorOptions & Place = {},
): SecureMailError<X509ErrorCode> {
  return new SecureMailError(code, "permanent", message, options);
}

/** What was caught while reading `field`, as a failure of this area: ASN.1 failures gain the field's name. */
export function namingField(thrown: unknown, field: string, code: X509ErrorCode = "X509_MALFORMED"): unknown {
  if (!isSecureMailError(thrown, "ASN1_MALFORMED", "ASN1_TRUNCATED", "ASN1_LIMIT")) return thrown;
  const message = thrown.message.replace(/ \(offset \d+\)$/, "");
  return x509Error(code, message, { ...thrown.place, field, cause: thrown });
}
