// Octets in on stdin, out on stdout, without streams in between: several times cheaper, and memory stays flat.
import { readSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { type ByteSource, chunkSize, sourceOf } from "../bytes.ts";
import { octetsPassed } from "../memory.ts";

/** Standard input to its end. */
export function standardInput(): ByteSource {
  if (isatty(0)) process.stderr.write("reading a message from the terminal; Ctrl-D on a line of its own ends it\n");
  return octetsOf(0);
}

/** The octets of an open file or pipe from where it stands, in full chunks, however little the other side writes at once. */
export async function* octetsOf(file: number): AsyncGenerator<Uint8Array> {
  for (let ended = false; !ended; ) {
    const chunk = Buffer.allocUnsafeSlow(chunkSize);
    let filled = 0;
    while (filled < chunk.length && !ended) {
      const read = await patiently(() => readSync(file, chunk, filled, chunk.length - filled, null));
      filled += read;
      ended = read === 0;
    }
    octetsPassed(filled);
    if (filled > 0) yield chunk.subarray(0, filled);
  }
}

export function writeText(text: string): Promise<boolean> {
  return writeOut(sourceOf(Buffer.from(text)));
}

/** Writes everything to standard output; false where the reader has gone away. */
export async function writeOut(source: ByteSource): Promise<boolean> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      try {
        at += await patiently(() => writeSync(1, chunk, at, chunk.length - at));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EPIPE") return false;
        throw error;
      }
    }
  }
  return true;
}

// A pipe that another program set to non-blocking has nothing, or no room, just now.
async function patiently(operation: () => number): Promise<number> {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      await sleep(2);
    }
  }
}
