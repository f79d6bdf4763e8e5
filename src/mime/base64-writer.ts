// Base64 folded at 76 columns (RFC 2045, 6.8), at memory speed. Floor 1, see ../mime.ts.
import { asBuffer, type ByteSink, latin1 } from "../bytes.ts";

const octetsALine = 57;
const columns = 76;
const lineSize = columns + 2;

/** Writes what it is given as base64 lines of 76 columns, each ended by CRLF, the last one too. */
export function base64Writer(next: ByteSink): ByteSink {
  const partial = Buffer.allocUnsafe(octetsALine);
  let held = 0;
  return {
    write(chunk) {
      let rest = chunk;
      if (held > 0) {
        const wanted = Math.min(octetsALine - held, chunk.length);
        partial.set(chunk.subarray(0, wanted), held);
        held += wanted;
        rest = chunk.subarray(wanted);
        if (held < octetsALine) return;
        held = 0;
        next.write(encodeLines(partial, next));
      }
      const whole = rest.length - (rest.length % octetsALine);
      if (whole > 0) next.write(encodeLines(rest.subarray(0, whole), next));
      held = rest.length - whole;
      partial.set(rest.subarray(whole));
    },
    end() {
      if (held > 0) next.write(latin1(`${partial.toString("base64", 0, held)}\r\n`));
      held = 0;
      return next.end();
    },
  };
}

/** The exact size of what `base64Writer` makes of that many octets. */
export function base64Length(octets: number): number {
  const rest = octets % octetsALine;
  const lines = (octets - rest) / octetsALine;
  return lines * lineSize + (rest === 0 ? 0 : Math.ceil(rest / 3) * 4 + 2);
}

/**
 * Whole lines. The text is made unfolded at the end of the piece by native code, then each line moves to its place
 * before it: a read always lies at or behind what was written last, so no second buffer is needed.
 *
 * Lines move as 9 x 64 + 1 x 32 bits. Floats because they go through registers without allocation; letters of base64
 * have no eighth bit, so none of them is a NaN that could change on its way. Measured in bench/base64.ts.
 */
function encodeLines(octets: Uint8Array, next: ByteSink): Uint8Array {
  const size = (octets.length / octetsALine) * lineSize;
  const lines = asBuffer(next.room?.(size) ?? Buffer.allocUnsafe(size));
  const view = new DataView(lines.buffer, lines.byteOffset, size);
  let from = (octets.length / octetsALine) * 2;
  lines.write(asBuffer(octets).toString("base64"), from, "latin1");
  for (let to = 0; to < size; to += lineSize, from += columns) {
    for (let column = 0; column < 72; column += 8) {
      view.setFloat64(to + column, view.getFloat64(from + column, true), true);
    }
    view.setUint32(to + 72, view.getUint32(from + 72, true), true);
    view.setUint16(to + columns, 0x0a0d, true);
  }
  return lines;
}
