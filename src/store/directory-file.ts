// Directory entries from LDIF files.

import { readFile } from "node:fs/promises";
import { isSecureMailError, SecureMailError } from "../errors.ts";
import { type LdifEntry, parseLdif } from "../ldif.ts";

export type DirectoryFileErrorCode =
  | "DIRECTORY_FILE" // a file of the directory cannot be read
  | "DIRECTORY_FILE_INVALID"; // a file of the directory is not LDIF

/** The entries of all files, in their order. */
export async function readDirectoryFiles(files: readonly string[]): Promise<readonly LdifEntry[]> {
  return (await Promise.all(files.map(readDirectoryFile))).flat();
}

async function readDirectoryFile(file: string): Promise<readonly LdifEntry[]> {
  try {
    return parseLdif(await readFile(file));
  } catch (cause) {
    if (isSecureMailError(cause))
      throw new SecureMailError("DIRECTORY_FILE_INVALID", "permanent", `${file}: ${cause.message}`, { cause });
    const { code } = cause as NodeJS.ErrnoException;
    throw new SecureMailError("DIRECTORY_FILE", "temporary", `${file}: cannot be read (${code})`, { cause });
  }
}
