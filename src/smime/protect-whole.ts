// Protecting content that is in memory: signed first, so that all lengths are known. The result is DER, written into
// one piece of memory of exactly its size.
import { type ByteSink, chunkSize, concat, filling, latin1, noOctets } from "../bytes.ts";
import { detachedSignedData, digestsOf, digestsOver, prepareEnvelope, signedDataAround } from "../cms.ts";
import { base64Length, base64Writer } from "../mime.ts";
import { encryptedType, innerEncodingOf, multipartSignedPieces, newBoundary, smimeFields } from "./media-types.ts";
import type { ProtectOptions } from "./protect-options.ts";

/** A layer: its content fields, and its body in runs of octets that are written as they are or in base64. */
type Layer = { readonly fields: string; readonly runs: readonly Run[] };
type Run = { readonly octets: readonly Uint8Array[]; readonly base64: boolean };

/** The protected message: `before`, the content fields of the outermost layer, `after`, its body. */
export async function protectWhole(
  before: readonly Uint8Array[],
  content: readonly Uint8Array[],
  after: readonly Uint8Array[],
  options: ProtectOptions,
): Promise<Uint8Array> {
  const { recipients, cipher, signers } = options;
  const signed = signers.length === 0 ? { fields: "", runs: [asIs(...content)] } : await signWhole(content, options);
  const header = (fields: string): Uint8Array => concat([...before, latin1(fields), ...after, latin1("\r\n")]);
  if (recipients.length === 0) return writeAll(header(signed.fields), signed.runs);
  const inner = signers.length === 0 ? signed.runs : [asIs(latin1(`${signed.fields}\r\n`)), ...signed.runs];
  const innerLength = lengthOf(inner);
  const envelope = prepareEnvelope({ recipients, cipher, contentLength: innerLength });
  const head = header(smimeFields(encryptedType(cipher), "base64"));
  const whole = Buffer.allocUnsafe(head.length + base64Length(envelope.octets as number));
  const result = filling(whole);
  result.write(head);
  const sink = envelope.writer(base64Writer(result));
  // Small mail in one piece: each piece costs the cipher a call.
  if (innerLength <= chunkSize) sink.write(await writeAll(noOctets, inner));
  else for (const run of inner) await writeRun(run, sink);
  await sink.end();
  return whole;
}

async function signWhole(content: readonly Uint8Array[], options: ProtectOptions): Promise<Layer> {
  if (options.form === "detached") {
    const { fields, head, between, tail } = multipartSignedPieces(newBoundary(), digestsOf(options.signers));
    const signature = await detachedSignedData(digestsOver(content, options), options);
    return { fields, runs: [asIs(head, ...content, between), { octets: [signature], base64: true }, asIs(tail)] };
  }
  const { head, tail } = await signedDataAround(content, options);
  const encoding = innerEncodingOf(options);
  return {
    fields: smimeFields("signed-data", encoding),
    runs: [{ octets: [head, ...content, tail], base64: encoding === "base64" }],
  };
}

function asIs(...octets: readonly Uint8Array[]): Run {
  return { octets, base64: false };
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, { octets, base64 }) => {
    const length = sizeOf(octets);
    return sum + (base64 ? base64Length(length) : length);
  }, 0);
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

async function writeAll(head: Uint8Array, runs: readonly Run[]): Promise<Uint8Array> {
  const whole = Buffer.allocUnsafe(head.length + lengthOf(runs));
  const sink = filling(whole);
  sink.write(head);
  for (const run of runs) await writeRun(run, sink);
  return whole;
}

async function writeRun({ octets, base64 }: Run, sink: ByteSink): Promise<void> {
  const { room } = sink;
  const open = {
    write: (chunk: Uint8Array) => sink.write(chunk),
    end: async () => {},
    ...(room === undefined ? {} : { room }),
  };
  const target = base64 ? base64Writer(open) : open;
  for (const piece of sizeOf(octets) <= chunkSize ? [concat(octets)] : octets)
    for (let at = 0; at < piece.length; at += chunkSize) target.write(piece.subarray(at, at + chunkSize));
  await target.end();
}
