import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cipherNamed,
  countingKey,
  mail,
  now,
  openedMail,
  openedObject,
  protectedMail,
  recipient,
  root,
  schemeNamed,
  signer,
} from "../../test/correspondents.ts";
import { asEntity, base64Lines, entity, envelopedObject, signedObject } from "../../test/objects.ts";
import { concat, latin1, latin1Text, type MakeSpool, memorySpool, sourceOf } from "../bytes.ts";
import type { LayerReport } from "./report.ts";

const [good, rsaSigner, rsa, p256] = await Promise.all([signer(), signer("rsa"), recipient("rsa"), recipient("p256")]);
const foreign = await signer("p256", "domain-signing-authority@c.example");
const text = latin1Text(mail);
const typesOf = (layers: readonly LayerReport[]): string[] => layers.map(({ type }) => type);

function mailAround(object: Uint8Array, smimeType: string): Uint8Array {
  const head = `From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=${smimeType}\r\n`;
  return concat([latin1(`${head}Content-Transfer-Encoding: base64\r\n\r\n`), base64Lines(object)]);
}

for (const form of ["opaque", "detached"] as const) {
  for (const to of [[], [rsa], [p256, rsa]]) {
    for (const ber of [false, true]) {
      for (const innerEncoding of ["base64", "binary"] as const) {
        const how = `${form}, to ${to.length}, ${ber ? "BER" : "DER"}, ${innerEncoding} inside`;
        test(`a protected mail comes back octet for octet: ${how}`, async () => {
          const { report, octets } = await openedMail(await protectedMail({ form, to, ber, innerEncoding }), {
            keys: to,
          });
          assert.equal(report.code, to.length === 0 ? "SIGNED_ONLY" : "OK");
          assert.deepEqual(octets, mail);
          const expected = to.length === 0 ? ["signedData"] : ["authEnvelopedData", "signedData"];
          assert.deepEqual(typesOf(report.layers), expected);
        });
      }
    }
  }
}

test("a payload that two readers read differently comes back octet for octet, and is named", async () => {
  const types = "Content-Type: text/plain\r\nX: y\r\nContent-Type: multipart/mixed; boundary=b\r\n";
  const twofold = latin1(`From: alice@a.example\r\n${types}\r\n--b\r\n\r\none\r\n--b--\r\n`);
  for (const form of ["opaque", "detached"] as const) {
    const { report, octets } = await openedMail(await protectedMail({ form, to: [rsa] }, twofold), { keys: [rsa] });
    assert.deepEqual([report.code, octets], ["OK", twofold]);
    assert.deepEqual(report.quirks, ["payload: Content-Type given twice"]);
  }
});

test("a mail without S/MIME comes back as it is, whatever is odd about it", async () => {
  for (const plain of [
    text,
    "",
    "\r\n",
    "no header at all",
    "From: a\r\nFrom: b\r\nContent-Type: text/plain\r\n\r\n",
  ]) {
    const { report, octets } = await openedMail(latin1(plain));
    assert.deepEqual([report.outcome, report.code, report.layers], ["plain", "UNPROTECTED", []]);
    assert.deepEqual(octets, latin1(plain));
  }
});

for (const { what, protection, judging, code } of [
  { what: "encrypted to somebody else", protection: { to: [rsa] }, judging: {}, code: "NO_KEY" },
  { what: "not signed", protection: { to: [rsa], signers: [] }, judging: { keys: [rsa] }, code: "ENCRYPTED_ONLY" },
  { what: "signed by another domain", protection: { signers: [foreign] }, judging: {}, code: "SIGNER_MISMATCH" },
  { what: "signed without a trust anchor", protection: {}, judging: { trusting: { anchors: [] } }, code: "UNTRUSTED" },
  { what: "signed 31 days ago", protection: { signers: [signedAt(-31)] }, judging: {}, code: "STALE" },
  { what: "signed 29 days ago", protection: { signers: [signedAt(-29)] }, judging: {}, code: "SIGNED_ONLY" },
  {
    what: "signed ten minutes from now",
    protection: { signers: [signedAt(10 / 1440)] },
    judging: {},
    code: "SIGNED_ONLY",
  },
  { what: "signed an hour from now", protection: { signers: [signedAt(1 / 24)] }, judging: {}, code: "STALE" },
  { what: "signed with SHA-1", protection: { signers: [withSha1()] }, judging: {}, code: "WEAK" },
  {
    what: "signed with SHA-1 under legacy",
    protection: { signers: [withSha1()] },
    judging: { legacy: true },
    code: "SIGNED_ONLY",
  },
  {
    what: "signed by two of whom one is another's",
    protection: { signers: [foreign, good] },
    judging: {},
    code: "SIGNED_ONLY",
  },
] as const) {
  test(`a mail ${what} is ${code}`, async () => {
    const { report } = await openedMail(await protectedMail(protection), judging);
    assert.equal(report.code, code, report.reason ?? "");
  });
}

function signedAt(days: number) {
  return { ...good, signingTime: new Date(now.getTime() + days * 86_400_000) };
}

function withSha1() {
  return { ...rsaSigner, scheme: schemeNamed("rsa-v15-sha1") };
}

test("somebody's signature around another's ciphertext proves transport only", async () => {
  const inside = await protectedMail({ to: [rsa], signers: [] });
  const { report, octets } = await openedMail(await protectedMail({}, inside), { keys: [rsa] });
  // Signed as a letter of its own: what is in it is the sender's business, and stays.
  assert.deepEqual([report.code, octets], ["SIGNED_ONLY", inside]);

  const sealed = await envelopedObject(entity, { to: [rsa] });
  const wrapped = await signedObject(asEntity(sealed, "authEnveloped-data"), good);
  const opened = await openedMail(mailAround(wrapped, "signed-data"), { keys: [rsa] });
  assert.equal(opened.report.code, "ENCRYPTED_ONLY");
  assert.deepEqual(typesOf(opened.report.layers), ["signedData", "authEnvelopedData"]);
});

test("signed, encrypted and signed again is judged by the innermost signature", async () => {
  for (const [inner, outer, code] of [
    [good, foreign, "OK"],
    [foreign, good, "SIGNER_MISMATCH"],
  ] as const) {
    const signed = asEntity(await signedObject(entity, inner), "signed-data");
    const sealed = asEntity(await envelopedObject(signed, { to: [rsa] }), "authEnveloped-data");
    const { report, octets } = await openedObject(await signedObject(sealed, outer), { keys: [rsa] });
    assert.equal(report.code, code);
    assert.deepEqual(octets, entity);
    assert.deepEqual(typesOf(report.layers), ["signedData", "authEnvelopedData", "signedData"]);
  }
});

test("a second signature under the domain's is the sender's own: neither judged nor taken off", async () => {
  const personal = asEntity(await signedObject(entity, foreign), "signed-data");
  const { report, octets } = await openedObject(await signedObject(personal, good));
  assert.deepEqual([report.code, report.layers.length], ["SIGNED_ONLY", 1]);
  assert.deepEqual(octets, personal);
});

test("encryption to a person under the domain's signature stays", async () => {
  const personal = asEntity(await envelopedObject(entity, { to: [await recipient("rsa", 2)] }), "authEnveloped-data");
  const { key, operations } = countingKey(rsa);
  const { report, octets } = await openedObject(await signedObject(personal, good), { keys: [key] });
  assert.deepEqual([report.code, operations()], ["SIGNED_ONLY", 0]);
  assert.deepEqual(octets, personal);
});

test("the CMS object has the last word about what a part is", async () => {
  const signed = mailAround(await signedObject(entity, good), "enveloped-data");
  assert.equal((await openedMail(signed)).report.code, "SIGNED_ONLY");
  const sealed = mailAround(await envelopedObject(entity, { to: [rsa] }), "signed-data");
  assert.equal((await openedMail(sealed, { keys: [rsa] })).report.code, "ENCRYPTED_ONLY");
});

for (const { what, head } of [
  { what: "two types", head: "Content-Type: application/pkcs7-mime\r\nContent-Type: text/plain\r\n" },
  {
    what: "two transfer encodings",
    head: "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: 7bit\r\n",
  },
  { what: "a bare line feed", head: "Content-Type: application/pkcs7-mime\r\nX: a\nContent-Type: text/plain\r\n" },
]) {
  test(`a header with ${what} is not guessed at`, async () => {
    const body = base64Lines(await signedObject(entity, good));
    const message = concat([latin1(`From: a@a.example\r\n${head}Content-Transfer-Encoding: base64\r\n\r\n`), body]);
    const { report, octets } = await openedMail(message);
    assert.deepEqual([report.code, octets], ["MALFORMED", undefined]);
  });
}

test("octets behind an object are counted and belong to nobody", async () => {
  const object = concat([await signedObject(entity, good), latin1("more")]);
  const { report, octets } = await openedObject(object);
  assert.deepEqual([report.code, report.quirks], ["SIGNED_ONLY", ["4 octets after the CMS object"]]);
  assert.deepEqual(octets, entity);
});

test("what is refused leaves nothing behind, and what is opened until it is disposed of", async () => {
  let held = 0;
  const makeSpool: MakeSpool = () => {
    const spool = memorySpool();
    held++;
    let gone = false;
    return {
      write: (chunk) => spool.write(chunk),
      get size() {
        return spool.size;
      },
      read: () => spool.read(),
      dispose() {
        if (!gone) held--;
        gone = true;
        spool.dispose();
      },
    };
  };
  const sealed = await protectedMail({ to: [rsa], cipher: cipherNamed("aes256-cbc") });
  for (const message of [sealed, sealed.subarray(0, -200), await protectedMail(), latin1("From: a\r\n\r\n")]) {
    await openedMail(message, { keys: [rsa], makeSpool });
    assert.equal(held, 0);
  }
});

test("a failure of the source is the caller's, not the message's", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield (await protectedMail()).subarray(0, 500);
    throw new Error("the disk is gone");
  }
  await assert.rejects(openedMail(broken()), /the disk is gone/);
});

test("content given for a detached signature is read once, and only then", async () => {
  let read = 0;
  const detachedContent = () => {
    read++;
    return sourceOf(entity);
  };
  await openedObject(await signedObject(entity, good), { detachedContent });
  assert.equal(read, 0);
});

test("the report names path and signer as they were judged", async () => {
  const { report } = await openedMail(await protectedMail());
  const [layer] = report.layers;
  assert.ok(layer !== undefined && "signers" in layer);
  const [only] = layer.signers;
  assert.deepEqual([only?.verdict, only?.bound, only?.algorithm], ["valid", true, "ecdsa-sha256"]);
  assert.equal(only?.signingTime, "2026-06-01T12:00:00Z");
  assert.deepEqual(only?.chain, [good.certificate.subject, root.certificate.subject]);
});
