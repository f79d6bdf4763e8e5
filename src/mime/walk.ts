// All entities of a message in one pass, each piece as somebody wants it. Floor 1, see ../mime.ts.

import type { ByteSource } from "../bytes.ts";
import { readEntity } from "./entity.ts";
import { formatHeader, type HeaderBlock } from "./header.ts";
import { mediaTypeOf, transferEncodingOf } from "./media-type.ts";
import { overLimit } from "./mime-error.ts";
import { type MultipartEvent, maxParts, readMultipart } from "./multipart.ts";
import { decodeTransfer, transferDecoder } from "./transfer-encoding.ts";
import { maxDepth } from "./tree.ts";

/** Where an entity stands: entities count from 1 in the order they begin. */
export type EntityPlace = {
  readonly index: number;
  /** It has no entities in it, or none that can be read without decoding it. */
  readonly isLeaf: boolean;
  /** It is a message rather than a part of one. */
  readonly isMessage: boolean;
};

/** What becomes of the pieces; joined in their order they are the message again. */
export type Walker = {
  header(header: HeaderBlock, place: EntityPlace): Uint8Array;
  leaf(body: ByteSource, header: HeaderBlock, place: EntityPlace): ByteSource;
  /** What stands before a part: delimiters, the preamble; or behind the last one. */
  between(source: ByteSource): ByteSource;
};

/** Fails with MIME_LIMIT where the message is too deep or has too many parts. */
export function walkEntities(source: ByteSource, walker: Walker): AsyncGenerator<Uint8Array> {
  return walk(source, walker, { depth: 0, isMessage: true, total: { entities: 0 } });
}

/** The message as people are shown it: every leaf decoded. Fails where one cannot be. */
export function decodedText(source: ByteSource): AsyncGenerator<Uint8Array> {
  return walkEntities(source, {
    header: formatHeader,
    leaf: (body, header) => decodeTransfer(body, transferDecoder(transferEncodingOf(header))),
    between: (source) => source,
  });
}

export function isIdentity(encoding: string): boolean {
  return encoding === "7bit" || encoding === "8bit" || encoding === "binary";
}

type Descent = { readonly depth: number; readonly isMessage: boolean; readonly total: { entities: number } };

async function* walk(source: ByteSource, walker: Walker, descent: Descent): AsyncGenerator<Uint8Array> {
  const { isMessage, total } = descent;
  const depth = descent.depth + 1;
  if (depth > maxDepth) throw overLimit(`entities nested deeper than ${maxDepth}`);
  if (++total.entities > maxParts) throw overLimit(`more than ${maxParts} parts in a message`);
  const { header, body } = await readEntity(source);
  const { type, parameters } = mediaTypeOf(header);
  const boundary = type.startsWith("multipart/") ? parameters.get("boundary") : undefined;
  const holdsMessage = type === "message/rfc822" || type === "message/global";
  const isLeaf = (boundary === undefined && !holdsMessage) || !isIdentity(transferEncodingOf(header));
  const place = { index: total.entities, isLeaf, isMessage };
  yield walker.header(header, place);
  if (isLeaf) yield* walker.leaf(body, header, place);
  else if (boundary === undefined) yield* walk(body, walker, { depth, isMessage: true, total });
  else yield* walkParts(readMultipart(body, boundary), walker, { depth, isMessage: false, total });
}

async function* walkParts(
  events: AsyncGenerator<MultipartEvent>,
  walker: Walker,
  descent: Descent,
): AsyncGenerator<Uint8Array> {
  let event = await nextPiece(events);
  async function* part(): AsyncGenerator<Uint8Array> {
    for (; event?.kind === "part"; event = await nextPiece(events)) yield event.chunk;
  }
  async function* between(): AsyncGenerator<Uint8Array> {
    for (; event !== undefined && event.kind !== "part"; event = await nextPiece(events)) yield event.chunk;
  }
  try {
    while (event !== undefined) {
      if (event.kind === "part") yield* walk(part(), walker, descent);
      else yield* walker.between(between());
    }
  } finally {
    await events.return(undefined);
  }
}

type Piece = Exclude<MultipartEvent, { kind: "problem" }>;

async function nextPiece(events: AsyncGenerator<MultipartEvent>): Promise<Piece | undefined> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return undefined;
    if (value.kind !== "problem") return value;
  }
}
