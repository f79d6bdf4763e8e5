// Authenticated encryption (security A25 to A28): short tags, plaintext before the tag, nothing at all with a tag,
// attributes under the tag and outside of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { der } from "../../src/asn1.ts";
import { concat, latin1, type MakeSpool, memorySpool, noOctets } from "../../src/bytes.ts";
import { privateKeyOf } from "../../src/crypto.ts";
import { loadKey } from "../../src/keystore.ts";
import type { EncryptedLayerReport } from "../../src/smime.ts";
import { inside, primitive, treeOf, within } from "../asn1-tree.ts";
import { reencoded, variants } from "../ber-variants.ts";
import { cutSource, cuts } from "../chunks.ts";
import {
  cipherNamed,
  countingKey,
  mail,
  openedMail,
  openedObject,
  protectedMail,
  recipient,
  signer,
} from "../correspondents.ts";
import { attribute, authEnvelopedData, partsOfEnvelope, retagged, setOf } from "../forge.ts";
import { community } from "../interop/community.ts";
import * as bouncyCastle from "../interop/peers/bouncy-castle.ts";
import { edited, flipped } from "../mutations.ts";
import { asEntity, entity, envelopedObject, signedObject } from "../objects.ts";
import { withPeers } from "../peers.ts";

const own = await recipient("rsa");
const content = asEntity(await signedObject(entity, await signer()), "signed-data");
const keys = [own];

const inBer = (object: Uint8Array): Uint8Array => reencoded(object, { mode: "indefinite", choices: [3, 1, 2] });
const encodings = [
  { name: "DER", encode: (object: Uint8Array) => object },
  { name: "BER", encode: inBer },
];

// --- A25 ---

const lengths = [...Array.from({ length: 16 }, (_, length) => length), 17, 18, 24, 32, 64, 255];

test("A25: the message that the others are made from opens", async () => {
  for (const { encode } of encodings) {
    assert.equal((await openedObject(encode(authEnvelopedData({ to: own, content })), { keys })).report.code, "OK");
  }
});

for (const { name, encode } of encodings) {
  for (const length of lengths) {
    const mac = (tag: Uint8Array): Uint8Array => concat([tag, tag, new Uint8Array(255)]).subarray(0, length);

    test(`A25: a tag of ${length} octets is refused, ${name}`, async () => {
      const { report, octets } = await openedObject(encode(authEnvelopedData({ to: own, content, mac })), { keys });
      assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
    });

    test(`A25: a tag announced with ${length} octets is refused before a key is touched, ${name}`, async () => {
      const { key, operations } = countingKey(own);
      const object = authEnvelopedData({ to: own, content, mac, icvLength: length });
      // Announced with 0 octets is not announced at all, which says 12.
      for (const legacy of length === 0 || (length >= 12 && length < 16) ? [false] : [false, true]) {
        const { report, octets } = await openedObject(encode(object), { keys: [key], legacy });
        assert.deepEqual([report.code, octets, operations()], ["WEAK", undefined, 0]);
      }
    });
  }
}

for (const length of [12, 13, 14, 15]) {
  const mac = (tag: Uint8Array): Uint8Array => tag.subarray(0, length);
  const shortened = { to: own, content, mac, icvLength: length };

  test(`A25: a tag of ${length} octets is read under --legacy, and named as weak`, async () => {
    const { report, octets } = await openedObject(authEnvelopedData(shortened), { keys, legacy: true });
    const [layer] = report.layers as EncryptedLayerReport[];
    assert.deepEqual([report.code, octets], ["OK", entity]);
    assert.deepEqual(layer?.weak, [`aes256-gcm with a tag of ${length} octets`]);
  });

  test(`A25: a tag of ${length} octets that another length announces, or of wrong octets, is refused under --legacy`, async () => {
    for (const change of [
      { icvLength: 12 + ((length - 11) % 4) },
      { mac: (tag: Uint8Array): Uint8Array => tag.subarray(0, length - 1) },
      { mac: (tag: Uint8Array): Uint8Array => tag.subarray(0, length + 1) },
      { mac: (tag: Uint8Array): Uint8Array => tag.subarray(1, length + 1) },
    ]) {
      const object = authEnvelopedData({ ...shortened, ...change });
      const { report, octets } = await openedObject(object, { keys, legacy: true });
      assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
    }
  });
}

for (const nonceOctets of [1, 7, 8, 11, 13, 16, 64, 128]) {
  test(`A25: a nonce of ${nonceOctets} octets is read under --legacy, and named as weak`, async () => {
    const object = authEnvelopedData({ to: own, content, nonceOctets });
    const { report, octets } = await openedObject(object, { keys, legacy: true });
    const [layer] = report.layers as EncryptedLayerReport[];
    assert.deepEqual([report.code, octets], ["OK", entity]);
    assert.deepEqual(layer?.weak, [`aes256-gcm with a nonce of ${nonceOctets} octets`]);
  });
}

for (const nonceOctets of [1, 7, 8, 11, 13, 16, 64]) {
  test(`A25: a nonce of ${nonceOctets} octets is refused before a key is touched`, async () => {
    const { key, operations } = countingKey(own);
    const { report } = await openedObject(authEnvelopedData({ to: own, content, nonceOctets }), { keys: [key] });
    assert.deepEqual([report.code, operations()], ["WEAK", 0]);
  });
}

// --- A26 ---

/** Spools in memory that tell what became of them. */
function watchedSpools(): {
  makeSpool: MakeSpool;
  readonly seen: { written: number; read: number; disposed: number }[];
} {
  const seen: { written: number; read: number; disposed: number }[] = [];
  const makeSpool: MakeSpool = () => {
    const spool = memorySpool();
    const record = { written: 0, read: 0, disposed: 0 };
    seen.push(record);
    return {
      write(chunk) {
        record.written += chunk.length;
        spool.write(chunk);
      },
      get size() {
        return spool.size;
      },
      async *read() {
        for await (const chunk of spool.read()) {
          record.read += chunk.length;
          yield chunk;
        }
      },
      dispose() {
        record.disposed++;
        spool.dispose();
      },
    };
  };
  return { makeSpool, seen };
}

const large = concat([content, Buffer.alloc(3_000_000, "x")]);

for (const cipher of ["aes128-gcm", "aes256-gcm", "chacha20-poly1305"]) {
  test(`A26: with the last bit of a ${cipher} tag changed no octet reaches a reader`, async () => {
    const good = await envelopedObject(large, { to: keys, cipher: cipherNamed(cipher) });
    const broken = edited(good, (tree) => {
      const { mac } = partsOfEnvelope(tree);
      if (mac !== undefined) mac.contents = flipped(primitive(mac), -1);
    });
    const { makeSpool, seen } = watchedSpools();
    const { report, octets } = await openedObject(broken, { keys, makeSpool });
    assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
    assert.equal(seen.length, 1);
    assert.equal(seen[0]?.written, large.length);
    assert.equal(seen[0]?.read, 0);
    assert.ok((seen[0]?.disposed ?? 0) > 0);
  });
}

test("A26: a message cut before its tag gives nothing", async () => {
  const good = await envelopedObject(content, { to: keys });
  for (const length of [good.length - 1, good.length - 16, good.length - 18, good.length >> 1]) {
    const { makeSpool, seen } = watchedSpools();
    const { report, octets } = await openedObject(good.subarray(0, length), { keys, makeSpool });
    assert.deepEqual([report.code, octets], ["MALFORMED", undefined]);
    for (const { read, disposed } of seen) assert.ok(read === 0 && disposed > 0);
  }
});

test("A26: every place of a message that is changed keeps it shut", async () => {
  const message = await protectedMail({ to: keys, cipher: cipherNamed("aes256-gcm") });
  const body = Buffer.from(message).indexOf("\r\n\r\n") + 4;
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: message.length - body - 3 }), fc.integer({ min: 1, max: 63 }), async (at, by) => {
      const mutant = Uint8Array.from(message);
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const place = alphabet.indexOf(String.fromCharCode(mutant[body + at] as number));
      fc.pre(place >= 0);
      mutant[body + at] = alphabet.charCodeAt((place + by) % 64);
      const { report, octets } = await openedMail(mutant, { keys });
      if (report.outcome === "opened") assert.deepEqual(octets, mail);
      else assert.equal(octets, undefined);
    }),
    { numRuns: 500 },
  );
});

// --- A27 ---

for (const cipher of ["aes128-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm", "chacha20-poly1305"]) {
  for (const { name, encode } of encodings) {
    test(`A27: ${cipher} around nothing is refused, ${name}`, async () => {
      const empty = await envelopedObject(noOctets, { to: keys, cipher: cipherNamed(cipher) });
      const stripped = edited(empty, (tree) => {
        partsOfEnvelope(tree).encryptedContent.contents = noOctets;
      });
      const { report, octets } = await openedObject(encode(stripped), { keys });
      assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
    });
  }
}

for (const { what, mac } of [
  { what: "its tag", mac: undefined },
  { what: "a tag of zeros", mac: () => new Uint8Array(16) },
  { what: "a wrong tag", mac: (tag: Uint8Array) => flipped(tag, 0) },
  { what: "an empty tag", mac: () => noOctets },
]) {
  for (const { name, encode } of encodings) {
    test(`A27: no content with ${what} is refused, ${name}`, async () => {
      const fields = { to: own, content: noOctets, ...(mac === undefined ? {} : { mac }) };
      const { report, octets } = await openedObject(encode(authEnvelopedData(fields)), { keys });
      assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
    });
  }
}

// --- A28 ---

const one = attribute("1.3.6.1.4.1.99999.1", der.integer(1));
const two = attribute("1.3.6.1.4.1.99999.2", der.octetString(latin1("two")));
const three = attribute("1.3.6.1.4.1.99999.3", der.sequence(der.integer(3), der.nullElement()));
const authAttrs = der.setOf(one, two, three);

test("A28: attributes under the tag are authenticated in any encoding, wherever the message is cut", async () => {
  const object = authEnvelopedData({ to: own, content, authAttrs });
  await fc.assert(
    fc.asyncProperty(variants, cuts, async (variant, places) => {
      const { report, octets } = await openedObject(cutSource(reencoded(object, variant), places), { keys });
      assert.equal(report.code, "OK");
      assert.deepEqual(octets, entity);
    }),
    { numRuns: 100 },
  );
});

test("A28: attributes under the tag may be sent in any order", async () => {
  for (const sentAttrs of [setOf([three, one, two]), setOf([two, three, one])]) {
    const object = authEnvelopedData({ to: own, content, authAttrs, sentAttrs });
    assert.equal((await openedObject(object, { keys })).report.code, "OK");
  }
});

for (const { what, sentAttrs } of [
  { what: "one of them lost", sentAttrs: der.setOf(one, two) },
  { what: "one more", sentAttrs: der.setOf(one, two, three, attribute("1.3.6.1.4.1.99999.4", der.integer(4))) },
  { what: "one twice", sentAttrs: der.setOf(one, one, two, three) },
  { what: "another value", sentAttrs: der.setOf(attribute("1.3.6.1.4.1.99999.1", der.integer(2)), two, three) },
  { what: "another type", sentAttrs: der.setOf(attribute("1.3.6.1.4.1.99999.9", der.integer(1)), two, three) },
  { what: "none left", sentAttrs: der.setOf() },
]) {
  for (const { name, encode } of encodings) {
    test(`A28: attributes under the tag with ${what} keep the message shut, ${name}`, async () => {
      const object = authEnvelopedData({ to: own, content, authAttrs, sentAttrs });
      const { report, octets } = await openedObject(encode(object), { keys });
      assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
    });
  }
}

test("A28: attributes added to a message or taken from it keep it shut", async () => {
  const sent = treeOf(retagged(authAttrs, 0xa1));
  const added = edited(authEnvelopedData({ to: own, content }), (tree) =>
    inside(within(tree, 1, 0)).splice(3, 0, sent),
  );
  const taken = edited(authEnvelopedData({ to: own, content, authAttrs }), (tree) =>
    inside(within(tree, 1, 0)).splice(3, 1),
  );
  for (const object of [added, taken]) {
    assert.equal((await openedObject(object, { keys })).report.code, "BAD_CONTENT");
  }
});

test("A28: attributes outside the tag change nothing and are shown to nobody", async () => {
  const plain = await openedObject(authEnvelopedData({ to: own, content }), { keys });
  for (const unauthAttrs of [der.setOf(one), setOf([three, one, one]), setOf([der.integer(1)])]) {
    for (const authenticated of [{}, { authAttrs }]) {
      const object = authEnvelopedData({ to: own, content, unauthAttrs, ...authenticated });
      assert.deepEqual(await openedObject(object, { keys }), plain);
    }
  }
});

withPeers(["default-jdk-headless", "libbcmail-java"], 1, () => {
  test("A28: Bouncy Castle opens what we open and refuses what we refuse", async () => {
    const files = community().encryption("b.example", "rsa2048");
    const { privateKey, certificate } = await loadKey({ key: files.keyFile, certificate: files.certificateFile });
    if (certificate === undefined) throw new Error("no certificate");
    const to = { key: privateKeyOf(privateKey, certificate.publicKey), certificate };
    const messages = [
      { authAttrs },
      { unauthAttrs: der.setOf(one) },
      { authAttrs, unauthAttrs: der.setOf(one) },
      { authAttrs, sentAttrs: der.setOf(one, two) },
      { authAttrs, sentAttrs: der.setOf(one, two, three, three) },
      { sentAttrs: authAttrs },
      { mac: (tag: Uint8Array) => flipped(tag, -1) },
    ].map((fields) => authEnvelopedData({ to, content, ...fields }));
    const ours = await Promise.all(messages.map((object) => openedObject(object, { keys: [to] })));
    const theirs = await Promise.all(
      messages.map((object) =>
        bouncyCastle.decrypt(object, files).then(
          (octets) => Buffer.compare(octets, content) === 0,
          () => false,
        ),
      ),
    );
    assert.deepEqual(
      ours.map(({ report }) => report.code === "OK"),
      theirs,
    );
    assert.deepEqual(theirs, [true, true, true, false, false, false, false]);
  });
});
