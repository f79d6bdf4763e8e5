// Failures of reading ASN.1, always with the offset.
import { SecureMailError } from "../errors.ts";

export const asn1ErrorCodes = {
  ASN1_MALFORMED: "the octets are not BER, or not the structure they claim to be",
  ASN1_TRUNCATED: "the octets end before the structure does",
  ASN1_LIMIT: "the structure is deeper, longer or has more elements than is read",
} as const;

export type Asn1ErrorCode = keyof typeof asn1ErrorCodes;

export function asn1Error(code: Asn1ErrorCode, message: string, offset: number): SecureMailError<Asn1ErrorCode> {
  return new SecureMailError(code, "permanent", message, { offset });
}
