// Quoted-printable (RFC 2045, 6.7). Floor 1, see ../mime.ts.
import { latin1 } from "../bytes.ts";
import { malformed, overLimit } from "./mime-error.ts";
import type { TransferDecoder } from "./transfer-encoding.ts";

const tab = 0x09;
const lf = 0x0a;
const cr = 0x0d;
const blank = 0x20;
const equals = 0x3d;

// LIMIT: a line has at most 76 characters, but blanks that may end one have to wait in memory until it ends.
const maxBlanks = 64 * 1024;

/**
 * Decodes strictly: "=" must be followed by two hexadecimal digits or a line end. Readers differ over anything else
 * (security.md A36). Blanks before a line end were added in transit and go (rule 3).
 */
export function quotedPrintableDecoder(): TransferDecoder {
  const quirks = new Set<string>();
  let state: "text" | "blanks" | "blanksCr" | "escape" | "digit" | "softBlanks" | "softCr" = "text";
  let blanks = ""; // those of "blanks" and "blanksCr", and the CR of the latter
  let digit = 0; // the first one of an escape
  let offset = 0;
  let decoded: Buffer = Buffer.alloc(0);
  let size = 0;

  function take(octet: number, at: number): void {
    if (state === "text") takeText(octet);
    else if (state === "blanks" || state === "blanksCr") takeBehindBlanks(octet, at);
    else takeEscaped(octet, at);
  }

  function takeText(octet: number): void {
    if (octet === equals) state = "escape";
    else if (octet === blank || octet === tab) {
      state = "blanks";
      blanks = String.fromCharCode(octet);
    } else decoded[size++] = octet;
  }

  function takeBehindBlanks(octet: number, at: number): void {
    if (octet === lf) {
      giveText(state === "blanksCr" ? "\r\n" : "\n");
    } else if (state === "blanks" && (octet === blank || octet === tab || octet === cr)) {
      blanks += String.fromCharCode(octet);
      if (octet === cr) state = "blanksCr";
      if (blanks.length > maxBlanks) throw overLimit("too many blanks in quoted-printable", { offset: at });
    } else {
      giveText(blanks);
      takeText(octet);
    }
  }

  function giveText(text: string): void {
    size += decoded.write(text, size, "latin1");
    state = "text";
    blanks = "";
  }

  function takeEscaped(octet: number, at: number): void {
    const value = hexValue(octet);
    if (state === "digit" && value !== -1) {
      decoded[size++] = digit * 16 + value;
      state = "text";
    } else if (state === "escape" && value !== -1) {
      digit = value;
      state = "digit";
    } else if (octet === lf && state !== "digit") {
      if (state !== "softCr") quirks.add("quoted-printable soft line break ended by LF");
      state = "text";
    } else if (octet === cr && (state === "escape" || state === "softBlanks")) {
      state = "softCr";
    } else if ((octet === blank || octet === tab) && (state === "escape" || state === "softBlanks")) {
      state = "softBlanks";
    } else {
      throw malformed('"=" without its digits in quoted-printable', { offset: at });
    }
    if (value !== -1 && octet >= 0x61) quirks.add("quoted-printable digits in lower case");
  }

  return {
    get quirks() {
      return [...quirks];
    },
    update(chunk) {
      decoded = Buffer.allocUnsafe(blanks.length + chunk.length);
      size = 0;
      for (let at = 0; at < chunk.length; at++) take(chunk[at] as number, offset + at);
      offset += chunk.length;
      return decoded.subarray(0, size);
    },
    final() {
      if (state === "digit") throw malformed("quoted-printable ends within an escape", { offset });
      return latin1(state === "blanksCr" ? blanks : ""); // blanks at the very end go; before a lone CR they are content
    },
  };
}

function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet & 0xdf;
  return letter >= 0x41 && letter <= 0x46 ? letter - 0x37 : -1;
}
