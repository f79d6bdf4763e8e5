// The verdict does not depend on the encoding (security I12): the same message in DER, in BER of definite and of
// indefinite lengths, its strings in segments, and cut at any place, gives the same verdict and the same octets. 10,000
// variants; fast-check names seed and path of one that does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, latin1, sourceOf } from "../src/bytes.ts";
import { reencoded, variants } from "./ber-variants.ts";
import { cutSource, cuts } from "./chunks.ts";
import {
  cipherNamed,
  type Judging,
  type Opened,
  openedMail,
  openedObject,
  recipient,
  signer,
} from "./correspondents.ts";
import { authEnvelopedData } from "./forge.ts";
import {
  asEntity,
  base64Lines,
  detachedObject,
  entity,
  envelopedObject,
  type Sealing,
  signedObject,
} from "./objects.ts";

const [rsa, p256, x25519] = await Promise.all([recipient("rsa"), recipient("p256"), recipient("x25519")]);
const signed = await signedObject(entity, await signer("p256"));
const content = asEntity(signed, "signed-data");
const keys = [rsa, p256, x25519];
const inCbc = { cipher: cipherNamed("aes128-cbc") };

async function sealed(sealing: Sealing): Promise<{ readonly object: Uint8Array; readonly judging: Judging }> {
  return { object: await envelopedObject(content, sealing), judging: { keys } };
}

const messages: Readonly<Record<string, { readonly object: Uint8Array; readonly judging: Judging }>> = {
  "an opaque signature": { object: signed, judging: {} },
  "three signatures": {
    object: await signedObject(entity, await signer("rsa"), await signer("ed25519"), await signer("p256")),
    judging: {},
  },
  "a detached signature": {
    object: await detachedObject(entity, await signer("p256")),
    judging: { detachedContent: () => sourceOf(entity.subarray(0, 9), entity.subarray(9)) },
  },
  "EnvelopedData by RSA v1.5": await sealed({ to: [rsa], ...inCbc, management: "rsa-v15" }),
  "EnvelopedData by OAEP to a key identifier": await sealed({
    ...{ to: [rsa], ...inCbc, identifier: "ski" },
    management: "rsa-oaep-sha256-mgf1-sha1",
  }),
  "EnvelopedData by ECDH": await sealed({ to: [p256], ...inCbc }),
  "AuthEnvelopedData by ECDH to a key identifier": await sealed({ to: [p256], identifier: "ski" }),
  "AuthEnvelopedData by X25519 among others": await sealed({ to: [await recipient("p256", 2), x25519] }),
  "AuthEnvelopedData in ChaCha20-Poly1305": await sealed({ to: [rsa], cipher: cipherNamed("chacha20-poly1305") }),
  "AuthEnvelopedData made by hand": { object: authEnvelopedData({ to: rsa, content }), judging: { keys } },
};

/** What must not change: everything but how it was encoded. */
function verdictOf({ report, octets, afterCbc }: Opened): unknown {
  const layers = report.layers.map((layer) => ({ ...layer, encoding: undefined }));
  return { ...report, layers, quirks: [], octets, afterCbc };
}

for (const [what, { object, judging }] of Object.entries(messages)) {
  const plain = await openedObject(object, judging);

  test(`${what} in DER is opened`, () => {
    assert.equal(plain.report.outcome, "opened");
    assert.deepEqual(plain.report.quirks, []);
    for (const layer of plain.report.layers) assert.equal(layer.encoding, "DER");
  });

  test(`${what} in 1,000 encodings gives one verdict and the same octets`, async () => {
    await fc.assert(
      fc.asyncProperty(variants, cuts, async (variant, places) => {
        const opened = await openedObject(cutSource(reencoded(object, variant), places), judging);
        assert.deepEqual(verdictOf(opened), verdictOf(plain));
        const { encoding } = opened.report.layers[0] ?? {};
        if (variant.mode === "indefinite") assert.equal(encoding, "BER-indefinite");
        if (variant.mode === "definite") assert.notEqual(encoding, "BER-indefinite");
      }),
      { numRuns: 1000 },
    );
  });
}

for (const what of ["an opaque signature", "AuthEnvelopedData by ECDH to a key identifier"]) {
  const { object = new Uint8Array(0), judging = {} } = messages[what] ?? {};

  test(`${what} cut into two at every place is opened alike to the last word`, async () => {
    const whole = await openedObject(object, judging);
    for (let at = 0; at <= object.length; at++) {
      assert.deepEqual(await openedObject(cutSource(object, [at]), judging), whole, `cut at ${at}`);
    }
  });

  test(`${what} octet by octet, with nothing in between, is opened alike`, async () => {
    const whole = await openedObject(object, judging);
    const octets = [...object].flatMap((octet) => [Uint8Array.of(octet), new Uint8Array(0)]);
    assert.deepEqual(await openedObject(sourceOf(...octets), judging), whole);
  });

  test(`${what} as mail, in any encoding and cut anywhere, is opened alike`, async () => {
    const mailAround = (octets: Uint8Array): Uint8Array =>
      concat([
        latin1("From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\n"),
        latin1("Content-Transfer-Encoding: base64\r\n\r\n"),
        base64Lines(octets),
      ]);
    const plain = await openedMail(mailAround(object), judging);
    assert.equal(plain.report.outcome, "opened");
    await fc.assert(
      fc.asyncProperty(variants, cuts, async (variant, places) => {
        const opened = await openedMail(cutSource(mailAround(reencoded(object, variant)), places), judging);
        assert.deepEqual(verdictOf(opened), verdictOf(plain));
      }),
      { numRuns: 200 },
    );
  });
}
