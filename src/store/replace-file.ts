// A file is changed whole or not at all: readers see the old one or the new one, a crash leaves one of the two.

import { randomBytes } from "node:crypto";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

type Standing = { readonly mode: number; readonly uid: number; readonly gid: number };

/**
 * Resolves when file and folder are synced. Permissions, owner and group stay as they were, or nothing is changed and why
 * is thrown: the gateway might not be allowed to read it any more. A new file is for its owner and group.
 */
export async function replaceFile(file: string, octets: Uint8Array): Promise<void> {
  // Where a link stands, what it leads to is changed.
  const target = await realpath(file).catch(() => file);
  const before = await stat(target).catch(() => undefined);
  const written = `${target}.${randomBytes(6).toString("hex")}.new`;
  const handle = await open(written, "wx", 0o600);
  try {
    await handle.writeFile(octets);
    if (before !== undefined) await giveTo(handle, before, target);
    await handle.chmod(before === undefined ? 0o640 : before.mode & 0o7777);
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

async function giveTo(handle: FileHandle, { uid, gid }: Standing, target: string): Promise<void> {
  const own = await handle.stat();
  if (own.uid === uid && own.gid === gid) return;
  try {
    await handle.chown(uid, gid);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EPERM") throw cause;
    const text = `${target}: belongs to user ${uid} and group ${gid}, and would not any more; do this as root or as that user`;
    // As the system's own failures are, for the exit status.
    throw Object.assign(new Error(text, { cause }), { code: "EPERM", syscall: "fchown" });
  }
}
