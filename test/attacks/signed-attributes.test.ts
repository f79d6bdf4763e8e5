// What the signature covers (security A05, A06): content that is read as attributes, attributes that are read as
// content, attributes in other orders and encodings, and the same one twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { der } from "../../src/asn1.ts";
import { latin1 } from "../../src/bytes.ts";
import { contentTypes } from "../../src/cms.ts";
import { inside, octetsOf, primitive, treeOf, within } from "../asn1-tree.ts";
import { reencoded, type Variant, variants } from "../ber-variants.ts";
import { cutSource, cuts } from "../chunks.ts";
import { found, openedMail, openedObject, protectedMail, recipient, signer } from "../correspondents.ts";
import {
  attribute,
  attributeTypes,
  partsOfSigned,
  partsOfSigner,
  retagged,
  setOf,
  signedData,
  signerInfo,
  usualAttributes,
} from "../forge.ts";
import { entity, signedObject } from "../objects.ts";

const good = await signer("p256");
const digestAlgorithms = [good.scheme.digest.identifier];
const certificates = [good.certificate.octets];

/** A SignedData over `eContent` with one signer. */
function object(eContent: Uint8Array, info: Uint8Array, eContentType: string = contentTypes.data): Uint8Array {
  return signedData({ digestAlgorithms, eContent, certificates, eContentType, signerInfos: [info] });
}

async function signedWith(attributes: readonly Uint8Array[], eContentType?: string): Promise<Uint8Array> {
  return object(entity, await signerInfo(good, { signedAttrs: setOf(attributes) }), eContentType);
}

// --- A05 ---

/** Octets and value of the signature of a real message: what an attacker has. */
const captured = partsOfSigner(within(partsOfSigned(treeOf(await signedObject(entity, good))).signerInfos, 0));
const capturedAttributes = retagged(octetsOf(found(captured.signedAttrs)), 0x31);
const stolen = object(capturedAttributes, await signerInfo(good, { signature: primitive(captured.signature) }));

for (const legacy of [false, true]) {
  test(`A05: signed attributes do not become content${legacy ? " even under legacy" : ""}`, async () => {
    assert.equal((await openedObject(stolen, { legacy })).report.code, "BAD_SIGNATURE");
  });

  test(`A05: content does not become signed attributes${legacy ? " even under legacy" : ""}`, async () => {
    // A plain signature over a mail, its content sent as attributes around another content.
    const plain = await good.key.sign(good.scheme, entity);
    const info = await signerInfo(good, { signedAttrs: setOf([entity]), signature: plain });
    const { report } = await openedObject(object(latin1("Pay Mallory."), info), { legacy });
    assert.notEqual(report.outcome, "opened");
    assert.notEqual(report.code, "WEAK");
  });
}

test("A05: signed attributes do not become content wherever the message is cut", async () => {
  await fc.assert(
    fc.asyncProperty(variants, cuts, async (variant, places) => {
      const { report } = await openedObject(cutSource(reencoded(stolen, variant), places), { legacy: true });
      assert.equal(report.code, "BAD_SIGNATURE");
    }),
    { numRuns: 200 },
  );
});

test("A05: a signature without attributes counts only under legacy", async () => {
  const plain = object(entity, await signerInfo(good, { content: entity }));
  const { report } = await openedObject(plain);
  assert.deepEqual([report.code, report.outcome], ["WEAK", "untrusted"]);
  const [signed] = report.layers;
  assert.ok(signed !== undefined && "signers" in signed);
  assert.deepEqual(signed.signers[0]?.weak, ["no signed attributes"]);
  assert.equal((await openedObject(plain, { legacy: true })).report.code, "SIGNED_ONLY");
});

test("A05: a signature without attributes counts for data alone", async () => {
  const timeStamp = "1.2.840.113549.1.9.16.1.4";
  const plain = object(entity, await signerInfo(good, { content: entity }), timeStamp);
  assert.equal((await openedObject(plain, { legacy: true })).report.code, "BAD_SIGNATURE");
});

test("A05: content that only begins like attributes is content", async () => {
  const content = latin1("10 apples\r\n");
  const plain = object(content, await signerInfo(good, { content }));
  assert.equal((await openedObject(plain, { legacy: true })).report.code, "SIGNED_ONLY");
});

test("A05: whatever we sign, signed attributes cover it", async () => {
  for (const kind of ["p256", "rsa", "ed25519"] as const) {
    const info = within(partsOfSigned(treeOf(await signedObject(entity, await signer(kind)))).signerInfos, 0);
    const types = inside(found(partsOfSigner(info).signedAttrs)).map((one) => octetsOf(within(one, 0)));
    for (const type of [attributeTypes.contentType, attributeTypes.messageDigest]) {
      assert.equal(types.filter((octets) => Buffer.compare(octets, der.oid(type)) === 0).length, 1, type);
    }
  }
});

test("A05: a signer without attributes does not profit from one who has them", async () => {
  const other = await signer("p256", "domain-signing-authority@c.example");
  const infos = [
    await signerInfo(good, { content: entity }),
    await signerInfo(other, { signedAttrs: setOf(usualAttributes(other, entity)) }),
  ];
  const both = [good.certificate.octets, other.certificate.octets];
  const { report } = await openedObject(
    signedData({ digestAlgorithms, eContent: entity, certificates: both, signerInfos: infos }),
  );
  assert.deepEqual([report.code, report.outcome], ["WEAK", "untrusted"]);
});

// --- A06 ---

const signedInOrder = await signedObject(entity, good);
const arrangements = fc.record({ variant: variants, order: fc.array(fc.nat(), { minLength: 5, maxLength: 5 }) });

/** The same SignedData with its signed attributes in another order and encoding, and nothing else changed. */
function rearranged(
  object: Uint8Array,
  { variant, order }: { variant: Variant; order: readonly number[] },
): Uint8Array {
  const tree = treeOf(object);
  const attributes = found(partsOfSigner(within(partsOfSigned(tree).signerInfos, 0)).signedAttrs);
  const ranked = inside(attributes).map((one, at) => ({ one, rank: order[at] ?? 0 }));
  attributes.contents = ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
  attributes.encoded = reencoded(octetsOf(attributes), variant);
  return octetsOf(tree);
}

test("A06: signed attributes in any order and encoding are judged as their DER form", async () => {
  const expected = (await openedObject(signedInOrder)).report.code;
  await fc.assert(
    fc.asyncProperty(arrangements, async (arrangement) => {
      const { report } = await openedObject(rearranged(signedInOrder, arrangement));
      assert.equal(report.code, expected);
    }),
    { numRuns: 1000 },
  );
});

test("A06: attributes that were signed out of order verify as they were sent", async () => {
  const attributes = usualAttributes(good, entity).toReversed();
  const { report } = await openedObject(await signedWith(attributes));
  assert.equal(report.code, "SIGNED_ONLY");
});

for (const { what, attributes } of [
  { what: "messageDigest", attributes: usualAttributes(good, latin1("another")).slice(1) },
  { what: "the same messageDigest", attributes: usualAttributes(good, entity).slice(1) },
  { what: "contentType", attributes: usualAttributes(good, entity).slice(0, 1) },
  { what: "signingTime", attributes: [time("260601000000Z"), time("260601000000Z")] },
  { what: "signingTime with another value", attributes: [time("260601000000Z"), time("260602000000Z")] },
]) {
  test(`A06: ${what} twice breaks the signature wherever the second one stands`, async () => {
    for (const at of [0, 1, 2]) {
      const doubled = usualAttributes(good, entity);
      doubled.splice(at, 0, ...attributes);
      assert.equal((await openedObject(await signedWith(doubled))).report.code, "BAD_SIGNATURE");
    }
  });
}

for (const { what, attributes } of [
  { what: "two values of messageDigest", attributes: [contentType(), digestAttribute(entity, latin1("other"))] },
  { what: "two values of contentType", attributes: [contentType(2), digestAttribute(entity)] },
  { what: "no value of messageDigest", attributes: [contentType(), attribute(attributeTypes.messageDigest)] },
  { what: "no messageDigest", attributes: [contentType()] },
  { what: "no contentType", attributes: [digestAttribute(entity)] },
  { what: "no attributes at all", attributes: [] },
  { what: "a messageDigest cut short", attributes: [contentType(), shortDigest()] },
  { what: "a signing time that is none", attributes: [...usualAttributes(good, entity), time("260230000000Z")] },
  { what: "an attribute that is no sequence", attributes: [...usualAttributes(good, entity), der.integer(1)] },
]) {
  test(`A06: ${what} breaks the signature`, async () => {
    assert.equal((await openedObject(await signedWith(attributes))).report.code, "BAD_SIGNATURE");
    assert.equal((await openedObject(await signedWith(attributes), { legacy: true })).report.code, "BAD_SIGNATURE");
  });
}

test("A06: attributes that nobody knows count for the signature alone, twice or not", async () => {
  const unknown = attribute("1.3.6.1.4.1.99999.1", der.integer(1), der.integer(2));
  const attributes = [...usualAttributes(good, entity), unknown, unknown];
  assert.equal((await openedObject(await signedWith(attributes))).report.code, "SIGNED_ONLY");
});

test("A06: a signed message inside encryption is judged no differently", async () => {
  const to = [await recipient("p256")];
  assert.equal((await openedObject(signedInOrder)).report.code, "SIGNED_ONLY");
  assert.equal((await openedMail(await protectedMail({ to }), { keys: to })).report.code, "OK");
});

function contentType(values: number = 1): Uint8Array {
  return attribute(attributeTypes.contentType, ...new Array<Uint8Array>(values).fill(der.oid(contentTypes.data)));
}

function digestAttribute(...contents: readonly Uint8Array[]): Uint8Array {
  const values = contents.map((content) => within(treeOf(usualAttributes(good, content)[1] as Uint8Array), 1, 0));
  return attribute(attributeTypes.messageDigest, ...values.map(octetsOf));
}

function shortDigest(): Uint8Array {
  const [value] = [within(treeOf(digestAttribute(entity)), 1, 0)];
  return attribute(attributeTypes.messageDigest, der.octetString(primitive(value).subarray(1)));
}

function time(text: string): Uint8Array {
  return attribute(attributeTypes.signingTime, der.element(0x17, latin1(text)));
}
