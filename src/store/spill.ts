// A spool that does not grow in memory: up to a bound it keeps octets, beyond it they go to a file without a name,
// encrypted under a key that dies with the process. No plaintext of a message ever reaches a disk (security A55).
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { concat, type MakeSpool, type Spool } from "../bytes.ts";
import { isSecureMailError, SecureMailError } from "../errors.ts";
import { octetsPassed } from "../memory.ts";

export const spillErrorCodes = {
  SPILL_UNREADABLE: "what was spilled to disk is not what was written",
  SPILL_UNWRITABLE: "the disk does not take what has to wait there",
  SPILL_FULL: "the room for large messages in flight is used up",
} as const;

// LIMIT: house rule, a message in flight may hold 1 MiB.
const keptInMemory = 1024 * 1024;
// A sender may send octet by octet, and a chunk takes a hundred octets beside its own.
const mostChunks = 1024;
const frameOctets = 64 * 1024;
const tagOctets = 16;
const spilledOctets = frameOctets + tagOctets;
const cipherName = "aes-256-gcm";

export type SpillOptions = {
  /** Octets that all spools of this maker together may have on disk. */
  readonly quota?: number;
};

/** Makes spools that spill into `folder`. */
export function spillingSpools(folder: string, { quota = Number.POSITIVE_INFINITY }: SpillOptions = {}): MakeSpool {
  const room: Room = { octets: quota };
  return () => new SpillingSpool(folder, room);
}

/** What is left of the quota. */
type Room = { octets: number };

class SpillingSpool implements Spool {
  readonly #folder: string;
  readonly #room: Room;
  /** Made when it is needed: most messages are small. */
  #key: Uint8Array | undefined;
  #pending: Uint8Array[] = [];
  #pendingOctets = 0;
  #frames = 0;
  #file: number | undefined;
  #size = 0;

  constructor(folder: string, room: Room) {
    this.#folder = folder;
    this.#room = room;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#pending.push(chunk);
    this.#pendingOctets += chunk.length;
    this.#size += chunk.length;
    if (this.#pending.length === mostChunks) this.#pending = [concat(this.#pending)];
    if (this.#pendingOctets > (this.#file === undefined ? keptInMemory : frameOctets)) this.#spill();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    const frame = Buffer.allocUnsafe(this.#frames === 0 ? 0 : spilledOctets);
    for (let index = 0, frames = this.#frames; index < frames; index++) {
      if (this.#file === undefined)
        throw new SecureMailError("SPILL_UNREADABLE", "temporary", "a spool was disposed of while it was read");
      const read = readSync(this.#file, frame, 0, frame.length, index * frame.length);
      if (read !== frame.length)
        throw new SecureMailError("SPILL_UNREADABLE", "temporary", "a spill file ends too soon");
      octetsPassed(frameOctets);
      yield this.#decrypt(frame, index);
    }
    yield* this.#pending;
  }

  dispose(): void {
    this.#pending = [];
    this.#pendingOctets = 0;
    this.#key?.fill(0);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#room.octets += this.#frames * spilledOctets;
    this.#frames = 0;
  }

  #spill(): void {
    let octets = concat(this.#pending);
    try {
      this.#file ??= openUnnamed(this.#folder);
      for (; octets.length >= frameOctets; octets = octets.subarray(frameOctets))
        this.#writeFrame(octets.subarray(0, frameOctets));
    } catch (cause) {
      if (isSecureMailError(cause)) throw cause;
      throw new SecureMailError("SPILL_UNWRITABLE", "temporary", `${this.#folder}: ${(cause as Error).message}`, {
        cause,
      });
    }
    // A copy, for what is left would hold the whole piece in memory.
    this.#pending = octets.length === 0 ? [] : [Uint8Array.from(octets)];
    this.#pendingOctets = octets.length;
  }

  #writeFrame(octets: Uint8Array): void {
    if (this.#room.octets < spilledOctets)
      throw new SecureMailError("SPILL_FULL", "temporary", "the room for large messages in flight is used up");
    this.#key ??= randomBytes(32);
    const cipher = createCipheriv(cipherName, this.#key, nonceOf(this.#frames));
    const sealed = cipher.update(octets);
    cipher.final();
    const at = this.#frames * spilledOctets;
    writeAll(this.#file as number, sealed, at);
    writeAll(this.#file as number, cipher.getAuthTag(), at + frameOctets);
    this.#frames++;
    this.#room.octets -= spilledOctets;
    octetsPassed(frameOctets);
  }

  #decrypt(frame: Buffer, index: number): Uint8Array {
    const cipher = createDecipheriv(cipherName, this.#key as Uint8Array, nonceOf(index));
    cipher.setAuthTag(frame.subarray(frameOctets));
    const octets = cipher.update(frame.subarray(0, frameOctets));
    try {
      cipher.final();
    } catch (cause) {
      throw new SecureMailError("SPILL_UNREADABLE", "temporary", "a spill file was changed", { cause });
    }
    return octets;
  }
}

// The key belongs to one spool, so its frames may simply be counted.
function nonceOf(frame: number): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(frame, 6, 6);
  return nonce;
}

function openUnnamed(folder: string): number {
  const path = join(folder, `.postern-${randomUUID()}`);
  const file = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return file;
}

function writeAll(file: number, octets: Uint8Array, position: number): void {
  for (let at = 0; at < octets.length; ) at += writeSync(file, octets, at, octets.length - at, position + at);
}
