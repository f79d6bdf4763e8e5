// Failures of algorithms: what is unknown, what is known and not accepted, what does not fit.
import { SecureMailError } from "../errors.ts";

export const cryptoErrorCodes = {
  CRYPTO_UNSUPPORTED: "an algorithm or form that is not implemented",
  CRYPTO_WEAK: "right, but below what is accepted without legacy",
  CRYPTO_PARAMETERS: "parameters that do not fit their algorithm",
  CRYPTO_KEY: "a key of the wrong kind, or one that cannot be used",
} as const;

export type CryptoErrorCode = keyof typeof cryptoErrorCodes;

export class CryptoError extends SecureMailError<CryptoErrorCode> {
  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(code, "permanent", message, options);
  }
}
