// An entity is a header and a body that streams on behind it (RFC 2045, 2.4). Floor 1, see ../mime.ts.
import { asBuffer, type ByteSource, concat, latin1, noOctets } from "../bytes.ts";
import { formatHeader, type HeaderBlock, maxHeaderSize, splitHeader } from "./header.ts";

export type Entity = { readonly header: HeaderBlock; readonly body: ByteSource };

/** The body can be read once; whoever does not read it to its end lets go of the source with `body.return`. */
export type ReadEntity = Entity & { readonly body: AsyncIterableIterator<Uint8Array> };

/** Reads the header block and no more than the chunk it ends in; fails with MIME_LIMIT where it does not end in time. */
export async function readEntity(source: ByteSource): Promise<ReadEntity> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    const { octets, headEnd, complete } = await readHead(chunks);
    const { header, bodyAt } = splitHeader(octets.subarray(0, headEnd), complete);
    return { header, body: bodyOf(octets.subarray(bodyAt), chunks) };
  } catch (failure) {
    await chunks.return?.();
    throw failure;
  }
}

/** The same of octets that are there; for what is known to be small. */
export function parseEntity(octets: Uint8Array): { readonly header: HeaderBlock; readonly body: Uint8Array } {
  const { header, bodyAt } = splitHeader(octets.subarray(0, maxHeaderSize), octets.length <= maxHeaderSize);
  return { header, body: octets.subarray(bodyAt) };
}

/** The entity as it stood. */
export async function* formatEntity(entity: Entity): AsyncGenerator<Uint8Array> {
  const header = formatHeader(entity.header);
  if (header.length > 0) yield header;
  yield* entity.body;
}

type Head = {
  /** All octets read so far. */
  readonly octets: Uint8Array;
  /** How many of them may belong to the header, separator included. */
  readonly headEnd: number;
  /** Whether they hold an empty line or all of the input; else the limit came first. */
  readonly complete: boolean;
};

// The header may be empty, then its empty line is the input's first: as if a line end stood before the input.
const lineEnd = latin1("\r\n");
const [cr, lf] = lineEnd;

async function readHead(chunks: AsyncIterator<Uint8Array>): Promise<Head> {
  const read: Uint8Array[] = [];
  let size = 0;
  let seam: Uint8Array = lineEnd;
  while (size < maxHeaderSize) {
    const next = await chunks.next();
    if (next.done) return { octets: concat(read), headEnd: size, complete: true };
    const chunk = next.value;
    // An empty line across the seam lies in the last three octets before it and the first three behind.
    const acrossSeam = chunk[0] === cr || chunk[0] === lf ? emptyLineAt(concat([seam, chunk.subarray(0, 3)])) : -1;
    const found = acrossSeam === -1 ? emptyLineAt(chunk) : acrossSeam - seam.length;
    read.push(chunk);
    const headEnd = size + found + 4;
    if (found !== -1 && headEnd <= maxHeaderSize) return { octets: concat(read), headEnd, complete: true };
    size += chunk.length;
    seam = chunk.length >= 3 ? chunk.subarray(-3) : concat([seam, chunk]).subarray(-3);
  }
  return { octets: concat(read), headEnd: Math.min(size, maxHeaderSize), complete: false };
}

function emptyLineAt(octets: Uint8Array): number {
  return asBuffer(octets).indexOf("\r\n\r\n", 0, "latin1");
}

/** The rest of the chunk at hand, then what follows. An iterator by hand: half the cost of a generator for small mail. */
function bodyOf(rest: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncIterableIterator<Uint8Array> {
  let first = rest;
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    next() {
      if (first.length === 0) return chunks.next();
      const value = first;
      first = noOctets;
      return Promise.resolve({ value, done: false });
    },
    async return() {
      first = noOctets;
      await chunks.return?.();
      return { value: undefined, done: true };
    },
  };
  return iterator;
}
