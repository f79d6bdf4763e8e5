// Changes to CMS objects that must not go unnoticed, each deterministic and named by what it does. A mutation works on
// the tree of any object of its kind, with signed attributes or without, RSA or not, whoever made it.

import { constructedBit, context, der, tag } from "../src/asn1.ts";
import { concat, latin1, noOctets } from "../src/bytes.ts";
import { contentTypes } from "../src/cms.ts";
import { inside, octetsOf, primitive, type Tree, treeOf, within } from "./asn1-tree.ts";
import { partsOfEnvelope, partsOfSigned, partsOfSigner } from "./forge.ts";

/** A SignedData, and its content where that stands elsewhere. */
export type Signed = { readonly object: Uint8Array; readonly content?: Uint8Array };

export type Mutation<Kind> = { readonly what: string; apply(original: Kind): Kind };

export const signedMutations: readonly Mutation<Signed>[] = [
  { what: "the first octet of the content changed", apply: (of) => withContent(of, (octets) => flipped(octets, 0)) },
  { what: "the last octet of the content changed", apply: (of) => withContent(of, (octets) => flipped(octets, -1)) },
  { what: "a middle octet of the content changed", apply: (of) => withContent(of, (octets) => flipped(octets, 0.5)) },
  { what: "an octet behind the content", apply: (of) => withContent(of, (octets) => concat([octets, latin1(" ")])) },
  {
    what: "a line end behind the content",
    apply: (of) => withContent(of, (octets) => concat([octets, latin1("\r\n")])),
  },
  { what: "the last octet of the content lost", apply: (of) => withContent(of, (octets) => octets.subarray(0, -1)) },
  { what: "the first octet of the content lost", apply: (of) => withContent(of, (octets) => octets.subarray(1)) },
  { what: "no octet of content", apply: (of) => withContent(of, () => noOctets) },
  { what: "the content twice", apply: (of) => withContent(of, (octets) => concat([octets, octets])) },
  { what: "the content backwards", apply: (of) => withContent(of, (octets) => octets.toReversed()) },
  {
    what: "the first octet of the signature changed",
    apply: (of) => withSignature(of, (octets) => flipped(octets, 0)),
  },
  {
    what: "the last octet of the signature changed",
    apply: (of) => withSignature(of, (octets) => flipped(octets, -1)),
  },
  { what: "the signature cut short", apply: (of) => withSignature(of, (octets) => octets.subarray(0, -1)) },
  { what: "no octet of signature", apply: (of) => withSignature(of, () => noOctets) },
  { what: "a signature of zeros", apply: (of) => withSignature(of, ({ length }) => new Uint8Array(length)) },
  { what: "another serial number", apply: (of) => withSigner(of, ({ sid }) => changeSerial(sid)) },
  {
    what: "SHA-384 said for the signer's digest",
    apply: (of) => withSigner(of, ({ digestAlgorithm }) => rename(digestAlgorithm, sha384)),
  },
  {
    what: "another signature algorithm",
    apply: (of) => withSigner(of, ({ signatureAlgorithm }) => rename(signatureAlgorithm, ecdsaWithSha1)),
  },
  { what: "no digest algorithms", apply: (of) => changed(of, (tree) => clear(partsOfSigned(tree).digestAlgorithms)) },
  {
    what: "another type of content",
    apply: (of) =>
      changed(of, (tree) => retype(within(partsOfSigned(tree).encapContentInfo, 0), contentTypes.digestedData)),
  },
  { what: "no signer", apply: (of) => changed(of, (tree) => clear(partsOfSigned(tree).signerInfos)) },
  { what: "an octet of the signed attributes changed, or attributes added", apply: changeAttributes },
  { what: "the signed attributes lost, or replaced by none", apply: dropAttributes },
  { what: "the signer again with a broken signature", apply: (of) => changed(of, repeatBroken) },
  {
    what: "the type of an envelope",
    apply: (of) => changed(of, (tree) => retype(partsOfSigned(tree).type, contentTypes.envelopedData)),
  },
  { what: "the last octet lost", apply: (of) => ({ ...of, object: of.object.subarray(0, -1) }) },
  { what: "the second half lost", apply: (of) => ({ ...of, object: of.object.subarray(0, of.object.length / 2) }) },
];

export const envelopedMutations: readonly Mutation<Uint8Array>[] = [
  {
    what: "the first octet of the ciphertext changed",
    apply: (of) => withCiphertext(of, (octets) => flipped(octets, 0)),
  },
  {
    what: "the last octet of the ciphertext changed",
    apply: (of) => withCiphertext(of, (octets) => flipped(octets, -1)),
  },
  {
    what: "a middle octet of the ciphertext changed",
    apply: (of) => withCiphertext(of, (octets) => flipped(octets, 0.5)),
  },
  { what: "the ciphertext an octet short", apply: (of) => withCiphertext(of, (octets) => octets.subarray(0, -1)) },
  {
    what: "the last 16 octets of ciphertext lost",
    apply: (of) => withCiphertext(of, (octets) => octets.subarray(0, -16)),
  },
  {
    what: "the first 16 octets of ciphertext lost",
    apply: (of) => withCiphertext(of, (octets) => octets.subarray(16)),
  },
  {
    what: "the last 16 octets of ciphertext twice",
    apply: (of) => withCiphertext(of, (octets) => concat([octets, octets.subarray(-16)])),
  },
  {
    what: "the first two blocks exchanged",
    apply: (of) =>
      withCiphertext(of, (octets) => concat([octets.subarray(16, 32), octets.subarray(0, 16), octets.subarray(32)])),
  },
  { what: "no ciphertext", apply: (of) => withCiphertext(of, () => noOctets) },
  { what: "an octet of the IV or nonce changed", apply: (of) => withIv(of, (octets) => flipped(octets, 0)) },
  { what: "the IV or nonce an octet short", apply: (of) => withIv(of, (octets) => octets.subarray(1)) },
  {
    what: "the first octet of the encrypted key changed",
    apply: (of) => withEncryptedKey(of, (octets) => flipped(octets, 1)),
  },
  {
    what: "the last octet of the encrypted key changed",
    apply: (of) => withEncryptedKey(of, (octets) => flipped(octets, -1)),
  },
  { what: "the encrypted key an octet short", apply: (of) => withEncryptedKey(of, (octets) => octets.subarray(0, -1)) },
  { what: "no octet of encrypted key", apply: (of) => withEncryptedKey(of, () => noOctets) },
  { what: "an encrypted key of zeros", apply: (of) => withEncryptedKey(of, ({ length }) => new Uint8Array(length)) },
  { what: "no recipient", apply: (of) => edited(of, (tree) => clear(partsOfEnvelope(tree).recipientInfos)) },
  {
    what: "another content cipher",
    apply: (of) => edited(of, (tree) => retype(within(partsOfEnvelope(tree).algorithm, 0), aes192Cbc)),
  },
  {
    what: "an unknown content cipher",
    apply: (of) => edited(of, (tree) => retype(within(partsOfEnvelope(tree).algorithm, 0), contentTypes.data)),
  },
  { what: "the other type of envelope", apply: (of) => edited(of, exchangeTypes) },
  {
    what: "the type of a signature",
    apply: (of) => edited(of, (tree) => retype(partsOfEnvelope(tree).type, contentTypes.signedData)),
  },
  { what: "the last octet lost", apply: (of) => of.subarray(0, -1) },
  { what: "the second half lost", apply: (of) => of.subarray(0, of.length / 2) },
];

/** For AuthEnvelopedData only. */
export const tagMutations: readonly Mutation<Uint8Array>[] = [
  { what: "the first octet of the tag changed", apply: (of) => withMac(of, (octets) => flipped(octets, 0)) },
  { what: "the last octet of the tag changed", apply: (of) => withMac(of, (octets) => flipped(octets, -1)) },
  { what: "a tag of 12 octets", apply: (of) => withMac(of, (octets) => octets.subarray(0, 12)) },
  { what: "a tag of 17 octets", apply: (of) => withMac(of, (octets) => concat([octets, Uint8Array.of(0)])) },
  { what: "no octet of tag", apply: (of) => withMac(of, () => noOctets) },
];

const sha384 = der.sequence(der.oid("2.16.840.1.101.3.4.2.2"));
const ecdsaWithSha1 = der.sequence(der.oid("1.2.840.10045.4.1"));
const aes192Cbc = "2.16.840.1.101.3.4.1.22";

/** The octets with one bit changed; a place between 0 and 1 is a share of the length, a negative one counts from the end. */
export function flipped(octets: Uint8Array, place: number): Uint8Array {
  const at = place > 0 && place < 1 ? Math.floor(octets.length * place) : place < 0 ? octets.length + place : place;
  return octets.with(at, (octets[at] as number) ^ 1);
}

type Change = (octets: Uint8Array) => Uint8Array;

/** Changes the tree of an object. */
export function edited(object: Uint8Array, edit: (tree: Tree) => void): Uint8Array {
  const tree = treeOf(object);
  edit(tree);
  return octetsOf(tree);
}

function changed(of: Signed, edit: (tree: Tree) => void): Signed {
  return { ...of, object: edited(of.object, edit) };
}

function withContent(of: Signed, change: Change): Signed {
  if (of.content !== undefined) return { ...of, content: change(of.content) };
  return changed(of, (tree) => {
    const string = within(partsOfSigned(tree).encapContentInfo, 1, 0);
    const octets = string.contents instanceof Uint8Array ? string.contents : concat(string.contents.map(primitive));
    Object.assign(string, { identifier: tag.octetString, contents: change(octets) });
  });
}

function withSigner(of: Signed, edit: (parts: ReturnType<typeof partsOfSigner>) => void): Signed {
  return changed(of, (tree) => edit(partsOfSigner(within(partsOfSigned(tree).signerInfos, 0))));
}

function withSignature(of: Signed, change: Change): Signed {
  return withSigner(of, ({ signature }) => {
    signature.contents = change(primitive(signature));
  });
}

function changeSerial(sid: Tree): void {
  const named = sid.contents instanceof Uint8Array ? sid : within(sid, 1);
  named.contents = flipped(primitive(named), -1);
}

function rename(algorithm: Tree, other: Uint8Array): void {
  algorithm.encoded = other;
}

function retype(oid: Tree, dotted: string): void {
  oid.encoded = der.oid(dotted);
}

function clear(tree: Tree): void {
  tree.contents = [];
}

const aSigningTime = der.element(
  context(0) | constructedBit,
  der.sequence(der.oid("1.2.840.113549.1.9.5"), der.setOf(der.time(new Date("2002-09-06T00:25:21Z")))),
);

function changeAttributes(of: Signed): Signed {
  return changed(of, (tree) => {
    const signer = within(partsOfSigned(tree).signerInfos, 0);
    const { signedAttrs } = partsOfSigner(signer);
    if (signedAttrs === undefined) inside(signer).splice(3, 0, treeOf(aSigningTime));
    else {
      const value = within(signedAttrs, -1, 1, 0);
      if (value.contents instanceof Uint8Array) value.contents = flipped(value.contents, -1);
      else clear(value);
    }
  });
}

function dropAttributes(of: Signed): Signed {
  return changed(of, (tree) => {
    const signer = within(partsOfSigned(tree).signerInfos, 0);
    const fields = inside(signer);
    const { signedAttrs } = partsOfSigner(signer);
    if (signedAttrs === undefined) fields.splice(3, 0, { identifier: context(0) | constructedBit, contents: [] });
    else fields.splice(3, 1);
  });
}

function repeatBroken(tree: Tree): void {
  const signers = inside(partsOfSigned(tree).signerInfos);
  const again = structuredClone(signers[0] as Tree);
  const { signature } = partsOfSigner(again);
  signature.contents = flipped(primitive(signature), -1);
  signers.push(again);
}

function withCiphertext(object: Uint8Array, change: Change): Uint8Array {
  return edited(object, (tree) => {
    const { encryptedContent } = partsOfEnvelope(tree);
    encryptedContent.contents = change(primitive(encryptedContent));
  });
}

function withIv(object: Uint8Array, change: Change): Uint8Array {
  return edited(object, (tree) => {
    const parameters = within(partsOfEnvelope(tree).algorithm, 1);
    const iv = parameters.contents instanceof Uint8Array ? parameters : within(parameters, 0);
    iv.contents = change(primitive(iv));
  });
}

/** Of the first recipient: the last field of KeyTransRecipientInfo, or of the last RecipientEncryptedKey. */
function withEncryptedKey(object: Uint8Array, change: Change): Uint8Array {
  return edited(object, (tree) => {
    const last = within(partsOfEnvelope(tree).recipientInfos, 0, -1);
    const key = last.contents instanceof Uint8Array ? last : within(last, -1, -1);
    key.contents = change(primitive(key));
  });
}

function withMac(object: Uint8Array, change: Change): Uint8Array {
  return edited(object, (tree) => {
    const { mac } = partsOfEnvelope(tree);
    if (mac === undefined) throw new Error("no AuthEnvelopedData");
    mac.contents = change(primitive(mac));
  });
}

function exchangeTypes(tree: Tree): void {
  const { type } = partsOfEnvelope(tree);
  const isEnveloped = Buffer.compare(octetsOf(type), der.oid(contentTypes.envelopedData)) === 0;
  retype(type, isEnveloped ? contentTypes.authEnvelopedData : contentTypes.envelopedData);
}
