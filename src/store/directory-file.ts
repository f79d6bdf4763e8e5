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
    const octets = await readFile(file);
    // Whoever writes a file in place empties it first: were that believed, each member would be a stranger for a while.
    if (octets.length === 0)
      throw new SecureMailError(
        "DIRECTORY_FILE_INVALID",
        "permanent",
        "is empty; without members it says `version: 1`",
      );
    return parseLdif(octets);
  } catch (cause) {
    if (isSecureMailError(cause))
      throw new SecureMailError("DIRECTORY_FILE_INVALID", "permanent", `${file}: ${cause.message}`, { cause });
    const { code } = cause as NodeJS.ErrnoException;
    throw new SecureMailError("DIRECTORY_FILE", "temporary", `${file}: cannot be read (${code})`, { cause });
  }
}
