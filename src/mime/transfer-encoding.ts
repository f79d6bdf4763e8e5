// Transfer encodings (RFC 2045, 6), decoded piece by piece. Floor 1, see ../mime.ts.
import { type ByteSource, chunkSize, noOctets } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { base64Decoder } from "./base64-decoder.ts";
import { quotedPrintableDecoder } from "./quoted-printable.ts";

export type TransferDecoder = {
  /** What can be decoded so far; never keeps `chunk`. */
  update(chunk: Uint8Array): Uint8Array;
  /** Fails with MIME_MALFORMED where the encoded text ended too soon. */
  final(): Uint8Array;
  /** Harmless oddities met on the way, in words. */
  readonly quirks: readonly string[];
};

/** The decoder for what `transferEncodingOf` says; MIME_UNSUPPORTED for what RFC 2045 does not name. */
export function transferDecoder(encoding: string): TransferDecoder {
  switch (encoding) {
    case "7bit":
    case "8bit":
    case "binary":
      return identity();
    case "base64":
      return base64Decoder();
    case "quoted-printable":
      return quotedPrintableDecoder();
    default:
      throw new SecureMailError("MIME_UNSUPPORTED", "permanent", `transfer encoding "${encoding.slice(0, 40)}"`, {
        field: "Content-Transfer-Encoding",
      });
  }
}

/**
 * The body without its encoding; `atEnd` is told when all of it has been read. An iterator by hand: a generator costs
 * twice as much for small mail.
 */
export function decodeTransfer(
  body: ByteSource,
  decoder: TransferDecoder,
  atEnd: () => void = () => {},
): AsyncIterableIterator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let rest = noOctets; // of a chunk larger than is good for the caches of the processor
  let ended = false;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (ended) return { value: undefined, done: true };
      const chunk = rest.length > 0 ? { value: rest, done: false } : await chunks.next();
      if (chunk.done !== true) {
        const { value } = chunk;
        rest = value.length > chunkSize ? value.subarray(chunkSize) : noOctets;
        return { value: decoder.update(rest.length === 0 ? value : value.subarray(0, chunkSize)), done: false };
      }
      ended = true;
      const last = decoder.final();
      atEnd();
      return { value: last, done: false };
    },
    async return() {
      ended = true;
      await chunks.return?.();
      return { value: undefined, done: true };
    },
  };
}

function identity(): TransferDecoder {
  return { quirks: [], update: (chunk) => chunk, final: () => noOctets };
}
