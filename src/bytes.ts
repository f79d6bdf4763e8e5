// Octets in motion: the one stream type, the one sink type, the one place to wait. Floor 0.

/** A stream of octets. Chunks may have any size, empty ones included; they are never changed after they were given. */
export type ByteSource = AsyncIterable<Uint8Array>;

/**
 * Takes octets synchronously. A writer may keep a chunk it was given, so nobody changes octets after passing them on.
 * `end` is asynchronous because the last octets may need a private key that lives elsewhere.
 */
export type ByteSink = {
  write(chunk: Uint8Array): void;
  /** Memory of that size where the next write would put it, for writers that make octets rather than pass them on. */
  readonly room?: (octets: number) => Uint8Array;
  end(): Promise<void>;
};

/**
 * A place where octets wait until something has been judged. Written once, then read as often as needed.
 * The default keeps them in memory; `store` has one that spills to disk, encrypted under a key that dies with it.
 */
export type Spool = {
  write(chunk: Uint8Array): void;
  /** Octets written so far. */
  readonly size: number;
  read(): ByteSource;
  dispose(): void;
};

export type MakeSpool = () => Spool;

/** Chunk size that pays best on this kind of work, see bench/RESULTS.md. */
export const chunkSize: number = 64 * 1024;

export const noOctets: Uint8Array = new Uint8Array(0);

export function memorySpool(): Spool {
  let chunks: Uint8Array[] = [];
  let size = 0;
  return {
    write(chunk) {
      if (chunk.length === 0) return;
      chunks.push(chunk);
      size += chunk.length;
    },
    get size() {
      return size;
    },
    read() {
      // What is small goes on in one piece: each chunk costs every stage behind a turn.
      if (size <= chunkSize && chunks.length > 1) chunks = [concat(chunks)];
      return new Chunks(chunks);
    },
    dispose() {
      chunks = [];
      size = 0;
    },
  };
}

export function sourceOf(...chunks: readonly Uint8Array[]): AsyncIterableIterator<Uint8Array> {
  return new Chunks(chunks);
}

/** By hand: for small mail, which has many sources of one chunk, a generator costs three times as much. */
class Chunks implements AsyncIterableIterator<Uint8Array> {
  #chunks: readonly Uint8Array[];
  #at = 0;

  constructor(chunks: readonly Uint8Array[]) {
    this.#chunks = chunks;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#chunks[this.#at++];
    return Promise.resolve(value === undefined ? { value, done: true } : { value, done: false });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#chunks = [];
    return Promise.resolve({ value: undefined, done: true });
  }
}

/** All octets of a source in one piece. Only for what is known to be small, or where memory is the point. */
export async function collect(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return concat(chunks);
}

/** Joins chunks without copying where there is only one. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** A copy in memory of its own. `slice` would not do: on a Buffer it shares the memory. */
export function copyOf(octets: Uint8Array): Uint8Array {
  return new Uint8Array(octets);
}

export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** A sink that fills one piece of memory from its start; `octets` is what was written. */
export function filling(memory: Uint8Array): ByteSink & { readonly octets: number } {
  let at = 0;
  return {
    room: (octets) => memory.subarray(at, at + octets),
    write(chunk) {
      const inPlace = chunk.buffer === memory.buffer && chunk.byteOffset === memory.byteOffset + at;
      if (!inPlace) memory.set(chunk, at);
      at += chunk.length;
    },
    get octets() {
      return at;
    },
    end: async () => {},
  };
}

/** Octets of a text that holds nothing above U+00FF, one octet a character. */
export function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** By the method behind `toString("latin1")`, which takes half the time: this is called for every small thing. */
export function latin1Text(octets: Uint8Array): string {
  return (asBuffer(octets) as Buffer & { latin1Slice(): string }).latin1Slice();
}

export function hex(octets: Uint8Array): string {
  return asBuffer(octets).toString("hex");
}

/** The same memory seen as a Buffer. */
export function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}

/** Cuts a source into chunks of at most `chunkSize`, so that one huge chunk cannot make every stage huge. */
export async function* inChunks(source: ByteSource, size: number = chunkSize): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (chunk.length <= size) yield chunk;
    else for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
  }
}
