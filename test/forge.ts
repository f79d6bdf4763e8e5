// CMS objects that no honest program writes: every field is the caller's. Made with the DER writer alone, so that a
// mistake in the product's own writers does not hide here.

import { type CipherGCMTypes, createCipheriv, randomBytes } from "node:crypto";
import { constructedBit, context, der, tag } from "../src/asn1.ts";
import { concat, noOctets } from "../src/bytes.ts";
import { contentTypes, type DecryptionKey, type Signer } from "../src/cms.ts";
import { digestOctets, keyTransport } from "../src/crypto.ts";
import { inside, type Tree, within } from "./asn1-tree.ts";
import { found } from "./correspondents.ts";

export const attributeTypes = {
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingTime: "1.2.840.113549.1.9.5",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
  cmsAlgorithmProtection: "1.2.840.113549.1.9.52",
} as const;

export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return der.sequence(der.oid(type), der.element(tag.set | constructedBit, ...values));
}

/** The two attributes that must be there. */
export function usualAttributes(
  { scheme }: Signer,
  content: Uint8Array,
  type: string = contentTypes.data,
): Uint8Array[] {
  return [
    attribute(attributeTypes.contentType, der.oid(type)),
    attribute(attributeTypes.messageDigest, der.octetString(digestOctets(scheme.digest, content))),
  ];
}

/** In the order given: `der.setOf` sorts them first. */
export function setOf(elements: readonly Uint8Array[]): Uint8Array {
  return der.element(tag.set | constructedBit, ...elements);
}

export type SignerInfoFields = {
  /** Octets that are signed; where `signedAttrs` are given those, with the SET OF tag. */
  readonly content?: Uint8Array;
  /** SET OF Attribute, as it is to be sent; no attributes without it. */
  readonly signedAttrs?: Uint8Array;
  readonly sid?: Uint8Array;
  readonly digestAlgorithm?: Uint8Array;
  readonly signatureAlgorithm?: Uint8Array;
  readonly signature?: Uint8Array;
};

export async function signerInfo(signer: Signer, fields: SignerInfoFields): Promise<Uint8Array> {
  const { key, certificate, scheme } = signer;
  const { signedAttrs, content = noOctets } = fields;
  const signature = fields.signature ?? (await key.sign(scheme, signedAttrs ?? content));
  return der.sequence(
    der.integer(1),
    fields.sid ?? der.sequence(certificate.issuerName, der.element(tag.integer, certificate.serial)),
    fields.digestAlgorithm ?? scheme.digest.identifier,
    ...(signedAttrs === undefined ? [] : [retagged(signedAttrs, context(0) | constructedBit)]),
    fields.signatureAlgorithm ?? scheme.identifier,
    der.octetString(signature),
  );
}

export type SignedDataFields = {
  readonly digestAlgorithms: readonly Uint8Array[];
  readonly eContentType?: string;
  readonly eContent?: Uint8Array;
  readonly certificates?: readonly Uint8Array[];
  readonly signerInfos: readonly Uint8Array[];
};

export function signedData(fields: SignedDataFields): Uint8Array {
  const { digestAlgorithms, eContentType = contentTypes.data, eContent, certificates = [], signerInfos } = fields;
  const encapContentInfo = [der.oid(eContentType)];
  if (eContent !== undefined) encapContentInfo.push(der.explicit(0, der.octetString(eContent)));
  return contentInfo(
    contentTypes.signedData,
    der.sequence(
      ...[der.integer(1), setOf(digestAlgorithms), der.sequence(...encapContentInfo)],
      ...(certificates.length === 0 ? [] : [der.element(context(0) | constructedBit, ...certificates)]),
      setOf(signerInfos),
    ),
  );
}

export function contentInfo(type: string, content: Uint8Array): Uint8Array {
  return der.sequence(der.oid(type), der.explicit(0, content));
}

/** The same contents under another identifier octet. */
export function retagged(element: Uint8Array, identifier: number): Uint8Array {
  return concat([Uint8Array.of(identifier), element.subarray(1)]);
}

export type AuthEnvelopedFields = {
  readonly to: DecryptionKey;
  readonly content: Uint8Array;
  /** SET OF Attribute whose octets are the additional authenticated data; sent as `sentAttrs` where those differ. */
  readonly authAttrs?: Uint8Array;
  readonly sentAttrs?: Uint8Array;
  readonly unauthAttrs?: Uint8Array;
  readonly nonceOctets?: number;
  /** What GCMParameters say; left out, the default of 12, where 0. */
  readonly icvLength?: number;
  /** What is really sent of the tag. */
  readonly mac?: (tag: Buffer) => Uint8Array;
};

const aes256gcm = "2.16.840.1.101.3.4.1.46";

/** AES-256-GCM for one RSA key. */
export function authEnvelopedData(fields: AuthEnvelopedFields): Uint8Array {
  const { to, content, authAttrs, sentAttrs = authAttrs, unauthAttrs, nonceOctets = 12, icvLength = 16 } = fields;
  const key = randomBytes(32);
  const nonce = randomBytes(nonceOctets);
  const cipher = createCipheriv("aes-256-gcm" satisfies CipherGCMTypes, key, nonce);
  if (authAttrs !== undefined) cipher.setAAD(authAttrs);
  const encrypted = concat([cipher.update(content), cipher.final()]);
  const mac = fields.mac?.(cipher.getAuthTag()) ?? cipher.getAuthTag();
  const parameters = der.sequence(der.octetString(nonce), ...(icvLength === 0 ? [] : [der.integer(icvLength)]));
  const encryptedContentInfo = der.sequence(
    der.oid(contentTypes.data),
    der.sequence(der.oid(aes256gcm), parameters),
    der.element(context(0), encrypted),
  );
  return contentInfo(
    contentTypes.authEnvelopedData,
    der.sequence(
      ...[der.integer(0), setOf([keyTransportRecipient(to, key)]), encryptedContentInfo],
      ...(sentAttrs === undefined ? [] : [retagged(sentAttrs, context(1) | constructedBit)]),
      der.octetString(mac),
      ...(unauthAttrs === undefined ? [] : [retagged(unauthAttrs, context(2) | constructedBit)]),
    ),
  );
}

/** A KeyTransRecipientInfo that carries any key, or any octets in its place. */
export function keyTransportRecipient(to: DecryptionKey, key: Uint8Array, encryptedKey?: Uint8Array): Uint8Array {
  const transport = keyTransport.rsaV15;
  const { issuerName, serial, publicKey } = to.certificate;
  return der.sequence(
    der.integer(0),
    der.sequence(issuerName, der.element(tag.integer, serial)),
    transport.identifier,
    der.octetString(encryptedKey ?? keyTransport.transportKey(transport, publicKey, key)),
  );
}

/** The parts of a ContentInfo with SignedData, for tests that change them. */
export function partsOfSigned(tree: Tree): {
  readonly type: Tree;
  readonly digestAlgorithms: Tree;
  readonly encapContentInfo: Tree;
  readonly certificates: Tree | undefined;
  readonly signerInfos: Tree;
} {
  const fields = inside(within(tree, 1, 0));
  const at = (position: number): Tree => found(fields.at(position), "field of SignedData");
  return {
    type: within(tree, 0),
    digestAlgorithms: at(1),
    encapContentInfo: at(2),
    certificates: fields.find(({ identifier }) => identifier === (context(0) | constructedBit)),
    signerInfos: at(-1),
  };
}

/** The parts of a SignerInfo. */
export function partsOfSigner(signer: Tree): {
  readonly sid: Tree;
  readonly digestAlgorithm: Tree;
  readonly signedAttrs: Tree | undefined;
  readonly signatureAlgorithm: Tree;
  readonly signature: Tree;
} {
  const fields = inside(signer);
  const signedAttrs = fields[3]?.identifier === (context(0) | constructedBit) ? fields[3] : undefined;
  const at = (position: number): Tree => found(fields[position], "field of SignerInfo");
  const behind = signedAttrs === undefined ? 3 : 4;
  return { sid: at(1), digestAlgorithm: at(2), signedAttrs, signatureAlgorithm: at(behind), signature: at(behind + 1) };
}

/** The parts of a ContentInfo with EnvelopedData or AuthEnvelopedData without originatorInfo. */
export function partsOfEnvelope(tree: Tree): {
  readonly type: Tree;
  readonly recipientInfos: Tree;
  readonly algorithm: Tree;
  readonly encryptedContent: Tree;
  readonly mac: Tree | undefined;
} {
  const fields = inside(within(tree, 1, 0));
  const encryptedContentInfo = found(fields[2], "encryptedContentInfo");
  return {
    type: within(tree, 0),
    recipientInfos: found(fields[1], "recipientInfos"),
    algorithm: within(encryptedContentInfo, 1),
    encryptedContent: within(encryptedContentInfo, 2),
    mac: fields.find(({ identifier }) => identifier === tag.octetString),
  };
}
