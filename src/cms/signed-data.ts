// SignedData (RFC 5652, 5.1), read as it streams. Content goes to a sink as it comes, and counts for nothing before
// the signers behind it have been judged.
import { type BerInput, context, DerReader, type Steps, tag, toDer } from "../asn1.ts";
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
  readonly crls: readonly Uint8Array[];
  /** Those that could be read; `unreadableSigners` counts versions and forms that CMS does not have. */
  readonly signerInfos: readonly SignerInfo[];
  readonly unreadableSigners: number;
};

/** Reads a SignedData whose ContentInfo is open; `take` gets the content as it comes. */
export function* readSignedData(input: BerInput, take: (chunk: Uint8Array) => void): Steps<SignedData> {
  yield* input.enter(tag.sequence);
  yield* input.element(); // version: RFC 5652 5.1 makes it follow from the rest
  const digestAlgorithms = (yield* readSet(input, tag.set, maxSigners)).map((octets) =>
    parseAlgorithmIdentifier(toDer(octets)),
  );
  const content = yield* readEncapContentInfo(input, digestAlgorithms, take);
  const certificates = yield* readOptionalSet(input, context(0), maxCertificates);
  const crls = yield* readOptionalSet(input, context(1), maxCertificates);
  const signers = yield* readSigners(input);
  yield* input.leave();
  return {
    digestAlgorithms,
    ...content,
    certificates: certificates.filter((octets) => octets[0] === 0x30),
    crls: crls.filter((octets) => octets[0] === 0x30),
    signerInfos: signers.filter((signer) => signer !== undefined),
    unreadableSigners: signers.filter((signer) => signer === undefined).length,
  };
}

function* readEncapContentInfo(
  input: BerInput,
  digestAlgorithms: readonly AlgorithmIdentifier[],
  take: (chunk: Uint8Array) => void,
): Steps<Pick<SignedData, "eContentType" | "digests" | "contentOctets">> {
  const running = runningDigests(digestAlgorithms.map(digestOf));
  yield* input.enter(tag.sequence);
  const eContentType = new DerReader(toDer(yield* input.element())).oid();
  let contentOctets: number | undefined;
  if ((yield* input.peek()) !== -1) {
    yield* input.enter(context(0));
    contentOctets = 0;
    const takeContent = (chunk: Uint8Array): void => {
      contentOctets = (contentOctets as number) + chunk.length;
      for (const digest of running) digest.update(chunk);
      take(chunk);
    };
    if ((yield* input.peek()) === tag.octetString) yield* input.octetString(tag.octetString, takeContent);
    else takeContent(pkcs7Contents(yield* input.element()));
    yield* input.leave();
  }
  yield* input.leave();
  const digests = new Map(running.map(({ digest, final }) => [digest.name, final()]));
  return { eContentType, digests, ...(contentOctets === undefined ? {} : { contentOctets }) };
}

/** PKCS #7 1.5 content that is no OCTET STRING: its contents octets count, without tag and length (RFC 5652, 5.2.1). */
function pkcs7Contents(element: Uint8Array): Uint8Array {
  const reader = new DerReader(toDer(element));
  const inner = reader.enter(reader.nextTag);
  return inner.rest();
}

function* readSigners(input: BerInput): Steps<(SignerInfo | undefined)[]> {
  const signers: (SignerInfo | undefined)[] = [];
  yield* input.enter(tag.set);
  while ((yield* input.peek()) !== -1) {
    if (signers.length === maxSigners) throw new CmsError("CMS_LIMIT", `more than ${maxSigners} signers`, input.offset);
    const offset = input.offset;
    signers.push(parseSignerInfo(yield* input.element(), offset));
  }
  yield* input.leave();
  return signers;
}

export function* readSet(input: BerInput, setTag: number, most: number): Steps<Uint8Array[]> {
  const elements: Uint8Array[] = [];
  yield* input.enter(setTag);
  while ((yield* input.peek()) !== -1) {
    if (elements.length === most) throw new CmsError("CMS_LIMIT", `more than ${most} elements in a set`, input.offset);
    elements.push(yield* input.element());
  }
  yield* input.leave();
  return elements;
}

function* readOptionalSet(input: BerInput, setTag: number, most: number): Steps<Uint8Array[]> {
  return (yield* input.peek()) === setTag ? yield* readSet(input, setTag, most) : [];
}

/** One running digest for each algorithm that is known, whatever its standing: the signer's verdict says what is weak. */
export function runningDigests(digests: readonly (Digest | undefined)[]): RunningDigest[] {
  return [...new Set(digests)].filter((digest) => digest !== undefined).map(runningDigest);
}
