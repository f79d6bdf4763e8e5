// One S/MIME layer taken off. The content goes into a spool and stays there until somebody has judged it.
import { BerInput, type Steps } from "../asn1.ts";
import { type ByteSource, concat, type MakeSpool, type Spool } from "../bytes.ts";
import {
  addressedKey,
  CmsError,
  type ContentTypeName,
  contentTypeName,
  contentTypes,
  type DecryptionKey,
  drain,
  type EnvelopeHead,
  envelopeCipher,
  finishContent,
  iterate,
  leaveContentInfo,
  openRecipient,
  pull,
  pullWhole,
  readContentType,
  readEncryptedContent,
  readEnvelopeHead,
  readSignedData,
  runningDigests,
  type SignedContent,
  type SignedData,
} from "../cms.ts";
import { contentEncryption, type DigestName, digestOf, digestsOfMicalg } from "../crypto.ts";
import { SecureMailError } from "../errors.ts";
import {
  decodeTransfer,
  type HeaderBlock,
  parseEntity,
  scanMultipart,
  transferDecoder,
  transferEncodingOf,
} from "../mime.ts";
import { isSignaturePart } from "./media-types.ts";

export type SignedLayer = {
  readonly kind: "signed";
  readonly form: "opaque" | "detached";
  readonly encoding: string;
  readonly signedData: SignedData;
  readonly content: SignedContent;
  readonly spool: Spool;
  /** Why no signer can count, whatever the signatures say. */
  readonly broken?: string;
};

export type EncryptedLayer = {
  readonly kind: "encrypted";
  readonly encoding: string;
  readonly head: EnvelopeHead;
  readonly spool: Spool;
  /** What about its cipher is below the floor. */
  readonly weak: readonly string[];
};

/** Encrypted, and no entry names a key held here. */
export type ClosedLayer = { readonly kind: "closed"; readonly encoding: string; readonly head: EnvelopeHead };

export type CertificatesOnly = {
  readonly kind: "certificates";
  readonly encoding: string;
  readonly signedData: SignedData;
};

export type Layer = SignedLayer | EncryptedLayer | ClosedLayer | CertificatesOnly;

export type LayerServices = {
  readonly keys: readonly DecryptionKey[];
  readonly legacy: boolean;
  readonly makeSpool: MakeSpool;
  /** What a bare detached signature covers. */
  readonly detachedContent?: () => ByteSource;
  /** Called before each private-key operation; throws when there were enough. */
  countKeyOperation(): void;
  /** Told of an envelope that names a key held here and cannot be opened, before it fails. */
  leftClosed(layer: ClosedLayer): void;
  readonly quirks: Set<string>;
};

// LIMIT: signature parts hold certificates and signers, like the sets of a SignedData.
const maxSignatureOctets = 4 * 1024 * 1024;

/** The octets of a CMS object that is a MIME entity's body. */
export function cmsOctets(header: HeaderBlock, body: ByteSource, quirks: Set<string>): ByteSource {
  const decoder = transferDecoder(transferEncodingOf(header));
  return decodeTransfer(body, decoder, () => {
    for (const quirk of decoder.quirks) quirks.add(quirk);
  });
}

/** Takes a CMS object apart: signed, encrypted, or certificates only; undefined where it is not `wanted`. */
export async function openCms(
  octets: ByteSource,
  services: LayerServices,
  wanted: "any" | "encrypted" = "any",
): Promise<Layer | undefined> {
  const source = iterate(octets);
  try {
    return await takeApart(new BerInput(), source, services, wanted);
  } finally {
    // Not everything is read to its end: what fails, what is for others.
    await source.return?.();
  }
}

async function takeApart(
  input: BerInput,
  source: AsyncIterator<Uint8Array>,
  services: LayerServices,
  wanted: "any" | "encrypted",
): Promise<Layer | undefined> {
  const type = await pull(readContentType(input), input, source);
  const name: ContentTypeName | undefined = contentTypeName(type);
  if (wanted === "encrypted" && name !== "envelopedData" && name !== "authEnvelopedData") return undefined;
  if (name === "signedData") return openSigned(input, source, services);
  if (name === "envelopedData" || name === "authEnvelopedData") {
    return openEnvelope(input, source, await pull(readEnvelopeHead(input, name), input, source), services);
  }
  throw new CmsError("CMS_UNSUPPORTED", `content type ${name ?? type}`, input.offset);
}

async function openSigned(input: BerInput, source: AsyncIterator<Uint8Array>, services: LayerServices): Promise<Layer> {
  const spool = services.makeSpool();
  const signedData = await pull(
    readSignedData(input, (chunk) => spool.write(chunk)),
    input,
    source,
  );
  await finish(input, source, services);
  const { encoding } = input;
  const { signerInfos, unreadableSigners, contentOctets } = signedData;
  if (contentOctets === undefined && signerInfos.length + unreadableSigners === 0)
    return { kind: "certificates", encoding, signedData };
  if (contentOctets !== undefined) {
    const content = { eContentType: signedData.eContentType, digests: signedData.digests, read: () => spool.read() };
    return { kind: "signed", form: "opaque", encoding, signedData, content, spool };
  }
  if (services.detachedContent === undefined)
    throw new CmsError("CMS_MALFORMED", "a signature without the content it covers", input.offset);
  for await (const chunk of services.detachedContent()) spool.write(chunk);
  const content = {
    eContentType: signedData.eContentType,
    digests: await digestsOfSpool(signedData, spool),
    read: () => spool.read(),
  };
  return { kind: "signed", form: "detached", encoding, signedData, content, spool };
}

async function openEnvelope(
  input: BerInput,
  source: AsyncIterator<Uint8Array>,
  head: EnvelopeHead,
  services: LayerServices,
): Promise<Layer> {
  const addressed = addressedKey(head.recipients, services.keys);
  if (addressed === undefined) return { kind: "closed", encoding: input.encoding, head };
  try {
    const setting = envelopeCipher(head, services.legacy);
    services.countKeyOperation();
    const contentKey = await openRecipient(addressed);
    const spool = services.makeSpool();
    const end = await pull(readEncryptedContent(input, head, setting, contentKey, spool), input, source);
    await finish(input, source, services);
    await finishContent(end, spool);
    const weak = contentEncryption.weaknessesOf(setting);
    return { kind: "encrypted", encoding: input.encoding, head, spool, weak };
  } catch (failure) {
    services.leftClosed({ kind: "closed", encoding: input.encoding, head });
    throw failure;
  }
}

async function finish(input: BerInput, source: AsyncIterator<Uint8Array>, { quirks }: LayerServices): Promise<void> {
  await pull(leaveContentInfo(input), input, source);
  noteRest(await drain(input, source), quirks);
}

function noteRest(octets: number, quirks: Set<string>): void {
  if (octets > 0) quirks.add(`${octets} octets after the CMS object`);
}

/** Takes a multipart/signed apart (RFC 1847): exactly two parts, the signature in the second. */
export async function openMultipartSigned(
  body: ByteSource,
  boundary: string,
  micalg: string,
  services: LayerServices,
): Promise<Layer> {
  const spool = services.makeSpool();
  const announced = runningDigests(digestsOfMicalg(micalg));
  const signature = await takeParts(body, boundary, (chunk) => {
    for (const digest of announced) digest.update(chunk);
    spool.write(chunk);
  });
  const { signedData, encoding } = readSignature(concat(signature), services.quirks);
  const known = new Map(announced.map(({ digest, final }) => [digest.name, final()]));
  const digests = await digestsOfSpool(signedData, spool, known);
  const content = { eContentType: signedData.eContentType, digests, read: () => spool.read() };
  const layer = { kind: "signed", form: "detached", encoding, signedData, content, spool } as const;
  // Johnny, C1 (security A01): two contents, and two readers that each look at another one.
  return signedData.contentOctets === undefined
    ? layer
    : { ...layer, broken: "the detached signature carries content of its own" };
}

/** The octets of the first part go to `take`, those of the second come back. */
async function takeParts(
  body: ByteSource,
  boundary: string,
  take: (chunk: Uint8Array) => void,
): Promise<readonly Uint8Array[]> {
  const signature: Uint8Array[] = [];
  let signatureOctets = 0;
  let parts = 0;
  await scanMultipart(body, boundary, (event) => {
    if (event.kind === "problem")
      throw new SecureMailError("MIME_AMBIGUOUS", "permanent", `multipart/signed: ${event.what}`);
    if (event.kind === "delimiter") parts = event.index + 1;
    if (event.kind !== "part") return;
    if (event.index === 0) take(event.chunk);
    else if (event.index === 1) {
      signatureOctets += event.chunk.length;
      if (signatureOctets > maxSignatureOctets)
        throw new CmsError("CMS_LIMIT", `a signature part of more than ${maxSignatureOctets} octets`);
      signature.push(event.chunk);
    }
  });
  if (parts !== 2) throw new SecureMailError("MIME_MALFORMED", "permanent", `multipart/signed with ${parts} parts`);
  return signature;
}

/** The part is there as a whole, and nothing has to be waited for. */
function readSignature(
  part: Uint8Array,
  quirks: Set<string>,
): { readonly signedData: SignedData; readonly encoding: string } {
  const { header, body } = parseEntity(part);
  if (!isSignaturePart(header))
    throw new SecureMailError("MIME_MALFORMED", "permanent", "the second part of multipart/signed is no signature");
  const decoder = transferDecoder(transferEncodingOf(header));
  const input = new BerInput();
  input.push(concat([decoder.update(body), decoder.final()]));
  input.end();
  for (const quirk of decoder.quirks) quirks.add(quirk);
  const signedData = pullWhole(readSignatureObject(input));
  noteRest(input.unread.length, quirks);
  return { signedData, encoding: input.encoding };
}

function* readSignatureObject(input: BerInput): Steps<SignedData> {
  if ((yield* readContentType(input)) !== contentTypes.signedData)
    throw new CmsError("CMS_MALFORMED", "the signature part holds no SignedData", input.offset);
  const signedData = yield* readSignedData(input, () => {});
  yield* leaveContentInfo(input);
  return signedData;
}

/** RFC 8551 2.4.2: a time stamp or a receipt with the domain's signature is no mail of that domain (security A05). */
export function signingMail(layer: Layer | undefined): Layer | undefined {
  if (layer?.kind !== "signed" || layer.content.eContentType === contentTypes.data) return layer;
  return { ...layer, broken: `the signature covers content of type ${layer.content.eContentType}, not data` };
}

/** The digests a SignedData names, over content that stands elsewhere; `known` are those already made on the way. */
async function digestsOfSpool(
  { digestAlgorithms }: SignedData,
  spool: Spool,
  known: ReadonlyMap<DigestName, Uint8Array> = new Map(),
): Promise<ReadonlyMap<DigestName, Uint8Array>> {
  const named = digestAlgorithms.map(digestOf).filter((digest) => digest !== undefined);
  const missing = runningDigests(named.filter(({ name }) => !known.has(name)));
  if (missing.length > 0) for await (const chunk of spool.read()) for (const digest of missing) digest.update(chunk);
  const made = missing.map(({ digest, final }) => [digest.name, final()] as const);
  // A digest that micalg announced and the SignedData does not name must not count (RFC 5652, 5.1).
  return new Map([...[...known].filter(([name]) => named.some((digest) => digest.name === name)), ...made]);
}
