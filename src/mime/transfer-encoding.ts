// Transfer encodings (RFC 2045, 6), decoded piece by piece. Floor 1, see ../mime.ts.
import type { ByteSource } from "../bytes.ts";
import { noOctets } from "../bytes.ts";
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

export async function* decodeTransfer(body: ByteSource, decoder: TransferDecoder): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    const decoded = decoder.update(chunk);
    if (decoded.length > 0) yield decoded;
  }
  const last = decoder.final();
  if (last.length > 0) yield last;
}

function identity(): TransferDecoder {
  return { quirks: [], update: (chunk) => chunk, final: () => noOctets };
}
