// A file is changed whole or not at all: readers see the old one or the new one, a crash leaves one of the two.

import { randomBytes } from "node:crypto";
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

/** Resolves when file and folder are synced. Permissions stay as they were; a new file is for its owner and group. */
export async function replaceFile(file: string, octets: Uint8Array): Promise<void> {
  // Where a link stands, what it leads to is changed.
  const target = await realpath(file).catch(() => file);
  const mode = await stat(target).then(
    (found) => found.mode & 0o7777,
    () => 0o640,
  );
  const written = `${target}.${randomBytes(6).toString("hex")}.new`;
  const handle = await open(written, "wx", 0o600);
  try {
    await handle.writeFile(octets);
    await handle.chmod(mode);
    await handle.sync();
    await handle.close();
    await rename(written, target);
  } catch (thrown) {
    await handle.close().catch(() => undefined);
    await rm(written, { force: true });
    throw thrown;
  }
  const folder = await open(path.dirname(target));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
