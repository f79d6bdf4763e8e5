// SignedData out. DER where the content is there already, BER of indefinite length where it streams.
import { constructedBit, context, der, tag } from "../asn1.ts";
import type { ByteSink } from "../bytes.ts";
import type { DigestName } from "../crypto.ts";
import type { Certificate } from "../x509.ts";
import { contentTypes } from "./content-info.ts";
import {
  definiteFrame,
  explicitZero,
  type Frame,
  indefiniteHead,
  indefiniteTail,
  sequenceIdentifier,
  writeSegment,
} from "./frame.ts";
import { runningDigests } from "./signed-data.ts";
import { digestsOf, makeSignerInfo, type Signer } from "./signer-info.ts";

export type SignedDataOptions = {
  readonly signers: readonly Signer[];
  /** Certificates to send along beside the signers' own. */
  readonly chain: readonly Certificate[];
};

const version = der.integer(1);
const data = der.oid(contentTypes.data);
const signedData = der.oid(contentTypes.signedData);

/** A sink that signs what is written to it and gives an opaque SignedData in BER; for content of unknown length. */
export function signedDataWriter(next: ByteSink, options: SignedDataOptions): ByteSink {
  const running = runningDigests(digestsOf(options.signers));
  const frames = opaqueFrames(options, []);
  next.write(indefiniteHead([...frames, { identifier: tag.octetString | constructedBit }]));
  return {
    write(chunk) {
      for (const digest of running) digest.update(chunk);
      writeSegment(next, chunk);
    },
    async end() {
      const digests = new Map(running.map(({ digest, final }) => [digest.name, final()]));
      const signerInfos = await makeSignerInfos(options, digests);
      next.write(
        indefiniteTail([...opaqueFrames(options, signerInfos), { identifier: tag.octetString | constructedBit }]),
      );
      await next.end();
    },
  };
}

/** The octets before and after content that is in memory, in DER. */
export async function signedDataAround(
  content: readonly Uint8Array[],
  options: SignedDataOptions,
): Promise<{ head: Uint8Array; tail: Uint8Array }> {
  const digests = digestsOver(content, options);
  const frames = opaqueFrames(options, await makeSignerInfos(options, digests));
  const length = content.reduce((sum, chunk) => sum + chunk.length, 0);
  return definiteFrame([...frames, { identifier: tag.octetString }], length);
}

/** The digests that these signers need of content that is in memory. */
export function digestsOver(
  content: readonly Uint8Array[],
  { signers }: SignedDataOptions,
): Map<DigestName, Uint8Array> {
  const running = runningDigests(digestsOf(signers));
  for (const chunk of content) for (const digest of running) digest.update(chunk);
  return new Map(running.map(({ digest, final }) => [digest.name, final()]));
}

/** A detached SignedData over content known by its digests, in DER. */
export async function detachedSignedData(
  digests: ReadonlyMap<DigestName, Uint8Array>,
  options: SignedDataOptions,
): Promise<Uint8Array> {
  const after = trailer(options, await makeSignerInfos(options, digests));
  const body = der.sequence(version, digestAlgorithms(options), der.sequence(data), ...after);
  return der.sequence(signedData, der.explicit(0, body));
}

function opaqueFrames(options: SignedDataOptions, signerInfos: readonly Uint8Array[]): Frame[] {
  return [
    { identifier: sequenceIdentifier, before: [signedData] },
    { identifier: explicitZero },
    {
      identifier: sequenceIdentifier,
      before: [version, digestAlgorithms(options)],
      after: trailer(options, signerInfos),
    },
    { identifier: sequenceIdentifier, before: [data] },
    { identifier: explicitZero },
  ];
}

function trailer({ signers, chain }: SignedDataOptions, signerInfos: readonly Uint8Array[]): Uint8Array[] {
  const certificates = new Set([
    ...signers.map(({ certificate }) => certificate.octets),
    ...chain.map(({ octets }) => octets),
  ]);
  const set = [...certificates].toSorted(Buffer.compare);
  return [der.element(context(0) | constructedBit, ...set), der.setOf(...signerInfos)];
}

function digestAlgorithms({ signers }: SignedDataOptions): Uint8Array {
  return der.setOf(...digestsOf(signers).map(({ identifier }) => identifier));
}

function makeSignerInfos(
  { signers }: SignedDataOptions,
  digests: ReadonlyMap<DigestName, Uint8Array>,
): Promise<Uint8Array[]> {
  return Promise.all(signers.map((signer) => makeSignerInfo(signer, digests)));
}
