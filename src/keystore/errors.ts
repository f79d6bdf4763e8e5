// Failures of the files that keys and certificates come in: which file, which object in it, and what to do.
import { SecureMailError } from "../errors.ts";

export const keyErrorCodes = {
  KEY_FILE: "the file is not there or must not be read",
  KEY_UNREADABLE: "the file holds no private key that can be used",
  KEY_MISMATCH: "key and certificate do not belong together",
  KEY_PASSWORD: "the password is missing or wrong",
} as const;

export type KeyErrorCode = keyof typeof keyErrorCodes;

export function keyError(code: KeyErrorCode, message: string, options?: ErrorOptions): SecureMailError<KeyErrorCode> {
  return new SecureMailError(code, "permanent", message, options);
}
