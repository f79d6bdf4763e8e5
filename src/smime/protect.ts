// Sign, then encrypt: the domain layer around a message (spec S-3). The payload streams through a chain of sinks;
// what fits into memory is signed before it is written, so that all lengths are known and the result is DER.
import { type ByteSink, type ByteSource, inChunks, latin1 } from "../bytes.ts";
import { CmsError, cmsLimits } from "../cms.ts";
import { CryptoError } from "../crypto.ts";
import { SecureMailError } from "../errors.ts";
import { type HeaderBlock, isContentField, maxHeaderSize, readEntity } from "../mime.ts";
import { type Certificate, keyUsageFits } from "../x509.ts";
import { splitHeader } from "./layout.ts";
import type { ProtectOptions } from "./protect-options.ts";
import { protectingSink } from "./protect-stream.ts";
import { protectWhole } from "./protect-whole.ts";
import { requireUnambiguous } from "./unambiguous.ts";

// LIMIT: house rule, a message in flight may hold 1 MiB.
const wholeUpTo = 1024 * 1024;

/** The protected form of a message with CRLF line ends, streamed. `open` gives back the same octets. */
export async function* protect(message: ByteSource, options: ProtectOptions): AsyncGenerator<Uint8Array> {
  requireUsable(options);
  const { header, body } = await readEntity(message);
  try {
    yield* protectEntity(header, body, options);
  } finally {
    await body.return?.();
  }
}

async function* protectEntity(
  header: HeaderBlock,
  body: ByteSource,
  options: ProtectOptions,
): AsyncGenerator<Uint8Array> {
  const { before, after, payloadHead } = splitHeader(header);
  requireOpenable(header, payloadHead);
  const outerBefore = [...before, latin1("MIME-Version: 1.0\r\n")];
  const chunks = inChunks(body);
  const { gathered, complete } = await gather(chunks, options.ber ? 0 : (options.wholeUpTo ?? wholeUpTo));
  const content = [payloadHead, ...gathered];
  if (complete && !options.ber) {
    yield await protectWhole(outerBefore, content, after, options);
    return;
  }
  const out: Uint8Array[] = outerBefore;
  const end: ByteSink = { write: (chunk) => out.push(chunk), end: async () => {} };
  const sink = protectingSink(options, end, (fields) => out.push(latin1(fields), ...after, latin1("\r\n")));
  for (const chunk of content) sink.write(chunk);
  for await (const chunk of chunks) {
    sink.write(chunk);
    yield* out.splice(0);
  }
  await sink.end();
  yield* out;
}

/** What `open` would refuse for who signs it and who is to read it: a mistake of the sender's, best seen here. */
function requireUsable({ signers, recipients, chain }: ProtectOptions): void {
  requireAtMost(cmsLimits.maxSigners, signers.length, "signers");
  requireAtMost(cmsLimits.maxRecipients, recipients.length, "recipients");
  if (signers.length > 0) requireAtMost(cmsLimits.maxCertificates, signers.length + chain.length, "certificates");
  for (const { certificate } of signers) requireUsage(certificate, "signing");
  for (const { certificate } of recipients) requireUsage(certificate, "encryption");
}

function requireAtMost(most: number, count: number, what: string): void {
  if (count > most) throw new CmsError("CMS_LIMIT", `${count} ${what}, more than ${most}`);
}

function requireUsage(certificate: Certificate, purpose: "signing" | "encryption"): void {
  if (!keyUsageFits(certificate.extensions, purpose))
    throw new CryptoError("CRYPTO_KEY", `the certificate of ${certificate.subject} is not for ${purpose}`);
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
