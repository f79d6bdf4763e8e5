// Base64 decoded at memory speed, strictly (RFC 2045, 6.8). Floor 1, see ../mime.ts.
//
// RFC 2045 lets a reader ignore octets outside the alphabet. Some do, some stop, some lose count: two readers would see
// two messages (security.md A36). So everything but letters, blank, tab, CR and LF is MIME_MALFORMED here, and so are
// content behind the padding and a last quantum that is not whole.
import { asBuffer, latin1Text, noOctets } from "../bytes.ts";
import { malformed } from "./mime-error.ts";
import type { TransferDecoder } from "./transfer-encoding.ts";

export function base64Decoder(): TransferDecoder {
  const quirks: string[] = [];
  const folding = foldingWatch(quirks);
  let offset = 0; // of the chunk at hand
  let quantum = ""; // letters of one that is not whole
  let padded = false; // nothing but white space may follow

  /** Takes letters one by one until a quantum is whole or the chunk ends; says where it stopped. */
  function takeQuantum(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const octet = chunk[at] as number;
      if (isSpace(octet)) continue;
      if (padded) throw malformed("base64 goes on behind its padding", { offset: offset + at });
      if (!mayFollow(quantum, octet)) throw malformed(`octet ${octet} in base64`, { offset: offset + at });
      quantum += String.fromCharCode(octet);
      if (quantum.length === 4) return at + 1;
    }
    return chunk.length;
  }

  function decodeQuantum(): Buffer {
    const octets = Buffer.from(quantum, "base64");
    padded = quantum.endsWith("=");
    if (padded && octets.toString("base64") !== quantum) quirks.push("base64 with stray bits in its last letter");
    quantum = "";
    return octets;
  }

  return {
    quirks,
    update(chunk) {
      folding.see(chunk);
      const decoded = Buffer.allocUnsafe(Math.ceil(chunk.length / 4) * 3 + 3);
      let size = 0;
      let at = 0;
      let nativeEnd = firstSpecial(chunk);
      while (at < chunk.length) {
        if (at < nativeEnd && quantum === "" && !padded) {
          const piece = decodeWhole(chunk.subarray(at, nativeEnd), decoded.subarray(size));
          if (piece === undefined) nativeEnd = at;
          at += piece?.read ?? 0;
          size += piece?.written ?? 0;
        }
        at = takeQuantum(chunk, at);
        if (quantum.length === 4) size += decodeQuantum().copy(decoded, size);
      }
      offset += chunk.length;
      return decoded.subarray(0, size);
    },
    final() {
      if (quantum !== "") throw malformed("base64 ends within a quantum", { offset });
      folding.end();
      return noOctets;
    },
  };
}

/**
 * Whole quanta by native code, `undefined` where it met an octet that it refuses. It stops before a quantum that is
 * not whole, and is given neither padding nor form feeds (which it would skip), so that only one place judges those.
 */
function decodeWhole(chunk: Uint8Array, into: Uint8Array): { read: number; written: number } | undefined {
  try {
    return into.setFromBase64(latin1Text(chunk), { lastChunkHandling: "stop-before-partial" });
  } catch {
    return undefined;
  }
}

function firstSpecial(chunk: Uint8Array): number {
  const octets = asBuffer(chunk);
  const padding = octets.indexOf(0x3d);
  const end = padding === -1 ? octets.length : padding;
  const formFeed = octets.indexOf(0x0c);
  return formFeed === -1 ? end : Math.min(formFeed, end);
}

function isSpace(octet: number): boolean {
  return octet === 0x0d || octet === 0x0a || octet === 0x20 || octet === 0x09;
}

/** Whether the octet may stand behind these letters of a quantum: two or three letters may be padded to four. */
function mayFollow(quantum: string, octet: number): boolean {
  if (octet === 0x3d) return quantum.length >= 2;
  if (quantum.endsWith("=")) return false;
  const upper = octet & 0xdf;
  return (upper >= 0x41 && upper <= 0x5a) || (octet >= 0x30 && octet <= 0x39) || octet === 0x2b || octet === 0x2f;
}

/**
 * Notes how the base64 was folded, which tells implementations apart. 76 columns and CRLF are no quirk.
 *
 * QUIRK RFC 2045, 6.8: lines of 64 (PEM encoders) and text that is not folded at all are common; any is read.
 */
function foldingWatch(quirks: string[]): { see(chunk: Uint8Array): void; end(): void } {
  let columns = 0; // of the first line that is not empty
  let lineEnded = false;
  let decided = false;
  let lastOctet = 0;

  /** Goes on with the first line; says where the next one begins in this chunk. */
  function measure(chunk: Uint8Array): number {
    let at = 0;
    for (;;) {
      const end = asBuffer(chunk).indexOf(0x0a, at);
      if (end === -1) break;
      const byCrlf = (end > 0 ? chunk[end - 1] : lastOctet) === 0x0d;
      columns += end - at - (byCrlf ? 1 : 0);
      at = end + 1;
      if (columns === 0) continue;
      if (!byCrlf) quirks.push("base64 lines ended by LF");
      lineEnded = true;
      return at;
    }
    columns += chunk.length - at;
    lastOctet = chunk.at(-1) ?? lastOctet;
    return chunk.length;
  }

  return {
    see(chunk) {
      if (decided) return;
      const at = lineEnded ? 0 : measure(chunk);
      decided = lineEnded && chunk.subarray(at).some((octet) => !isSpace(octet));
      if (decided && columns !== 76) quirks.push(`base64 folded at ${columns}`);
    },
    end() {
      if (!decided && columns > 76) quirks.push("base64 not folded");
    },
  };
}
