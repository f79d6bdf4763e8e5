// Signed attributes have two encodings (RFC 5652, 5.4): on the wire [0] IMPLICIT, under the signature a SET OF.
// Both are made here so that no other file has to know.
import { constructedBit, context, DerReader, der, tag, toDer } from "../asn1.ts";
import { copyOf, equalOctets, hex } from "../bytes.ts";
import {
  type AlgorithmIdentifier,
  digestByOid,
  digestNamed,
  digestOctets,
  readAlgorithmIdentifier,
  type SignatureScheme,
} from "../crypto.ts";
import type { Certificate } from "../x509.ts";
import { contentTypes } from "./content-info.ts";
import { CmsError } from "./errors.ts";

export const attributeTypes = {
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingTime: "1.2.840.113549.1.9.5",
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
  signatureType: "1.2.840.113549.1.9.16.2.28",
  cmsAlgorithmProtection: "1.2.840.113549.1.9.52",
} as const;

/** What a SignerInfo's signed attributes say; the attributes not listed count for the signature only. */
export type SignedAttributes = {
  /** The octets as they came, with the SET OF tag that the signature covers. */
  readonly received: Uint8Array;
  readonly contentType: string;
  readonly messageDigest: Uint8Array;
  readonly signingTime?: Date;
  readonly signatureType?: string;
  /** Certificate hashes of ESS signingCertificate(V2), first value first. */
  readonly signingCertificate?: { readonly digestOid: string; readonly certHash: Uint8Array };
  readonly protection?: AlgorithmProtection;
};

/** From cmsAlgorithmProtection (RFC 6211): what the SignerInfo must say of its algorithms. */
export type AlgorithmProtection = {
  readonly digestAlgorithm: AlgorithmIdentifier;
  readonly signatureAlgorithm?: AlgorithmIdentifier;
};

const setOfIdentifier = tag.set | constructedBit;

/** Reads `signedAttrs [0] IMPLICIT`. Throws CMS_MALFORMED for duplicates of what may stand once (security A06). */
export function readSignedAttributes(receivedElement: Uint8Array, offset: number): SignedAttributes {
  const received = withSetTag(receivedElement);
  const values = new Map<string, Uint8Array>();
  for (const reader = new DerReader(toDer(received), offset).enter(tag.set); !reader.atEnd; ) {
    const attribute = reader.sequence();
    const type = attribute.oid();
    const set = attribute.enter(tag.set);
    if (set.atEnd) throw new CmsError("CMS_MALFORMED", `signed attribute ${type} without value`, offset);
    const value = set.element();
    if (!singleValued.has(type)) continue;
    if (values.has(type) || !set.atEnd) throw new CmsError("CMS_MALFORMED", `signed attribute ${type} twice`, offset);
    values.set(type, value);
  }
  const contentType = values.get(attributeTypes.contentType);
  const messageDigest = values.get(attributeTypes.messageDigest);
  if (contentType === undefined || messageDigest === undefined) {
    throw new CmsError("CMS_MALFORMED", "signed attributes without contentType or messageDigest", offset);
  }
  return {
    received,
    contentType: new DerReader(contentType, offset).oid(),
    messageDigest: new DerReader(messageDigest, offset).octetString(),
    ...optionalAttributes(values, offset),
  };
}

const singleValued: ReadonlySet<string> = new Set(Object.values(attributeTypes));

function optionalAttributes(values: ReadonlyMap<string, Uint8Array>, offset: number): Partial<SignedAttributes> {
  const time = values.get(attributeTypes.signingTime);
  const type = values.get(attributeTypes.signatureType);
  const protection = values.get(attributeTypes.cmsAlgorithmProtection);
  const certificate = readSigningCertificate(values, offset);
  return {
    ...(time === undefined ? {} : { signingTime: new DerReader(time, offset).time() }),
    ...(type === undefined ? {} : { signatureType: new DerReader(type, offset).sequence().oid() }),
    ...(certificate === undefined ? {} : { signingCertificate: certificate }),
    ...(protection === undefined ? {} : { protection: readProtection(protection, offset) }),
  };
}

/** SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, ... }; hashAlgorithm DEFAULT sha-256 (RFC 5035). */
function readSigningCertificate(
  values: ReadonlyMap<string, Uint8Array>,
  offset: number,
): SignedAttributes["signingCertificate"] {
  const v2 = values.get(attributeTypes.signingCertificateV2);
  const value = v2 ?? values.get(attributeTypes.signingCertificate);
  if (value === undefined) return undefined;
  const certId = new DerReader(value, offset).sequence().sequence().sequence();
  const explicitHash = v2 !== undefined && certId.nextIs(tag.sequence) ? certId.sequence().oid() : undefined;
  const digestOid = explicitHash ?? digestNamed(v2 === undefined ? "sha1" : "sha256").oid;
  return { digestOid, certHash: certId.octetString() };
}

/** CMSAlgorithmProtection ::= SEQUENCE { digestAlgorithm, [1] signatureAlgorithm OPTIONAL, [2] mac OPTIONAL } */
function readProtection(value: Uint8Array, offset: number): AlgorithmProtection {
  const fields = new DerReader(value, offset).sequence();
  const digestAlgorithm = readAlgorithmIdentifier(fields);
  if (!fields.nextIs(context(1))) return { digestAlgorithm };
  return { digestAlgorithm, signatureAlgorithm: readAlgorithmIdentifier(fields, context(1)) };
}

/** Whether the ESS attribute, where there is one, names this certificate. */
export function namesCertificate(attributes: SignedAttributes, certificate: Certificate): boolean {
  if (attributes.signingCertificate === undefined) return true;
  const digest = digestByOid(attributes.signingCertificate.digestOid);
  if (digest?.name === "sha256") return hex(attributes.signingCertificate.certHash) === certificate.sha256;
  return (
    digest !== undefined &&
    equalOctets(digestOctets(digest, certificate.octets), attributes.signingCertificate.certHash)
  );
}

/**
 * The octets a signature over received attributes may cover: as received, and their DER form where that is another.
 *
 * The sender's order comes first: sorting would quietly repair, and so accept, a signer that is not DER.
 */
export function* octetsToVerify({ received }: SignedAttributes): Generator<Uint8Array> {
  yield received;
  const sorted = attributesInDer(received);
  if (!equalOctets(sorted, received)) yield sorted;
}

/** DER of a SET OF attributes, whatever its tag and order on the wire. */
export function attributesInDer(element: Uint8Array): Uint8Array {
  const attributes: Uint8Array[] = [];
  const reader = new DerReader(toDer(withSetTag(element))).enter(tag.set);
  while (!reader.atEnd) attributes.push(reader.element());
  return der.setOf(...attributes);
}

function withSetTag(element: Uint8Array): Uint8Array {
  const octets = copyOf(element);
  octets[0] = setOfIdentifier;
  return octets;
}

// --- writing ---

const signingCertificateOf = new WeakMap<Certificate, Uint8Array>();
const protectionOf = new WeakMap<SignatureScheme, Uint8Array>();
const contentTypeData: Uint8Array = attribute(attributeTypes.contentType, der.oid(contentTypes.data));

/** The attributes that we sign with, as the SET OF the signature covers (DER). */
export function formatSignedAttributes(
  certificate: Certificate,
  scheme: SignatureScheme,
  contentDigest: Uint8Array,
  signingTime: Date,
): Uint8Array {
  return der.setOf(
    contentTypeData,
    attribute(attributeTypes.signingTime, der.time(signingTime)),
    attribute(attributeTypes.messageDigest, der.octetString(contentDigest)),
    remembered(protectionOf, scheme, () =>
      attribute(attributeTypes.cmsAlgorithmProtection, algorithmProtection(scheme)),
    ),
    remembered(signingCertificateOf, certificate, () =>
      // hashAlgorithm is DEFAULT sha-256 and so left out; issuerSerial would only repeat the sid.
      attribute(
        attributeTypes.signingCertificateV2,
        der.sequence(
          der.sequence(der.sequence(der.octetString(digestOctets(digestNamed("sha256"), certificate.octets)))),
        ),
      ),
    ),
  );
}

/** The wire form of what `formatSignedAttributes` gave. */
export function asImplicitZero(setOf: Uint8Array): Uint8Array {
  return der.implicit(0, setOf);
}

function algorithmProtection({ digest, identifier }: SignatureScheme): Uint8Array {
  return der.sequence(digest.identifier, der.implicit(1, identifier));
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.oid(type), der.element(setOfIdentifier, value));
}

function remembered<Key extends object>(map: WeakMap<Key, Uint8Array>, key: Key, make: () => Uint8Array): Uint8Array {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** Whether octets are themselves a SET OF attributes: content like that may be a signature's other reading (A05). */
export function looksLikeAttributes(octets: Uint8Array): boolean {
  try {
    const reader = new DerReader(toDer(octets)).enter(tag.set);
    if (reader.atEnd) return false;
    while (!reader.atEnd) {
      const fields = reader.sequence();
      fields.oid();
      fields.enter(tag.set);
    }
    return true;
  } catch {
    return false;
  }
}
