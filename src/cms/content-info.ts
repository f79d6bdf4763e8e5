// ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER, content [0] EXPLICIT ANY } (RFC 5652, 3), streaming.
import { type BerInput, context, DerReader, type Steps, tag, toDer } from "../asn1.ts";
import type { ByteSource } from "../bytes.ts";
import { CmsError } from "./errors.ts";

export const contentTypes = {
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  envelopedData: "1.2.840.113549.1.7.3",
  digestedData: "1.2.840.113549.1.7.5",
  encryptedData: "1.2.840.113549.1.7.6",
  authData: "1.2.840.113549.1.9.16.1.2",
  compressedData: "1.2.840.113549.1.9.16.1.9",
  authEnvelopedData: "1.2.840.113549.1.9.16.1.23",
} as const;

export type ContentTypeName = keyof typeof contentTypes;

const names: ReadonlyMap<string, ContentTypeName> = new Map(
  Object.entries(contentTypes).map(([name, oid]) => [oid, name as ContentTypeName]),
);

export function contentTypeName(oid: string): ContentTypeName | undefined {
  return names.get(oid);
}

/** Opens a ContentInfo and the explicit tag of its content; the object itself comes next. */
export function* readContentType(input: BerInput): Steps<string> {
  yield* input.enter(tag.sequence);
  const oid = new DerReader(toDer(yield* input.element())).oid();
  if ((yield* input.peek()) === -1) throw new CmsError("CMS_MALFORMED", "a ContentInfo without content", input.offset);
  yield* input.enter(context(0));
  return oid;
}

/** Closes what `readContentType` opened. */
export function* leaveContentInfo(input: BerInput): Steps<void> {
  yield* input.leave();
  yield* input.leave();
}

/** Feeds a coroutine from a source until it has its result. The iterator stays open for the next coroutine. */
export async function pull<Result>(
  steps: Steps<Result>,
  input: BerInput,
  source: AsyncIterator<Uint8Array>,
): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    const chunk = await source.next();
    if (chunk.done === true) input.end();
    else input.push(chunk.value);
  }
}

/** The same where all octets are there: `input` has been given them, and told that they end. */
export function pullWhole<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Counts what is left in a source after its object ended: some senders pad, and nothing of it is believed. */
export async function drain(input: BerInput, source: AsyncIterator<Uint8Array>): Promise<number> {
  let left = input.unread.length;
  for (let chunk = await source.next(); chunk.done !== true; chunk = await source.next()) left += chunk.value.length;
  return left;
}

export function iterate(source: ByteSource): AsyncIterator<Uint8Array> {
  return source[Symbol.asyncIterator]();
}
