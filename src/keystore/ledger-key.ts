// The key under which the ledger hides who wrote to whom. Not a key of any domain: whoever has it can only guess.

import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { keyError } from "./errors.ts";

const keyOctets = 32;

/**
 * The key in the file; with `make` a missing one is made.
 *
 * Several processes may start at once: each makes its own, whole and synced, and the first to give it the name wins.
 */
export async function loadLedgerKey(file: string, { make }: { readonly make: boolean }): Promise<Uint8Array> {
  const found = await readKey(file);
  if (found !== undefined) return found;
  if (!make) {
    const how = `(umask 077; head -c ${keyOctets} /dev/urandom > ${file})`;
    throw keyError("KEY_FILE", `${file}: is not there; make it with: ${how}`);
  }
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const own = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await writeSynced(own, randomBytes(keyOctets));
    await link(own, file).catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== "EEXIST") throw thrown;
    });
  } finally {
    await rm(own, { force: true });
  }
  return loadLedgerKey(file, { make: false });
}

async function readKey(file: string): Promise<Uint8Array | undefined> {
  let octets: Uint8Array;
  try {
    octets = await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw keyError("KEY_FILE", `${file}: cannot be read (${code})`, { cause });
  }
  if (octets.length >= keyOctets) return octets;
  throw keyError("KEY_UNREADABLE", `${file}: holds ${octets.length} octets, a ledger key has at least ${keyOctets}`);
}

async function writeSynced(file: string, octets: Uint8Array): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(octets);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
