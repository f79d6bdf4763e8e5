// What stands on standard input: a mail or MIME entity, or a bare CMS object in DER, BER or PEM.
import { type ByteSource, latin1Text } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { decodeTransfer, transferDecoder, withCrlf } from "../mime.ts";

export type InputForm = "auto" | "smime" | "der" | "pem";
export const inputForms: readonly InputForm[] = ["auto", "smime", "der", "pem"];

export type Input = { readonly form: "mail" | "bare"; readonly octets: ByteSource; readonly quirks: string[] };

/** Decides the form (`auto` by the first octets) and gives octets that readers take: CRLF mail, or BER. */
export async function recognise(source: ByteSource, form: InputForm): Promise<Input> {
  const { start, whole } = await peek(source);
  const quirks: string[] = [];
  const found = form === "auto" ? formOf(start) : form;
  if (found === "der") return { form: "bare", octets: whole, quirks };
  if (found === "pem")
    return { form: "bare", octets: decodeTransfer(withoutArmour(whole), transferDecoder("base64")), quirks };
  return { form: "mail", octets: withCrlf(whole, () => quirks.push("bare LF line ends")), quirks };
}

function formOf(start: Uint8Array): Exclude<InputForm, "auto"> {
  if (latin1Text(start.subarray(0, 11)) === "-----BEGIN ") return "pem";
  return looksLikeContentInfo(start) ? "der" : "smime";
}

/** SEQUENCE, any length, OBJECT IDENTIFIER. */
function looksLikeContentInfo(start: Uint8Array): boolean {
  if (start[0] !== 0x30) return false;
  const length = start[1] ?? 0;
  const lengthOctets = length > 0x80 ? length & 0x7f : 0;
  return start[2 + lengthOctets] === 0x06;
}

async function peek(source: ByteSource): Promise<{ start: Uint8Array; whole: ByteSource }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  for (let size = 0; size < 32; ) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    size += next.value.length;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* chunks.splice(0);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  }
  return { start: Buffer.concat(chunks), whole: whole() };
}

// LIMIT: the longest label in use has some 30 characters.
const maxLabel = 1000;

/** The base64 of one PEM object: what stands between its first line and the dashes of its last (RFC 7468). */
async function* withoutArmour(source: ByteSource): AsyncGenerator<Uint8Array> {
  let state: "label" | "body" | "end" = "label";
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of source) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    if (state === "label") {
      const lineEnd = held.indexOf(0x0a);
      if (lineEnd < 0 && held.length > maxLabel)
        throw new SecureMailError("MIME_MALFORMED", "permanent", "PEM whose first line does not end");
      if (lineEnd < 0) continue;
      held = held.subarray(lineEnd + 1);
      state = "body";
    }
    const dash = held.indexOf(0x2d);
    if (dash >= 0) state = "end";
    yield dash < 0 ? held : held.subarray(0, dash);
    held = new Uint8Array(0);
    if (state === "end") return;
  }
}
