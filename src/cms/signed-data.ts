// SignedData (RFC 5652, 5.1), read as it streams. Content goes to a sink as it comes, and counts for nothing before
// the signers behind it have been judged.
import { type BerInput, context, DerReader, maxElementOctets, type Steps, tag, toDer } from "../asn1.ts";
import {
  type AlgorithmIdentifier,
  type Digest,
  type DigestName,
  digestOf,
  parseAlgorithmIdentifier,
  type RunningDigest,
  runningDigest,
} from "../crypto.ts";
import { CmsError } from "./errors.ts";
import { sequenceIdentifier } from "./frame.ts";
import { maxCertificates, maxSigners } from "./limits.ts";
import { parseSignerInfo, type SignerInfo } from "./signer-info.ts";

export type SignedData = {
  readonly eContentType: string;
  readonly digestAlgorithms: readonly AlgorithmIdentifier[];
  /** Absent for a detached signature and for certificates only. */
  readonly contentOctets?: number;
  /** Digests of the content that stood inside. */
  readonly digests: ReadonlyMap<DigestName, Uint8Array>;
  /** As they came; only X.509 certificates, other choices are left out. */
  readonly certificates: readonly Uint8Array[];
  /** Those that could be read; `unreadableSigners` counts versions and forms that CMS does not have. */
  readonly signerInfos: readonly SignerInfo[];
  readonly unreadableSigners: number;
};

/** Reads a SignedData whose ContentInfo is open; `take` gets the content as it comes. */
export function* readSignedData(input: BerInput, take: (chunk: Uint8Array) => void): Steps<SignedData> {
  yield* input.enter(tag.sequence);
  yield* input.element(); // version: RFC 5652 5.1 makes it follow from the rest
  const digestAlgorithms = yield* readSet(input, tag.set, maxSigners, (octets) =>
    parseAlgorithmIdentifier(toDer(octets)),
  );
  const content = yield* readEncapContentInfo(input, digestAlgorithms, take);
  const certificates = yield* readOptionalSet(input, context(0));
  yield* readOptionalSet(input, context(1)); // crls: the message's own word on who was not revoked
  const signers = yield* readSet(input, tag.set, maxSigners, parseSignerInfo);
  yield* input.leave();
  return {
    digestAlgorithms,
    ...content,
    certificates,
    signerInfos: signers.filter((signer) => signer !== undefined),
    unreadableSigners: signers.filter((signer) => signer === undefined).length,
  };
}

function* readEncapContentInfo(
  input: BerInput,
  digestAlgorithms: readonly AlgorithmIdentifier[],
  take: (chunk: Uint8Array) => void,
): Steps<Pick<SignedData, "eContentType" | "digests" | "contentOctets">> {
  yield* input.enter(tag.sequence);
  const eContentType = new DerReader(toDer(yield* input.element())).oid();
  if ((yield* input.peek()) === -1) {
    yield* input.leave();
    return { eContentType, digests: new Map() };
  }
  const running = runningDigests(digestAlgorithms.map(digestOf));
  let contentOctets = 0;
  const takeContent = (chunk: Uint8Array): void => {
    contentOctets += chunk.length;
    for (const digest of running) digest.update(chunk);
    take(chunk);
  };
  yield* input.enter(context(0));
  if ((yield* input.peek()) === tag.octetString) yield* input.octetString(tag.octetString, takeContent);
  else takeContent(pkcs7Contents(yield* input.element()));
  yield* input.leave();
  yield* input.leave();
  return { eContentType, contentOctets, digests: new Map(running.map(({ digest, final }) => [digest.name, final()])) };
}

/** PKCS #7 1.5 content that is no OCTET STRING: its contents octets count, without tag and length (RFC 5652, 5.2.1). */
function pkcs7Contents(element: Uint8Array): Uint8Array {
  const reader = new DerReader(toDer(element));
  const inner = reader.enter(reader.nextTag);
  return inner.rest();
}

/**
 * The elements of a SET OF, each turned into what `parse` makes of it. Together they may be no larger than one that has
 * to be held whole: what is done with them takes time that grows with their size.
 */
export function* readSet<Value>(
  input: BerInput,
  setTag: number,
  most: number,
  parse: (octets: Uint8Array, offset: number) => Value,
): Steps<Value[]> {
  const values: Value[] = [];
  let room = maxElementOctets;
  yield* input.enter(setTag);
  while ((yield* input.peek()) !== -1) {
    const { offset } = input;
    if (values.length === most) throw new CmsError("CMS_LIMIT", `more than ${most} elements in a set`, offset);
    const octets = yield* input.element(room);
    room -= octets.length;
    values.push(parse(octets, offset));
  }
  yield* input.leave();
  return values;
}

/** Only what stands there as a SEQUENCE: certificates and lists of other kinds carry tags. */
function* readOptionalSet(input: BerInput, setTag: number): Steps<Uint8Array[]> {
  if ((yield* input.peek()) !== setTag) return [];
  const elements = yield* readSet(input, setTag, maxCertificates, (octets) => octets);
  return elements.filter((octets) => octets[0] === sequenceIdentifier);
}

/** One running digest for each algorithm that is known, whatever its standing: the signer's verdict says what is weak. */
export function runningDigests(digests: readonly (Digest | undefined)[]): RunningDigest[] {
  return [...new Set(digests)].filter((digest) => digest !== undefined).map(runningDigest);
}
