// SignerInfo (RFC 5652, 5.3): read, judged, made. Judging says what the mathematics says; whose certificate it
// is and whether that is to be trusted is for `trust`.
import { berElements, context, DerReader, der, maxElementOctets, tag, toDer } from "../asn1.ts";
import { type ByteSource, concat, equalOctets } from "../bytes.ts";
import {
  type AlgorithmIdentifier,
  algorithmName,
  CryptoError,
  type Digest,
  type DigestName,
  digestOf,
  keyDetails,
  type PrivateKey,
  readAlgorithmIdentifier,
  runningVerification,
  type SignatureScheme,
  sameAlgorithm,
  signatureSchemeOf,
  verifySignature,
} from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import type { Certificate } from "../x509.ts";
import { contentTypes } from "./content-info.ts";
import { CmsError } from "./errors.ts";
import {
  type CertificateIdentifier,
  formatIssuerAndSerial,
  identifies,
  readCertificateIdentifier,
} from "./identifiers.ts";
import {
  type AlgorithmProtection,
  asImplicitZero,
  formatSignedAttributes,
  looksLikeAttributes,
  namesCertificate,
  octetsToVerify,
  readSignedAttributes,
  type SignedAttributes,
} from "./signed-attrs.ts";

export type SignerInfo = {
  readonly sid: CertificateIdentifier;
  readonly digestAlgorithm: AlgorithmIdentifier;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** Absent where the signature covers the content itself. */
  readonly attributes?: SignedAttributes;
  /** Why its attributes are broken; then there are none, and it never counts. */
  readonly fault?: string;
};

/** Reads one SignerInfo as it came; `offset` is where it stood. */
export function parseSignerInfo(octets: Uint8Array, offset: number): SignerInfo | undefined {
  const definite = toDer(octets);
  const fields = new DerReader(definite, offset).sequence();
  fields.integer();
  const sid = readCertificateIdentifier(fields);
  if (sid === undefined) return undefined;
  const digestAlgorithm = readAlgorithmIdentifier(fields);
  const hasAttributes = fields.nextIs(context(0));
  const attributesOctets = hasAttributes ? fields.element() : undefined;
  const signatureAlgorithm = readAlgorithmIdentifier(fields);
  const signature = fields.octetString();
  const signer = { sid, digestAlgorithm, signatureAlgorithm, signature };
  if (attributesOctets === undefined) return signer;
  try {
    const asReceived = definite === octets ? attributesOctets : receivedAttributes(octets);
    return { ...signer, attributes: readSignedAttributes(asReceived, offset) };
  } catch (failure) {
    if (!isSecureMailError(failure)) throw failure;
    return { ...signer, fault: failure.message };
  }
}

/** The signedAttrs of a SignerInfo that is not DER: the fourth element, after version, sid and digestAlgorithm. */
function receivedAttributes(signerInfo: Uint8Array): Uint8Array {
  const [whole] = berElements(signerInfo);
  if (whole === undefined) throw new CmsError("CMS_MALFORMED", "an empty SignerInfo");
  const contents = signerInfo.subarray(whole.contentStart, whole.contentEnd);
  const fields = berElements(contents);
  return contents.subarray(fields[2]?.end ?? 0, fields[3]?.end ?? 0);
}

export type SignatureVerdict = {
  readonly signature: "valid" | "invalid" | "unsupported";
  /** Why it is not valid, for people. */
  readonly reason?: string;
  /** As options and reports name it, where it is known. */
  readonly algorithm?: string;
  readonly weak: readonly string[];
  /** Leniency that was needed. */
  readonly quirks: readonly string[];
};

export type SignedContent = {
  readonly eContentType: string;
  readonly digests: ReadonlyMap<DigestName, Uint8Array>;
  /** The content again, for signatures over the content itself. */
  read(): ByteSource;
};

/** What the mathematics says about one signer over complete content. */
export async function verifySignerInfo(
  signer: SignerInfo,
  certificate: Certificate,
  content: SignedContent,
): Promise<SignatureVerdict> {
  const invalid = (reason: string): SignatureVerdict => ({ signature: "invalid", reason, weak: [], quirks: [] });
  if (signer.fault !== undefined) return invalid(signer.fault);
  const digest = digestOf(signer.digestAlgorithm);
  if (digest === undefined) return unsupported(`digest ${algorithmName(signer.digestAlgorithm.oid)}`);
  let scheme: SignatureScheme | undefined;
  try {
    scheme = signatureSchemeOf(signer.signatureAlgorithm, digest);
  } catch (failure) {
    if (failure instanceof CryptoError && failure.code === "CRYPTO_UNSUPPORTED") return unsupported(failure.message);
    if (isSecureMailError(failure)) return invalid(failure.message);
    throw failure;
  }
  if (scheme === undefined) return unsupported(`signature algorithm ${algorithmName(signer.signatureAlgorithm.oid)}`);
  const bare = signer.attributes === undefined ? [withoutAttributes] : [];
  const judged = { algorithm: scheme.name, weak: [...scheme.weak, ...weakKey(certificate), ...bare] };
  if (!content.digests.has(digest.name))
    return { ...invalid("its digest is not among the message's digestAlgorithms"), ...judged };
  const { attributes } = signer;
  const outcome =
    attributes === undefined
      ? await verifyContent(signer, scheme, certificate, content)
      : verifyAttributes(signer, attributes, scheme, certificate, content);
  return { quirks: [], ...outcome, ...judged };
}

type Outcome = Pick<SignatureVerdict, "signature"> & Partial<SignatureVerdict>;

function verifyAttributes(
  signer: SignerInfo,
  attributes: SignedAttributes,
  scheme: SignatureScheme,
  certificate: Certificate,
  content: SignedContent,
): Outcome {
  const invalid = (reason: string): Outcome => ({ signature: "invalid", reason });
  const contentDigest = content.digests.get(scheme.digest.name) as Uint8Array;
  if (attributes.contentType !== content.eContentType) return invalid("contentType differs from eContentType");
  if (!equalOctets(attributes.messageDigest, contentDigest)) return invalid("the content is not what was signed");
  if (!namesCertificate(attributes, certificate)) return invalid("signingCertificate names another certificate");
  const { protection } = attributes;
  if (protection !== undefined && !protects(protection, signer)) return invalid("cmsAlgorithmProtection differs");
  let quirks: readonly string[] = [];
  for (const octets of octetsToVerify(attributes)) {
    if (verifySignature(scheme, certificate.publicKey, octets, signer.signature)) return { signature: "valid", quirks };
    quirks = ["signed attributes not in DER"];
  }
  return invalid("the signature does not verify");
}

function protects({ digestAlgorithm, signatureAlgorithm }: AlgorithmProtection, signer: SignerInfo): boolean {
  return (
    sameAlgorithm(digestAlgorithm, signer.digestAlgorithm) &&
    signatureAlgorithm !== undefined &&
    sameAlgorithm(signatureAlgorithm, signer.signatureAlgorithm)
  );
}

const withoutAttributes = "no signed attributes";

/** A signature over the content itself: RFC 5652 allows it for id-data only, and it is below the floor (security A05). */
async function verifyContent(
  signer: SignerInfo,
  scheme: SignatureScheme,
  certificate: Certificate,
  content: SignedContent,
): Promise<Outcome> {
  if (content.eContentType !== contentTypes.data)
    return { signature: "invalid", reason: "no signed attributes over content that is not id-data" };
  const verification = runningVerification(scheme, certificate.publicKey);
  if (verification === undefined)
    return { signature: "unsupported", reason: `${scheme.name} without signed attributes` };
  const start: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of content.read()) {
    // Attributes larger than one element may be are read by nobody.
    if (octets < maxElementOctets) start.push(chunk);
    octets += chunk.length;
    verification.update(chunk);
  }
  if (looksLikeAttributes(concat(start)))
    return { signature: "invalid", reason: "the content could be signed attributes" };
  return verification.final(signer.signature)
    ? { signature: "valid" }
    : { signature: "invalid", reason: "the signature does not verify" };
}

function weakKey({ publicKey }: Certificate): string[] {
  const bits = keyDetails(publicKey).modulusLength;
  return publicKey.asymmetricKeyType?.startsWith("rsa") && bits !== undefined && bits < 2048 ? [`rsa-${bits}`] : [];
}

function unsupported(reason: string): SignatureVerdict {
  return { signature: "unsupported", reason, weak: [], quirks: [] };
}

/** The certificates, of those at hand, that a SignerInfo may mean; with a key identifier there can be several. */
export function signerCertificates(signer: SignerInfo, certificates: readonly Certificate[]): Certificate[] {
  return certificates.filter((certificate) => identifies(signer.sid, certificate));
}

// --- making ---

export type Signer = {
  readonly key: PrivateKey;
  readonly certificate: Certificate;
  readonly scheme: SignatureScheme;
  readonly signingTime: Date;
};

/** Signs content that is known by its digests. RFC 5652 5.3: version 1 goes with issuerAndSerialNumber. */
export async function makeSignerInfo(
  signer: Signer,
  digests: ReadonlyMap<DigestName, Uint8Array>,
): Promise<Uint8Array> {
  const { key, certificate, scheme, signingTime } = signer;
  const attributes = formatSignedAttributes(
    certificate,
    scheme,
    digests.get(scheme.digest.name) as Uint8Array,
    signingTime,
  );
  const signature = key.sign(scheme, attributes);
  return der.sequence(
    der.integer(1),
    formatIssuerAndSerial(certificate),
    scheme.digest.identifier,
    asImplicitZero(attributes),
    scheme.identifier,
    der.element(tag.octetString, signature instanceof Promise ? await signature : signature),
  );
}

export function digestsOf(signers: readonly Signer[]): Digest[] {
  return [...new Set(signers.map(({ scheme }) => scheme.digest))];
}
