// What a worker is working on, for the day it dies: a file of fixed slots, one per message in flight and one per entry
// that the ledger does not have yet, written with one pwrite each and never synced: it has to outlive the process, not
// the machine.

import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";

export type Journal = {
  /** Before a message is parsed; call what it returns when its last reply is known. */
  begin(key: Uint8Array, alone: boolean): () => void;
  /**
   * The moment the next hop has said yes: entries on their way into the ledger. Should the process die before they are
   * there, whoever reads the journal brings them. Call what it returns when they are.
   */
  done(entries: readonly Done[]): () => void;
  /** At an orderly end: nothing was left, the file goes. */
  close(): void;
};

export type InFlight = { readonly worker: string; readonly key: Uint8Array; readonly alone: boolean };

/** An entry of the ledger. */
export type Done = { readonly key: Uint8Array; readonly until: Date };

export type Journals = {
  readonly inFlight: readonly InFlight[];
  readonly done: readonly Done[];
  /** Removes what was read: call it when the suspects are written. */
  forget(): void;
};

const keyOctets = 32;
// state, key, time, checksum
const checked = 1 + keyOctets + 8;
const slotOctets = checked + 4;
// Made at the start, so that a disk that fills up later does not stop mail here.
const slotsMade = 256;
const state = { free: 0, shared: 1, alone: 2, done: 3 } as const;
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
  const write = (octets: Uint8Array): (() => void) => {
    const slot = free.pop() ?? slots++;
    writeSync(file, octets, 0, slotOctets, slot * slotOctets);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      writeSync(file, empty, 0, slotOctets, slot * slotOctets);
      free.push(slot);
    };
  };
  return {
    begin: (key, alone) => write(formatSlot(alone ? state.alone : state.shared, key, 0)),
    done(entries) {
      const ends = entries.map(({ key, until }) => write(formatSlot(state.done, key, until.getTime())));
      return () => {
        for (const end of ends) end();
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
  const slots = names.flatMap((name) =>
    slotsIn(readFileSync(path.join(folder, name))).map((slot) => ({ worker: name, ...slot })),
  );
  return {
    inFlight: slots.flatMap(({ worker, kind, key }) =>
      kind === state.done ? [] : [{ worker, key, alone: kind === state.alone }],
    ),
    done: slots.flatMap(({ kind, key, at }) => (kind === state.done ? [{ key, until: new Date(at) }] : [])),
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

function formatSlot(kind: number, key: Uint8Array, at: number): Uint8Array {
  const slot = Buffer.alloc(slotOctets);
  slot[0] = kind;
  slot.set(key, 1);
  slot.writeDoubleBE(at, 1 + keyOctets);
  slot.writeUInt32BE(crc32(slot.subarray(0, checked)), checked);
  return slot;
}

type Slot = { readonly kind: number; readonly key: Uint8Array; readonly at: number };

/** A slot that is torn or altered accuses nobody, and speaks for nobody. */
function slotsIn(octets: Buffer): readonly Slot[] {
  const found: Slot[] = [];
  for (let start = 0; start + slotOctets <= octets.length; start += slotOctets) {
    const slot = octets.subarray(start, start + slotOctets);
    const kind = slot[0] as number;
    if (kind === state.free || slot.readUInt32BE(checked) !== crc32(slot.subarray(0, checked))) continue;
    found.push({ kind, key: new Uint8Array(slot.subarray(1, 1 + keyOctets)), at: slot.readDoubleBE(1 + keyOctets) });
  }
  return found;
}
