// Sign, then encrypt: the domain layer around a message (spec S-3). The payload streams through a chain of sinks;
// what fits into memory is signed before it is written, so that all lengths are known and the result is DER.
import { randomBytes } from "node:crypto";
import { type ByteSink, type ByteSource, inChunks, latin1 } from "../bytes.ts";
import {
  detachedSignedData,
  digestsOf,
  digestsOver,
  type EnvelopeRecipient,
  envelopedDataWriter,
  runningDigests,
  type SignedDataOptions,
  type Signer,
  signedDataAround,
  signedDataWriter,
} from "../cms.ts";
import type { ContentCipher } from "../crypto.ts";
import { SecureMailError } from "../errors.ts";
import {
  base64Length,
  base64Writer,
  formatBoundary,
  type HeaderBlock,
  isContentField,
  maxHeaderSize,
  readEntity,
} from "../mime.ts";
import type { Certificate } from "../x509.ts";
import { splitHeader } from "./layout.ts";
import { multipartSignedPieces, type SmimeType, smimeFields } from "./media-types.ts";
import { requireUnambiguous } from "./unambiguous.ts";

export type ProtectOptions = {
  /** Nobody signs where there are none. */
  readonly signers: readonly Signer[];
  /** Certificates to send along beside the signers' own. */
  readonly chain: readonly Certificate[];
  /** Nothing is encrypted where there are none. */
  readonly recipients: readonly EnvelopeRecipient[];
  readonly cipher: ContentCipher;
  readonly form: "opaque" | "detached";
  /** Transfer encoding of an opaque signature inside encryption. */
  readonly innerEncoding: "base64" | "binary";
  /** BER of indefinite length even where all lengths are known. */
  readonly ber: boolean;
  /** Octets of body up to which a message is signed in memory and written as DER. */
  readonly wholeUpTo?: number;
};

// LIMIT: house rule, a message in flight may hold 1 MiB.
const wholeUpTo = 1024 * 1024;

/** The protected form of a message with CRLF line ends, streamed. `open` gives back the same octets. */
export async function* protect(message: ByteSource, options: ProtectOptions): AsyncGenerator<Uint8Array> {
  const { header, body } = await readEntity(message);
  const { before, after, payloadHead } = splitHeader(header);
  requireOpenable(header, payloadHead);
  yield* before;
  const out: Uint8Array[] = [latin1("MIME-Version: 1.0\r\n")];
  const end: ByteSink = { write: (chunk) => out.push(chunk), end: async () => {} };
  const outerHeader = (fields: string): void => {
    out.push(latin1(fields), ...after, latin1("\r\n"));
  };
  const chunks = inChunks(body)[Symbol.asyncIterator]();
  const { gathered, complete } = await gather(chunks, options.ber ? 0 : (options.wholeUpTo ?? wholeUpTo));
  const content = [payloadHead, ...gathered];
  if (complete && !options.ber) {
    await protectWhole(content, options, end, outerHeader);
    yield* out;
    return;
  }
  const sink = chain(options, end, outerHeader);
  for (const chunk of content) sink.write(chunk);
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    sink.write(next.value);
    yield* out.splice(0);
  }
  await sink.end();
  yield* out;
}

// LIMIT: our own fields take about 300 octets, a Received field of each server on the way about as much.
const roomUnderway = 16 * 1024;

/** What `open` would have to refuse must not leave: here the sender can still mend it. */
function requireOpenable(header: HeaderBlock, payloadHead: Uint8Array): void {
  const fields = header.fields.filter((field) => !isContentField(field));
  requireUnambiguous({ fields, separator: latin1("\r\n") });
  const outside = fields.reduce((sum, { octets }) => sum + octets.length, 0);
  if (Math.max(outside + roomUnderway, payloadHead.length) > maxHeaderSize)
    throw new SecureMailError(
      "MIME_LIMIT",
      "permanent",
      "a header too large to travel with a layer around its message",
    );
}

async function gather(
  chunks: AsyncIterator<Uint8Array>,
  most: number,
): Promise<{ gathered: Uint8Array[]; complete: boolean }> {
  const gathered: Uint8Array[] = [];
  for (let size = 0; size <= most; ) {
    const next = await chunks.next();
    if (next.done === true) return { gathered, complete: true };
    gathered.push(next.value);
    size += next.value.length;
  }
  return { gathered, complete: false };
}

/** Writes the content fields of the outermost layer, and the outer fields behind them. */
type OuterHeader = (fields: string) => void;

/** All content at hand: signed first, then written with definite lengths. */
async function protectWhole(
  content: readonly Uint8Array[],
  options: ProtectOptions,
  end: ByteSink,
  outerHeader: OuterHeader,
): Promise<void> {
  const { recipients, cipher, signers } = options;
  const signed = signers.length === 0 ? bare(content) : await signWhole(content, options);
  if (recipients.length === 0) {
    outerHeader(signed.fields);
    for (const piece of signed.body) end.write(piece);
    return end.end();
  }
  outerHeader(smimeFields(envelopeType(cipher), "base64"));
  const innerHead = signers.length === 0 ? [] : [latin1(`${signed.fields}\r\n`)];
  const inner = [...innerHead, ...signed.body];
  const contentLength = inner.reduce((sum, piece) => sum + piece.length, 0);
  const sink = envelopedDataWriter(base64Writer(end), { recipients, cipher, contentLength });
  for (const piece of inner) sink.write(piece);
  return sink.end();
}

/** The content fields of a layer and the octets of its body. */
type Layer = { readonly fields: string; readonly body: readonly Uint8Array[] };

function bare(content: readonly Uint8Array[]): Layer {
  return { fields: "", body: content };
}

async function signWhole(content: readonly Uint8Array[], options: ProtectOptions): Promise<Layer> {
  if (options.form === "detached") {
    const pieces = multipartSignedPieces(newBoundary(), digestsOf(options.signers));
    const signature = await detachedSignedData(digestsOver(content, options), options);
    return {
      fields: pieces.fields,
      body: [pieces.head, ...content, pieces.between, await base64Of([signature]), pieces.tail],
    };
  }
  const { head, tail } = await signedDataAround(content, options);
  const cms = [head, ...content, tail];
  const encoding = innerEncodingOf(options);
  return { fields: smimeFields("signed-data", encoding), body: encoding === "binary" ? cms : [await base64Of(cms)] };
}

async function base64Of(pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  const octets = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = Buffer.allocUnsafe(base64Length(octets));
  let at = 0;
  const sink = base64Writer({
    write(chunk) {
      whole.set(chunk, at);
      at += chunk.length;
    },
    end: async () => {},
  });
  for (const piece of pieces) sink.write(piece);
  await sink.end();
  return whole;
}

/** Content on its way: lengths are unknown, so everything is BER of indefinite length. */
function chain(options: ProtectOptions, end: ByteSink, outerHeader: OuterHeader): ByteSink {
  const { recipients, cipher, signers } = options;
  if (recipients.length === 0) return signChain(options, end, outerHeader);
  outerHeader(smimeFields(envelopeType(cipher), "base64"));
  const envelope = envelopedDataWriter(base64Writer(end), { recipients, cipher });
  return signers.length === 0
    ? envelope
    : signChain(options, envelope, (fields) => envelope.write(latin1(`${fields}\r\n`)));
}

function signChain(options: ProtectOptions, next: ByteSink, writeFields: OuterHeader): ByteSink {
  if (options.form === "detached") return detachedChain(options, next, writeFields);
  const encoding = innerEncodingOf(options);
  writeFields(smimeFields("signed-data", encoding));
  return signedDataWriter(encoding === "binary" ? next : base64Writer(next), options);
}

function detachedChain(options: SignedDataOptions, next: ByteSink, writeFields: OuterHeader): ByteSink {
  const digests = digestsOf(options.signers);
  const running = runningDigests(digests);
  const pieces = multipartSignedPieces(newBoundary(), digests);
  writeFields(pieces.fields);
  next.write(pieces.head);
  return {
    write(chunk) {
      for (const digest of running) digest.update(chunk);
      next.write(chunk);
    },
    async end() {
      const signature = await detachedSignedData(
        new Map(running.map(({ digest, final }) => [digest.name, final()])),
        options,
      );
      next.write(pieces.between);
      next.write(await base64Of([signature]));
      next.write(pieces.tail);
      await next.end();
    },
  };
}

function envelopeType(cipher: ContentCipher): SmimeType {
  return cipher.mode === "aead" ? "authEnveloped-data" : "enveloped-data";
}

function innerEncodingOf({ innerEncoding, recipients }: ProtectOptions): "base64" | "binary" {
  return recipients.length === 0 ? "base64" : innerEncoding;
}

function newBoundary(): string {
  return formatBoundary(randomBytes(16));
}
