// Who signed, and what (security A01 to A03): contents that two readers take from two places, signers that lend each
// other their names, signatures of nobody.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { context, der } from "../../src/asn1.ts";
import { asBuffer, collect, concat, latin1, sourceOf } from "../../src/bytes.ts";
import type { JudgeSigner } from "../../src/smime.ts";
import { octetsOf, primitive, treeOf } from "../asn1-tree.ts";
import { reencoded, variants } from "../ber-variants.ts";
import { found, mail, type Opened, openedMail, openedObject, protectedMail, root, signer } from "../correspondents.ts";
import { attribute, attributeTypes, partsOfSigner, setOf, signedData, signerInfo, usualAttributes } from "../forge.ts";
import { certify, ecPair, type Party } from "../mint.ts";
import { asEntity, base64Lines, detachedObject, entity, signedObject } from "../objects.ts";

const good = await signer("p256");
const stranger = await signer("p256", "domain-signing-authority@c.example");
const attributesOver = (content: Uint8Array): Uint8Array => setOf(usualAttributes(good, content));
const digestAlgorithms = [good.scheme.digest.identifier];

function multipartSigned(content: Uint8Array, cms: Uint8Array): Uint8Array {
  return concat([
    latin1(
      "From: alice@a.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg=sha-256; boundary=b;\r\n" +
        ' protocol="application/pkcs7-signature"\r\n\r\n--b\r\n',
    ),
    content,
    latin1(
      "\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n",
    ),
    base64Lines(cms),
    latin1("\r\n--b--\r\n"),
  ]);
}

function refuses({ report }: Opened, ...codes: readonly string[]): void {
  assert.notEqual(report.outcome, "opened", report.code);
  if (codes.length > 0) assert.ok(codes.includes(report.code), `${report.code}: ${report.reason}`);
}

test("A01: multipart/signed opens while its signature is detached", async () => {
  const { report, octets } = await openedMail(multipartSigned(entity, await detachedObject(entity, good)));
  assert.equal(report.code, "SIGNED_ONLY");
  assert.ok(octets !== undefined && Buffer.from(octets).includes(entity));
});

for (const { what, shown } of [
  { what: "the content shown", shown: entity },
  { what: "another content than the one shown", shown: latin1("Content-Type: text/plain\r\n\r\nPay Mallory.\r\n") },
]) {
  test(`A01: a signature inside multipart/signed never counts when it carries ${what} itself`, async () => {
    const opaque = await signedObject(entity, good);
    await fc.assert(
      fc.asyncProperty(variants, async (variant) => {
        const { report } = await openedMail(multipartSigned(shown, reencoded(opaque, variant)));
        assert.equal(report.code, "BAD_SIGNATURE");
      }),
      { numRuns: 25 },
    );
  });
}

test("A01: a bare signature that carries its content gives that content, not the one beside it", async () => {
  const { report, octets } = await openedObject(await signedObject(entity, good), {
    detachedContent: () => sourceOf(latin1("beside")),
  });
  assert.equal(report.code, "SIGNED_ONLY");
  assert.deepEqual(octets, entity);
});

// --- A02 ---

type Kind = "good" | "bad" | "foreign" | "unknown";
const kinds: readonly Kind[] = ["good", "bad", "foreign", "unknown"];
const signerInfos: Readonly<Record<Kind, Uint8Array>> = {
  good: await signerInfo(good, { signedAttrs: attributesOver(entity) }),
  /** Names a.example and does not verify. */
  bad: withFlippedSignature(await signerInfo(good, { signedAttrs: attributesOver(entity) })),
  /** Right, and another domain's. */
  foreign: await signerInfo(stranger, { signedAttrs: attributesOver(entity) }),
  /** Of a certificate that nobody has. */
  unknown: await signerInfo(await signer("rsa"), { signedAttrs: attributesOver(entity) }),
};

function withFlippedSignature(octets: Uint8Array): Uint8Array {
  const tree = treeOf(octets);
  const signature = primitive(partsOfSigner(tree).signature);
  signature[signature.length - 1] = (signature.at(-1) as number) ^ 1;
  return octetsOf(tree);
}

function orders(length: number): Kind[][] {
  return length === 0 ? [[]] : orders(length - 1).flatMap((rest) => kinds.map((kind) => [...rest, kind]));
}

function signedBy(order: readonly Kind[]): Uint8Array {
  const certificates = [good.certificate.octets, stranger.certificate.octets];
  return signedData({
    digestAlgorithms,
    eContent: entity,
    certificates,
    signerInfos: order.map((k) => signerInfos[k]),
  });
}

for (const length of [1, 2, 3, 4]) {
  test(`A02: of ${length} signers in any order one good one counts, and none beside a bad one`, async () => {
    for (const order of orders(length)) {
      const { report } = await openedObject(signedBy(order));
      const counts = order.includes("good") && !order.includes("bad");
      assert.equal(report.outcome === "opened", counts, `${order.join(", ")}: ${report.code}`);
      if (order.includes("bad")) assert.equal(report.code, "BAD_SIGNATURE", order.join(", "));
    }
  });
}

test("A02: eight signers are read and nine are not", async () => {
  const eight: Kind[] = ["good", ...new Array<Kind>(7).fill("foreign")];
  assert.equal((await openedObject(signedBy(eight))).report.code, "SIGNED_ONLY");
  assert.equal((await openedObject(signedBy([...eight, "foreign"]))).report.code, "LIMIT");
});

test("A02: a signature of a.example does not count for the mail of b.example", async () => {
  const judging = { trusting: { binding: { kind: "domain", domain: "b.example" } } } as const;
  assert.equal((await openedMail(await protectedMail(), judging)).report.code, "SIGNER_MISMATCH");
});

test("A02: a signer whose key identifier two certificates share is judged by the one that verifies", async () => {
  const signed = await signedObject(entity, good);
  assert.equal((await openedObject(signed, { certificates: [good.certificate] })).report.code, "SIGNED_ONLY");
});

test("A03: certificates only are a message like any other while they are small, else over the limit", async () => {
  for (const { octets, code } of [
    { octets: 1_000, code: "CERTS_ONLY" },
    { octets: 120_000, code: "LIMIT" },
  ]) {
    const certificates = Array.from({ length: 10 }, () => der.sequence(der.octetString(new Uint8Array(octets))));
    const object = signedData({ digestAlgorithms, certificates, signerInfos: [] });
    const message = concat([latin1("From: alice@a.example\r\n"), asEntity(object, "certs-only")]);
    const opened = await openedMail(message);
    assert.equal(opened.report.code, code);
    assert.deepEqual(opened.octets, code === "LIMIT" ? undefined : asBuffer(message));
  }
});

// --- certificates that could be the signer's ---

const pair = ecPair();
const bothOf = { issuer: root, emails: ["domain-signing-authority@a.example"], pair };
const current = await certify("Signer", bothOf);
const expired = await certify("Signer", { ...bothOf, notAfter: new Date("2026-02-01T00:00:00Z") });
/** Anyone can make a certificate of somebody else's key. */
const selfMade = await certify("Signer", { pair, emails: bothOf.emails });
const sid = der.element(context(0), found(current.certificate.extensions.subjectKeyIdentifier));

function signedByKey(...parties: readonly Party[]): Promise<Uint8Array> {
  return signerInfo({ ...good, ...current }, { signedAttrs: attributesOver(entity), sid }).then((info) =>
    signedData({
      digestAlgorithms,
      eContent: entity,
      certificates: parties.map(({ certificate }) => certificate.octets),
      signerInfos: [info],
    }),
  );
}

test("of several certificates of the signer's key the one in order counts, wherever it stands", async () => {
  for (const { parties, code } of [
    { parties: [expired, selfMade, current], code: "SIGNED_ONLY" },
    { parties: [current, selfMade, expired], code: "SIGNED_ONLY" },
    { parties: [selfMade, expired], code: "EXPIRED" },
    { parties: [expired, selfMade], code: "EXPIRED" },
    { parties: [selfMade], code: "UNTRUSTED" },
  ]) {
    assert.equal((await openedObject(await signedByKey(...parties))).report.code, code);
  }
});

test("no more than five certificates are tried for a signer", async () => {
  const many = await Promise.all(Array.from({ length: 30 }, () => certify("Signer", { pair })));
  let judged = 0;
  const judgeSigner: JudgeSigner = () => {
    judged++;
    return { path: { verdict: "invalid", code: "UNTRUSTED" }, bound: false };
  };
  await openedObject(await signedByKey(...many), { judgeSigner });
  assert.equal(judged, 5);
});

test("A02: a signer whose issuer is no name is nobody's, and keeps no other from counting", async () => {
  const signedAttrs = attributesOver(entity);
  for (const issuer of [der.integer(4), der.sequence(der.integer(1)), der.sequence(der.element(0x31))]) {
    const strange = await signerInfo(good, {
      signedAttrs,
      sid: der.sequence(issuer, der.element(2, good.certificate.serial)),
    });
    for (const infos of [
      [strange, signerInfos.good],
      [signerInfos.good, strange],
    ]) {
      const certificates = [good.certificate.octets];
      const object = signedData({ digestAlgorithms, eContent: entity, certificates, signerInfos: infos });
      assert.equal((await openedObject(object)).report.code, "SIGNED_ONLY");
    }
  }
});

// --- A03 ---

const certificates = [good.certificate.octets];

for (const mode of ["definite", "indefinite"] as const) {
  const inBer = (object: Uint8Array) => reencoded(object, { mode, choices: [2, 1] });

  test(`A03: content without any signer is not signed, ${mode} lengths`, async () => {
    const object = signedData({ digestAlgorithms, eContent: entity, certificates, signerInfos: [] });
    refuses(await openedObject(inBer(object)), "BAD_SIGNATURE");
  });

  test(`A03: a multipart/signed without any signer is not signed, ${mode} lengths`, async () => {
    const object = signedData({ digestAlgorithms, certificates, signerInfos: [] });
    refuses(await openedMail(multipartSigned(entity, inBer(object))), "BAD_SIGNATURE");
  });

  test(`A03: a signer whose digest algorithm is not announced does not count, ${mode} lengths`, async () => {
    const object = signedData({
      digestAlgorithms: [],
      eContent: entity,
      certificates,
      signerInfos: [signerInfos.good],
    });
    refuses(await openedObject(inBer(object)), "BAD_SIGNATURE");
  });

  test(`A03: certificates only are no signature, ${mode} lengths`, async () => {
    const object = signedData({ digestAlgorithms: [], certificates, signerInfos: [] });
    const { report, octets } = await openedObject(inBer(object));
    assert.equal(report.code, "CERTS_ONLY");
    assert.equal(report.outcome, "plain");
    assert.deepEqual(Buffer.from(octets ?? ""), Buffer.from(inBer(object)));
  });
}

test("A03: nothing is imported from a message with certificates only", async () => {
  await openedObject(signedData({ digestAlgorithms: [], certificates, signerInfos: [] }));
  const without = signedData({ digestAlgorithms, eContent: entity, signerInfos: [signerInfos.good] });
  assert.equal((await openedObject(without)).report.code, "UNTRUSTED");
});

test("A03: a mail with certificates only comes out as it went in", async () => {
  const head =
    "From: alice@a.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n";
  const object = signedData({ digestAlgorithms: [], certificates, signerInfos: [] });
  const message = concat([latin1(`${head}Content-Transfer-Encoding: base64\r\n\r\n`), base64Lines(object)]);
  const { report, octets } = await openedMail(message);
  assert.equal(report.code, "CERTS_ONLY");
  assert.deepEqual(octets, await collect(sourceOf(message)));
});

test("A01: content type under the signature and around the content must be the same", async () => {
  const data = setOf(usualAttributes(good, entity));
  const object = signedData({
    ...{ digestAlgorithms, eContent: entity, certificates },
    eContentType: "1.2.840.113549.1.9.16.1.4",
    signerInfos: [await signerInfo(good, { signedAttrs: data })],
  });
  refuses(await openedObject(object), "BAD_SIGNATURE");
});

test("A01: what is signed as something else than mail does not become mail", async () => {
  // A time stamp of the same key: right in itself, but nobody signed a message.
  const eContentType = "1.2.840.113549.1.9.16.1.4";
  const attributes = setOf([
    ...usualAttributes(good, entity, eContentType),
    attribute(attributeTypes.signingTime, latin1("\x17\r260601120000Z")),
  ]);
  const object = signedData({
    ...{ digestAlgorithms, eContent: entity, certificates, eContentType },
    signerInfos: [await signerInfo(good, { signedAttrs: attributes })],
  });
  const head = "From: alice@a.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\n";
  const message = concat([latin1(`${head}Content-Transfer-Encoding: base64\r\n\r\n`), base64Lines(object)]);
  refuses(await openedMail(message), "BAD_SIGNATURE");
});

test("A02: the mail that the others are made from opens", async () => {
  const { report, octets } = await openedMail(await protectedMail());
  assert.equal(report.code, "SIGNED_ONLY");
  assert.deepEqual(octets, mail);
});
