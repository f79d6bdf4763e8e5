import assert from "node:assert/strict";
import { test } from "node:test";
import { inside, octetsOf, primitive, treeOf, within } from "../../test/asn1-tree.ts";
import { cut } from "../../test/chunks.ts";
import { cipherNamed, found, recipient } from "../../test/correspondents.ts";
import { partsOfEnvelope } from "../../test/forge.ts";
import { edited } from "../../test/mutations.ts";
import { envelopedObject } from "../../test/objects.ts";
import { BerInput, der } from "../asn1.ts";
import { collect, latin1, memorySpool, noOctets, sourceOf } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { iterate, leaveContentInfo, pull, readContentType } from "./content-info.ts";
import {
  type EnvelopeHead,
  type EnvelopeType,
  envelopeCipher,
  finishContent,
  readEncryptedContent,
  readEnvelopeHead,
} from "./enveloped-data.ts";
import { addressedKey, openRecipient } from "./recipient-info.ts";

const [rsa, p256] = await Promise.all([recipient("rsa"), recipient("p256")]);
const content = latin1("Content-Type: text/plain\r\n\r\nwhat is sealed\r\n");
const inCbc = await envelopedObject(content, { to: [rsa, p256], cipher: cipherNamed("aes128-cbc") });
const inGcm = await envelopedObject(content, { to: [p256, rsa], cipher: cipherNamed("aes256-gcm"), identifier: "ski" });

const typeOf = (object: Uint8Array): EnvelopeType => (object === inCbc ? "envelopedData" : "authEnvelopedData");

async function headOf(object: Uint8Array, type: EnvelopeType): Promise<EnvelopeHead> {
  const input = new BerInput();
  const source = iterate(sourceOf(object));
  await pull(readContentType(input), input, source);
  return pull(readEnvelopeHead(input, type), input, source);
}

/** All steps, by the RSA key, the object in four pieces. */
async function opened(object: Uint8Array, type: EnvelopeType): Promise<Uint8Array> {
  const input = new BerInput();
  const source = iterate(sourceOf(...cut(object, [10, 300, 301])));
  await pull(readContentType(input), input, source);
  const head = await pull(readEnvelopeHead(input, type), input, source);
  const addressed = found(addressedKey(head.recipients, [rsa]));
  const spool = memorySpool();
  const key = await openRecipient(addressed);
  const end = await pull(readEncryptedContent(input, head, envelopeCipher(head), key, spool), input, source);
  await pull(leaveContentInfo(input), input, source);
  await finishContent(end, spool);
  return collect(spool.read());
}

test("the head names type, recipients and cipher before anything is decrypted", async () => {
  const cbc = await headOf(inCbc, "envelopedData");
  assert.deepEqual(cbc.recipients.map(({ kind }) => kind).toSorted(), ["keyAgreement", "keyTransport"]);
  assert.equal(addressedKey(cbc.recipients, [rsa])?.recipient.kind, "keyTransport");
  assert.equal(addressedKey(cbc.recipients, [p256, rsa])?.recipient.kind, "keyAgreement");
  assert.deepEqual([cbc.type, cbc.contentType], ["envelopedData", "1.2.840.113549.1.7.1"]);
  assert.equal(envelopeCipher(cbc).cipher.name, "aes128-cbc");
  assert.equal(envelopeCipher(await headOf(inGcm, "authEnvelopedData")).cipher.name, "aes256-gcm");
});

for (const [what, object] of [
  ["EnvelopedData", inCbc],
  ["AuthEnvelopedData", inGcm],
] as const) {
  test(`${what} gives its content`, async () => {
    assert.equal(Buffer.compare(await opened(object, typeOf(object)), content), 0);
  });

  for (const { why, change } of [
    { why: "no key", change: () => undefined },
    { why: "a key of another length", change: (key: Uint8Array) => key.subarray(1) },
    { why: "an empty key", change: () => noOctets },
  ]) {
    test(`${what} with ${why} is read to its end and then bad content, its spool emptied`, async () => {
      const input = new BerInput();
      const source = iterate(sourceOf(object));
      await pull(readContentType(input), input, source);
      const head = await pull(readEnvelopeHead(input, typeOf(object)), input, source);
      const spool = memorySpool();
      const end = await pull(
        readEncryptedContent(input, head, envelopeCipher(head), change(Buffer.alloc(16)), spool),
        input,
        source,
      );
      await pull(leaveContentInfo(input), input, source);
      assert.equal(input.offset, object.length);
      assert.ok(spool.size > 0);
      await assert.rejects(finishContent(end, spool), (failure) => isSecureMailError(failure, "CMS_BAD_CONTENT"));
      assert.equal(spool.size, 0);
    });
  }

  test(`the version of ${what} is what its RFC asks for`, () => {
    const version = primitive(within(treeOf(object), 1, 0, 0))[0];
    // RFC 5652, 6.1: 2 where one recipient is none of issuer and serial; RFC 5083, 2.1: always 0.
    assert.equal(version, object === inCbc ? 2 : 0);
  });
}

test("the version of EnvelopedData is 0 where every recipient is named by issuer and serial", async () => {
  const object = await envelopedObject(content, { to: [rsa], cipher: cipherNamed("aes128-cbc") });
  assert.equal(primitive(within(treeOf(object), 1, 0, 0))[0], 0);
  assert.equal(primitive(within(treeOf(object), 1, 0, 1, 0, 0))[0], 0);
});

test("type and cipher have to fit", async () => {
  for (const [object, wrong] of [
    [inCbc, "authEnvelopedData"],
    [inGcm, "envelopedData"],
  ] as const) {
    const head = await headOf(object, wrong);
    assert.throws(
      () => envelopeCipher(head),
      (failure) => isSecureMailError(failure, "CRYPTO_UNSUPPORTED"),
    );
  }
});

test("encrypted content that is kept elsewhere is not supported", async () => {
  const without = edited(inCbc, (tree) => void inside(within(tree, 1, 0, 2)).pop());
  await assert.rejects(headOf(without, "envelopedData"), (failure) => isSecureMailError(failure, "CMS_UNSUPPORTED"));
});

test("unprotected attributes and an originator's certificates are passed over", async () => {
  const decorated = edited(inCbc, (tree) => {
    const fields = inside(within(tree, 1, 0));
    fields.push(treeOf(der.explicit(1, der.sequence(der.oid("1.2.3"), der.setOf(der.integer(1))))));
    fields.splice(1, 0, treeOf(der.explicit(0, der.explicit(0, der.sequence()))));
  });
  assert.equal(Buffer.compare(await opened(decorated, "envelopedData"), content), 0);
});

test("an AuthEnvelopedData without its tag is malformed", async () => {
  const without = edited(inGcm, (tree) => void inside(within(tree, 1, 0)).pop());
  await assert.rejects(opened(without, "authEnvelopedData"), (failure) => isSecureMailError(failure, "ASN1_MALFORMED"));
});

test("every content key and nonce is new", async () => {
  const again = await envelopedObject(content, { to: [rsa, p256], cipher: cipherNamed("aes128-cbc") });
  const [one, two] = [inCbc, again].map((object) => partsOfEnvelope(treeOf(object)));
  for (const part of ["algorithm", "encryptedContent", "recipientInfos"] as const) {
    assert.notDeepEqual(octetsOf(found(one)[part]), octetsOf(found(two)[part]));
  }
});

test("a message to nobody has nobody who opens it", async () => {
  const emptied = edited(inCbc, (tree) => {
    partsOfEnvelope(tree).recipientInfos.contents = [];
  });
  assert.deepEqual((await headOf(emptied, "envelopedData")).recipients, []);
  assert.equal(addressedKey([], [rsa, p256]), undefined);
});
