// Octets that were read and are wanted once more: small originals, bodies behind headers, messages put together again.
import { type ByteSource, type Spool, sourceOf } from "../bytes.ts";
import { CmsError } from "../cms.ts";
import type { HeaderBlock } from "../mime.ts";

// LIMIT: house rule, a message in flight may hold 1 MiB; certificates alone seldom have a hundredth of it.
const maxRemembered = 1024 * 1024;

/** Keeps a copy of what is read while it is small: a message with certificates only is known by its end. */
export class Remembered {
  readonly #source: ByteSource;
  #size = 0;
  #chunks: Uint8Array[] = [];

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** By hand, like all iterators that every message goes through. */
  octets(): AsyncIterableIterator<Uint8Array> {
    const source = this.#source[Symbol.asyncIterator]();
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      const chunk = await source.next();
      if (chunk.done !== true) this.#remember(chunk.value);
      return chunk;
    };
    const end = async (): Promise<IteratorResult<Uint8Array>> => {
      await source.return?.();
      return { value: undefined, done: true };
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next,
      return: end,
    };
  }

  #remember(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size <= maxRemembered) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** What was read; CMS_LIMIT where it was more than is kept. */
  get chunks(): readonly Uint8Array[] {
    if (this.#size > maxRemembered)
      throw new CmsError("CMS_LIMIT", `certificates only, in more than ${maxRemembered} octets`);
    return this.#chunks;
  }
}

/** An entity's body: the spool that holds all of it, without the octets of its header. */
export async function* behindHeader(spool: Spool, header: HeaderBlock): AsyncGenerator<Uint8Array> {
  let skip = header.fields.reduce((sum, { octets }) => sum + octets.length, header.separator.length);
  for await (const chunk of spool.read()) {
    if (chunk.length > skip) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}

/** A message from its header and its body. */
export async function* sourceWithHeader(header: HeaderBlock, body: ByteSource): AsyncGenerator<Uint8Array> {
  yield* sourceOf(...header.fields.map(({ octets }) => octets), header.separator);
  yield* body;
}
