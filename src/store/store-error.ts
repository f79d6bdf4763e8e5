// Failures of what is kept on disk. All of them are temporary for a message: the sender keeps it and comes again.
import { SecureMailError } from "../errors.ts";

export const storeErrorCodes = {
  STORE_UNUSABLE:
    "the database cannot be read or written now: disk full or broken, locked, damaged (move a damaged one aside together with its -wal and -shm)",
  STORE_NEWER: "the database was made by a newer version of this program",
  STORE_ENTRY: "an entry of the database is not what was written",
  HOLD_FULL: "the room for held mail is used up",
  HOLD_UNWRITABLE: "a mail that must be held cannot be written",
  HOLD_UNREADABLE: "a held mail is not there, or not what was held",
  HOLD_STRAY: "held mail and what is noted about it do not fit together",
  HOLD_SETTLED: "no mail is held under this id",
} as const;
export type StoreErrorCode = keyof typeof storeErrorCodes;

export function storeError(code: StoreErrorCode, message: string, cause?: unknown): SecureMailError<StoreErrorCode> {
  return new SecureMailError(code, "temporary", message, cause === undefined ? {} : { cause });
}
