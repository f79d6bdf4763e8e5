// What a worker is working on, for the day it dies: a file of fixed slots, one per message in flight, written with one
// pwrite each and never synced, for it has to outlive the process, not the machine.

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";

export type Journal = {
  /** Before a message is parsed; call what it returns when its last reply is known. */
  begin(key: Uint8Array, alone: boolean): () => void;
  /** At an orderly end: nothing was left, the file goes. */
  close(): void;
};

export type InFlight = { readonly worker: string; readonly key: Uint8Array; readonly alone: boolean };

export type Journals = {
  readonly inFlight: readonly InFlight[];
  /** Removes what was read: call it when the suspects are written. */
  forget(): void;
};

const keyOctets = 32;
// state, key, checksum
const slotOctets = 1 + keyOctets + 4;
// Made at the start, so that a disk that fills up later does not stop mail here.
const slotsMade = 256;
const state = { free: 0, shared: 1, alone: 2 } as const;
const folderOf = (dataDir: string): string => path.join(dataDir, "inflight");

/** `worker` is a name of ours; it becomes the file's. */
export function openJournal(dataDir: string, worker: string): Journal {
  mkdirSync(folderOf(dataDir), { recursive: true, mode: 0o700 });
  const name = path.join(folderOf(dataDir), worker);
  const file = openSync(name, "w", 0o600);
  writeSync(file, new Uint8Array(slotsMade * slotOctets));
  const free: number[] = [];
  let slots = 0;
  const empty = new Uint8Array(slotOctets);
  return {
    begin(key, alone) {
      const slot = free.pop() ?? slots++;
      writeSync(file, formatSlot(key, alone), 0, slotOctets, slot * slotOctets);
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        writeSync(file, empty, 0, slotOctets, slot * slotOctets);
        free.push(slot);
      };
    },
    close() {
      closeSync(file);
      rmSync(name, { force: true });
    },
  };
}

/** What `worker`, or any, left behind when it died. */
export function readJournals(dataDir: string, worker?: string): Journals {
  const folder = folderOf(dataDir);
  const names = filesIn(folder).filter((name) => worker === undefined || name === worker);
  const inFlight = names.flatMap((name) =>
    slotsIn(readFileSync(path.join(folder, name))).map((slot) => ({ worker: name, ...slot })),
  );
  return {
    inFlight,
    forget() {
      for (const name of names) rmSync(path.join(folder, name), { force: true });
    },
  };
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
}

function formatSlot(key: Uint8Array, alone: boolean): Uint8Array {
  const slot = Buffer.alloc(slotOctets);
  slot[0] = alone ? state.alone : state.shared;
  slot.set(key, 1);
  slot.writeUInt32BE(crc32(slot.subarray(0, 1 + keyOctets)), 1 + keyOctets);
  return slot;
}

/** A slot that is torn or altered accuses nobody. */
function slotsIn(octets: Buffer): { readonly key: Uint8Array; readonly alone: boolean }[] {
  const found: { key: Uint8Array; alone: boolean }[] = [];
  for (let at = 0; at + slotOctets <= octets.length; at += slotOctets) {
    const slot = octets.subarray(at, at + slotOctets);
    if (slot[0] === state.free) continue;
    if (slot.readUInt32BE(1 + keyOctets) !== crc32(slot.subarray(0, 1 + keyOctets))) continue;
    found.push({ key: new Uint8Array(slot.subarray(1, 1 + keyOctets)), alone: slot[0] === state.alone });
  }
  return found;
}
