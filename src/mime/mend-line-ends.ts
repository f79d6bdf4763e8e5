// A CR or LF that stands alone, mended before a message is handed on in clear (decision record 0010). Floor 1, see
// ../mime.ts.
//
// Inside encryption octets are kept. What the next server reads must be read alike by all: there a leaf with a stray CR
// or LF is written in base64, which keeps its octets; in a header, in what may not be encoded (RFC 2046, 5.2) and around
// the parts of a multipart it becomes a blank.

import { type ByteSource, latin1, latin1Text, noOctets } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { base64Writer } from "./base64-writer.ts";
import { formatField } from "./field-writer.ts";
import { fieldNamed, formatHeader, type HeaderBlock, type HeaderField } from "./header.ts";
import { mediaTypeOf, transferEncodingOf } from "./media-type.ts";
import { decodeTransfer, transferDecoder } from "./transfer-encoding.ts";
import { type EntityPlace, walkEntities } from "./walk.ts";

/**
 * The message as every reader reads it alike: undefined where it is so already, which most messages are. `read` gives
 * the message from its start, each time it is called; it is called up to three times.
 */
export async function mendLineEnds(read: () => ByteSource): Promise<ByteSource | undefined> {
  if (!(await hasStray(read()))) return undefined;
  const remedies = await findRemedies(read());
  return walkEntities(read(), {
    header: (header, place) => mendedHeader(header, place, remedies.get(place.index)),
    leaf: (body, header, { index }) => mendedLeaf(body, header, remedies.get(index)),
    between: blanked,
  });
}

/** A header without stray CR and LF, each a blank instead; the same one where it has none. Only the fields `which` names. */
export function mendHeader(header: HeaderBlock, which: (field: HeaderField) => boolean = () => true): HeaderBlock {
  const isSound = (field: HeaderField) => !which(field) || !stray.test(latin1Text(field.octets));
  if (header.fields.every(isSound)) return header;
  const fields = header.fields.map((field) => (isSound(field) ? field : { ...field, octets: blankedField(field) }));
  return { ...header, fields };
}

const stray = /\r(?!\n)|(?<!\r)\n/;
const strays = /\r(?!\n)|(?<!\r)\n/g;

/** A line of blanks alone would end the header for some. */
function blankedField({ octets }: HeaderField): Uint8Array {
  return latin1(
    latin1Text(octets)
      .replace(strays, " ")
      .replace(/\r\n[ \t]+(?=\r\n)/g, ""),
  );
}

async function hasStray(source: ByteSource): Promise<boolean> {
  const finder = strayFinder();
  for await (const chunk of source) if (finder.update(chunk)) return true;
  return finder.final();
}

type StrayFinder = { update(chunk: Uint8Array): boolean; final(): boolean };

/** Says whether a stray CR or LF has been met so far; line to line by string search, the cheapest look at every line. */
function strayFinder(): StrayFinder {
  let found = false;
  let afterCr = false;
  return {
    update(chunk) {
      if (found || chunk.length === 0) return found;
      const text = latin1Text(chunk);
      let from = 0;
      if (afterCr) {
        found = text[0] !== "\n";
        from = 1;
      }
      let cr = text.indexOf("\r", from);
      let lf = text.indexOf("\n", from);
      for (; !found && lf !== -1; lf = text.indexOf("\n", lf + 1)) {
        found = cr !== lf - 1 || cr === -1;
        cr = text.indexOf("\r", lf + 1);
      }
      afterCr = cr !== -1 && cr === text.length - 1;
      found ||= cr !== -1 && !afterCr;
      return found;
    },
    final: () => found || afterCr,
  };
}

/** What is done to a leaf: "encode" keeps its octets, "blank" is for what cannot or may not be encoded anew. */
type Remedy = "encode" | "blank";

async function findRemedies(source: ByteSource): Promise<ReadonlyMap<number, Remedy>> {
  const remedies = new Map<number, Remedy>();
  const walked = walkEntities(source, {
    header: () => noOctets,
    async *leaf(body, header, { index }) {
      const remedy = await remedyFor(body, header);
      if (remedy !== undefined) remedies.set(index, remedy);
      yield noOctets;
    },
    between: (source) => source,
  });
  for await (const _ of walked);
  return remedies;
}

async function remedyFor(body: ByteSource, header: HeaderBlock): Promise<Remedy | undefined> {
  const finder = strayFinder();
  const decoding = tryDecoding(header);
  for await (const chunk of body) {
    finder.update(chunk);
    decoding.update(chunk);
  }
  if (!finder.final()) return undefined;
  return decoding.final() && !mediaTypeOf(header).type.startsWith("message/") ? "encode" : "blank";
}

/** Whether a body can be decoded to its end. */
function tryDecoding(header: HeaderBlock): { update(chunk: Uint8Array): void; final(): boolean } {
  let failed = false;
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return failed ? undefined : step();
    } catch (thrown) {
      if (!isSecureMailError(thrown)) throw thrown;
      failed = true;
      return undefined;
    }
  };
  const decoder = attempt(() => transferDecoder(transferEncodingOf(header)));
  return {
    update: (chunk) => void attempt(() => decoder?.update(chunk)),
    final: () => {
      attempt(() => decoder?.final());
      return !failed;
    },
  };
}

function mendedHeader(header: HeaderBlock, { isMessage }: EntityPlace, remedy: Remedy | undefined): Uint8Array {
  const mended = mendHeader(header);
  return formatHeader(remedy === "encode" ? sayingBase64(mended, isMessage) : mended);
}

const encodingName = "Content-Transfer-Encoding";

function sayingBase64(header: HeaderBlock, isMessage: boolean): HeaderBlock {
  const encoding = { name: encodingName, octets: formatField(encodingName, "base64") };
  const others = header.fields.filter(({ name }) => name.toLowerCase() !== encodingName.toLowerCase());
  const before = header.fields.findIndex(({ name }) => name.toLowerCase() === encodingName.toLowerCase());
  const at = before === -1 ? others.length : before;
  const version =
    isMessage && fieldNamed(header, "MIME-Version") === undefined
      ? [{ name: "MIME-Version", octets: formatField("MIME-Version", "1.0") }]
      : [];
  const fields = [...others.slice(0, at), ...version, encoding, ...others.slice(at)];
  // A body that began without an empty line needs one now.
  return { fields, separator: latin1("\r\n") };
}

async function* mendedLeaf(body: ByteSource, header: HeaderBlock, remedy: Remedy | undefined): ByteSource {
  if (remedy === undefined) yield* body;
  else if (remedy === "blank") yield* blanked(body);
  else yield* encoded(decodeTransfer(body, transferDecoder(transferEncodingOf(header))));
}

/** A CR at the end of a chunk waits for what follows. */
async function* blanked(body: ByteSource): ByteSource {
  let held = "";
  for await (const chunk of body) {
    const text = held + latin1Text(chunk);
    held = text.endsWith("\r") ? "\r" : "";
    yield latin1(text.slice(0, text.length - held.length).replace(strays, " "));
  }
  if (held !== "") yield latin1(" ");
}

async function* encoded(source: ByteSource): ByteSource {
  let pieces: Uint8Array[] = [];
  const writer = base64Writer({ write: (piece) => void pieces.push(piece), end: async () => {} });
  for await (const chunk of source) {
    writer.write(chunk);
    yield* pieces;
    pieces = [];
  }
  await writer.end();
  yield* pieces;
}
