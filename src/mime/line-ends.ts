// Line ends of files. Floor 1, see ../mime.ts.
//
// On the wire a line ends in CRLF and the gateway converts nothing (security.md A37: it hands on what was judged).
// Files on disk often end lines in LF; the file commands read those as if they ended in CRLF, and say so.

import { type ByteSource, latin1, latin1Text } from "../bytes.ts";
import { malformed } from "./mime-error.ts";

const cr = 0x0d;
const lf = 0x0a;

/**
 * The source with CRLF line ends. Which kind it has shows at its first line end; one of the other kind is
 * MIME_MALFORMED, because readers differ over such text. A CR that no LF follows is content. Chunks that hold nothing
 * to convert are handed through as they came.
 */
export async function* withCrlf(source: ByteSource, notice?: (what: "LF") => void): AsyncGenerator<Uint8Array> {
  let kind: "CRLF" | "LF" | undefined;
  let offset = 0;
  let behindCr = false;
  for await (const chunk of source) {
    if (kind === undefined) {
      kind = firstLineEnd(chunk, behindCr);
      if (kind === "LF") notice?.("LF");
    }
    const odd = kind && lineEndUnlike(kind, chunk, behindCr);
    if (odd !== undefined)
      throw malformed(`a line ends unlike those before, which end in ${kind}`, { offset: offset + odd });
    if (chunk.length > 0) behindCr = chunk.at(-1) === cr;
    offset += chunk.length;
    yield kind === "LF" ? latin1(latin1Text(chunk).replaceAll("\n", "\r\n")) : chunk;
  }
}

function firstLineEnd(chunk: Uint8Array, behindCr: boolean): "CRLF" | "LF" | undefined {
  const at = chunk.indexOf(lf);
  if (at === -1) return undefined;
  return isBehindCr(chunk, at, behindCr) ? "CRLF" : "LF";
}

/** The offset of the first LF that ends its line otherwise. Search in a string: twice as fast here as in octets. */
function lineEndUnlike(kind: "CRLF" | "LF", chunk: Uint8Array, behindCr: boolean): number | undefined {
  const text = latin1Text(chunk);
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
    if (isBehindCr(chunk, at, behindCr) !== (kind === "CRLF")) return at;
  }
  return undefined;
}

function isBehindCr(chunk: Uint8Array, at: number, behindCr: boolean): boolean {
  return at === 0 ? behindCr : chunk[at - 1] === cr;
}
