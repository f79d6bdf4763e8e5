// Protecting content that is on its way: lengths are unknown, so everything is BER of indefinite length.
import { type ByteSink, latin1 } from "../bytes.ts";
import {
  detachedSignedData,
  digestsOf,
  envelopedDataWriter,
  runningDigests,
  type SignedDataOptions,
  signedDataWriter,
} from "../cms.ts";
import { base64Writer } from "../mime.ts";
import { encryptedType, innerEncodingOf, multipartSignedPieces, newBoundary, smimeFields } from "./media-types.ts";
import type { ProtectOptions } from "./protect-options.ts";

/** Writes the content fields of the outermost layer, and the outer fields behind them. */
type OuterHeader = (fields: string) => void;

/** The sink for the payload; what it makes goes to `end`, the outer header first. */
export function protectingSink(options: ProtectOptions, end: ByteSink, outerHeader: OuterHeader): ByteSink {
  const { recipients, cipher, signers } = options;
  if (recipients.length === 0) return signChain(options, end, outerHeader);
  outerHeader(smimeFields(encryptedType(cipher), "base64"));
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
      const base64 = base64Writer({ write: (chunk) => next.write(chunk), end: async () => {} });
      base64.write(signature);
      await base64.end();
      next.write(pieces.tail);
      await next.end();
    },
  };
}
