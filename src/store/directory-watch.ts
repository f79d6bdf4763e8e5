// Directory files that change while the gateway runs. They are looked at every second, by time, size and inode: the
// system's notices do not cross every mount, and are lost when a file is replaced by another of its name.

import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import type { LdifEntry } from "../ldif.ts";
import { readDirectoryFiles } from "./directory-file.ts";

export type DirectoryWatch = {
  /** As they were at the start. */
  readonly entries: readonly LdifEntry[];
  close(): void;
};

export type DirectoryWatchers = {
  readonly onChange: (entries: readonly LdifEntry[]) => void;
  /** Files that cannot be read or are not LDIF, with file and line, once for each state they are in. */
  readonly onFault: (thrown: unknown) => void;
  /** How often to look, and how long files must have rested before they are read; a second. */
  readonly everyMs?: number;
  readonly settleMs?: number;
};

/** Reads the files, throwing what `readDirectoryFiles` throws, and then whenever they have changed and rested. */
export async function watchDirectoryFiles(
  files: readonly string[],
  { onChange, onFault, everyMs = 1000, settleMs = 1000 }: DirectoryWatchers,
): Promise<DirectoryWatch> {
  let read = await stateOf(files);
  const entries = await readDirectoryFiles(files);
  let seen = read;
  let since = performance.now();
  let closed = false;
  let timer = setTimeout(look, everyMs).unref();

  async function look(): Promise<void> {
    const now = await stateOf(files);
    if (now !== seen) {
      seen = now;
      since = performance.now();
    } else if (seen !== read && performance.now() - since >= settleMs) await readAgain();
    if (!closed) timer = setTimeout(look, everyMs).unref();
  }

  async function readAgain(): Promise<void> {
    const before = seen;
    const outcome = await readDirectoryFiles(files).then(
      (entries) => ({ entries }),
      (thrown: unknown) => ({ thrown }),
    );
    // What changed while it was read has not rested.
    if (closed || (await stateOf(files)) !== before) return;
    read = before;
    if ("entries" in outcome) onChange(outcome.entries);
    else onFault(outcome.thrown);
  }

  return {
    entries,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Differs whenever a file does; what cannot be looked at is a state too. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = files.map((file) =>
    stat(file, { bigint: true }).then(
      ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) => [dev, ino, size, mtimeNs, ctimeNs].join(" "),
      (thrown: NodeJS.ErrnoException) => String(thrown.code),
    ),
  );
  return (await Promise.all(states)).join("\n");
}
