// The structure of a whole message, as `explain` shows it. Floor 1, see ../mime.ts.
//
// Read while the message streams by: memory grows with the number of parts, never with their size.

import { type ByteSource, latin1Text, noOctets } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { ambiguities } from "./ambiguity.ts";
import { readEntity } from "./entity.ts";
import type { HeaderBlock } from "./header.ts";
import { fileNameOf, mediaTypeOf, transferEncodingOf } from "./media-type.ts";
import { overLimit } from "./mime-error.ts";
import { maxParts, readMultipart, readParts } from "./multipart.ts";
import { transferDecoder } from "./transfer-encoding.ts";

export type MimeTree = {
  /** Media type in lower case. */
  readonly type: string;
  readonly encoding: string;
  /** Octets of the body as it stands, transfer encoding included. */
  readonly size: number;
  /** The file name, where one is given. */
  readonly name?: string;
  /** Why other readers may see another structure, or what could not be read. */
  readonly problems: readonly string[];
  /** Harmless oddities. */
  readonly quirks: readonly string[];
  /** Parts of a multipart, or the message in a message/rfc822. */
  readonly children: readonly MimeTree[];
};

// LIMIT: house.md 5, depth and number of parts in all.
export const maxDepth = 50;

/** Reads the tree of a message or entity; fails with MIME_LIMIT where it is too deep or has too many parts. */
export function readTree(source: ByteSource): Promise<MimeTree> {
  return readNode(source, { depth: 0, total: { parts: 0 } });
}

type Place = { readonly depth: number; readonly total: { parts: number } };

async function readNode(source: ByteSource, { depth, total }: Place): Promise<MimeTree> {
  if (depth > maxDepth) throw overLimit(`entities nested deeper than ${maxDepth}`);
  if (++total.parts > maxParts) throw overLimit(`more than ${maxParts} parts in a message`);
  const { header, body } = await readEntity(source);
  const read = { size: 0, problems: [...ambiguities(header)], quirks: new Set<string>() };
  const children = await readInside(header, counted(body, read), read, { depth: depth + 1, total });
  const name = fileNameOf(header);
  return {
    type: mediaTypeOf(header).type,
    encoding: transferEncodingOf(header),
    size: read.size,
    ...(name === undefined ? {} : { name }),
    problems: read.problems,
    quirks: [...read.quirks],
    children,
  };
}

/** What is found out while a body streams by. */
type Read = { size: number; readonly problems: string[]; readonly quirks: Set<string> };

async function readInside(header: HeaderBlock, body: ByteSource, read: Read, place: Place): Promise<MimeTree[]> {
  const { type, parameters } = mediaTypeOf(header);
  const encoding = transferEncodingOf(header);
  const boundary = parameters.get("boundary");
  const children: MimeTree[] = [];
  if (type.startsWith("multipart/") && boundary !== undefined && isIdentity(encoding)) {
    const parts = readParts(readMultipart(body, boundary), (problem) => read.problems.push(problem));
    for await (const part of parts) children.push(await readNode(part, place));
    return children;
  }
  const decoded = decodeNoting(body, encoding, read);
  if (type === "message/rfc822" || type === "message/global") children.push(await readNode(decoded, place));
  else for await (const chunk of decoded) if (isIdentity(encoding)) noteOddLines(chunk, encoding, read.quirks);
  return children;
}

function isIdentity(encoding: string): boolean {
  return encoding === "7bit" || encoding === "8bit" || encoding === "binary";
}

async function* counted(body: ByteSource, read: Read): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    read.size += chunk.length;
    yield chunk;
  }
}

/** Decodes as far as that goes; a body that cannot be decoded to its end is a problem, and still read to its end. */
async function* decodeNoting(body: ByteSource, encoding: string, read: Read): AsyncGenerator<Uint8Array> {
  let failed = false;
  const attempt = <T>(step: () => T): T | undefined => {
    try {
      return failed ? undefined : step();
    } catch (failure) {
      if (!isSecureMailError(failure, "MIME_MALFORMED", "MIME_LIMIT", "MIME_UNSUPPORTED")) throw failure;
      failed = true;
      read.problems.push(failure.message);
      return undefined;
    }
  };
  const decoder = attempt(() => transferDecoder(encoding));
  for await (const chunk of body) yield attempt(() => decoder?.update(chunk)) ?? noOctets;
  yield attempt(() => decoder?.final()) ?? noOctets;
  for (const quirk of decoder?.quirks ?? []) read.quirks.add(quirk);
}

/** Lines that SMTP or the encoding do not provide for (RFC 5321, 2.3.8; RFC 2045, 2.7). */
function noteOddLines(chunk: Uint8Array, encoding: string, quirks: Set<string>): void {
  const text = latin1Text(chunk);
  if (encoding === "7bit" && /[\x80-\xff]/.test(text)) quirks.add("8-bit octets in a 7bit body");
  // A line end cut in two by the chunks is not looked at: this is for people to read, and judges nothing.
  if (encoding !== "binary" && /\r(?!\n|$)|(?<!\r|^)\n/.test(text)) quirks.add("bare CR or LF");
}
