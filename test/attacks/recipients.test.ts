// Recipients (security A29, A49): many, strange and contradicting ones, and keys that are none. One private-key
// operation at most, and one answer to everything that is wrong with a key.

import assert from "node:assert/strict";
import { constants, createDecipheriv, publicEncrypt, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { constructedBit, context, der, tag } from "../../src/asn1.ts";
import { concat, latin1, noOctets } from "../../src/bytes.ts";
import type { DecryptionKey } from "../../src/cms.ts";
import { inside, octetsOf, primitive, type Tree, treeOf, within } from "../asn1-tree.ts";
import { cipherNamed, countingKey, type EncryptionKind, openedObject, recipient, signer } from "../correspondents.ts";
import { keyTransportRecipient, partsOfEnvelope, setOf } from "../forge.ts";
import { edited, flipped } from "../mutations.ts";
import { asEntity, entity, envelopedObject, signedObject } from "../objects.ts";

const own = await recipient("rsa");
const stranger = await recipient("rsa", 2);
const content = asEntity(await signedObject(entity, await signer()), "signed-data");

/** The object with other recipients, given whole. */
function sentTo(object: Uint8Array, recipientInfos: readonly Uint8Array[]): Uint8Array {
  return edited(object, (tree) => {
    partsOfEnvelope(tree).recipientInfos.encoded = setOf(recipientInfos);
  });
}

function recipientsIn(object: Uint8Array): Uint8Array[] {
  return inside(partsOfEnvelope(treeOf(object)).recipientInfos).map(octetsOf);
}

// --- A29 ---

const sealed = await envelopedObject(content, { to: [own], management: "rsa-v15" });
const [ours = noOctets] = recipientsIn(sealed);
const [agreement = noOctets] = recipientsIn(await envelopedObject(content, { to: [await recipient("p256")] }));
const strangers = keyTransportRecipient(stranger, new Uint8Array(32));
const deep = Array.from({ length: 40 }).reduce<Uint8Array>((inner) => der.sequence(inner), noOctets);

/** What is not for us; no reader has to understand it. */
const others: readonly Uint8Array[] = [
  strangers,
  agreement,
  der.element(context(2) | constructedBit, der.integer(4), der.sequence(der.octetString(latin1("kek")))),
  der.element(context(3) | constructedBit, der.integer(0), der.sequence(der.oid("1.2.840.113549.1.5.12"))),
  der.element(context(4) | constructedBit, der.oid("1.2.840.113549.1.9.16.13.3"), der.sequence(der.integer(0))),
  der.element(context(4), latin1("other, primitive")),
  der.element(context(9) | constructedBit, der.integer(1)),
  der.element(context(1) | constructedBit),
  der.element(context(1) | constructedBit, der.integer(3), der.explicit(0, strangers)),
  der.sequence(),
  der.sequence(der.integer(0)),
  der.sequence(der.integer(0), der.explicit(5, der.integer(1)), der.nullElement()),
  der.sequence(der.octetString(latin1("no version")), strangers),
  der.octetString(latin1("no sequence at all")),
  der.integer(7),
  deep,
  Uint8Array.of(0x30, 0x80, 0x30, 0x80, 0x00, 0x00, 0x00, 0x00),
  Uint8Array.of(0x30, 0x03, 0x30, 0x7f, 0x00),
  Uint8Array.of(0x30, 0x02, 0x24, 0x00),
  concat([Uint8Array.of(0x30, 0x82, 0x00, 0x01), Uint8Array.of(0x05), Uint8Array.of(0x05, 0x00)]),
  named(der.integer(4)),
  named(der.sequence(der.integer(1))),
  named(der.sequence(der.element(tag.set | constructedBit, der.sequence(der.oid("2.5.4.3"))))),
];

/** Our serial number under an issuer that is no name. */
function named(issuer: Uint8Array): Uint8Array {
  const rid = der.sequence(issuer, der.element(tag.integer, own.certificate.serial));
  return der.sequence(der.integer(0), rid, der.sequence(der.oid("1.2.840.113549.1.1.1")), der.octetString(noOctets));
}

test("A29: of 300 crafted sets of recipients each costs one private-key operation or none", async () => {
  const pool = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...others) },
    { weight: 1, arbitrary: fc.constant(ours) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pool, { maxLength: 20 }), async (recipientInfos) => {
      const { key, operations } = countingKey(own);
      const { report } = await openedObject(sentTo(sealed, recipientInfos), { keys: [key] });
      const named = recipientInfos.includes(ours);
      assert.deepEqual([report.code, operations()], named ? ["OK", 1] : ["NO_KEY", 0]);
    }),
    { numRuns: 300 },
  );
});

for (const [at, strange] of others.entries()) {
  test(`A29: a strange recipient, number ${at + 1}, beside ours does not keep the message shut`, async () => {
    assert.equal((await openedObject(sentTo(sealed, [strange, ours]), { keys: [own] })).report.code, "OK");
  });
}

test("A29: 200 recipients are read, 201 are not and cost no operation", async () => {
  const many = (count: number): Uint8Array[] => [...new Array<Uint8Array>(count - 1).fill(strangers), ours];
  const { key, operations } = countingKey(own);
  assert.equal((await openedObject(sentTo(sealed, many(200)), { keys: [key] })).report.code, "OK");
  assert.equal((await openedObject(sentTo(sealed, many(201)), { keys: [key] })).report.code, "LIMIT");
  assert.equal(operations(), 1);
});

test("A29: 201 keys in one key agreement are too many as well", async () => {
  const crowded = edited(agreement, (tree) => {
    const keys = within(tree, -1);
    keys.contents = new Array<Tree>(201).fill(within(keys, 0));
  });
  assert.equal((await openedObject(sentTo(sealed, [crowded, ours]), { keys: [own] })).report.code, "LIMIT");
});

test("A29: of two entries that name our key only the first is tried", async () => {
  const broken = keyTransportRecipient(own, new Uint8Array(32));
  for (const { entries, code } of [
    { entries: [ours, broken], code: "OK" },
    { entries: [broken, ours], code: "BAD_CONTENT" },
  ]) {
    const { key, operations } = countingKey(own);
    assert.equal((await openedObject(sentTo(sealed, entries), { keys: [key] })).report.code, code);
    assert.equal(operations(), 1);
  }
});

test("A29: keys that no entry names are not tried", async () => {
  const all = [await recipient("p256"), await recipient("x25519"), stranger].map(countingKey);
  const { report } = await openedObject(sealed, { keys: all.map(({ key }) => key) });
  assert.equal(report.code, "NO_KEY");
  for (const { operations } of all) assert.equal(operations(), 0);
});

test("A29: what an originator brings along is not looked at", async () => {
  const junk = der.element(
    context(0) | constructedBit,
    der.explicit(0, der.sequence(der.integer(1))),
    der.explicit(1, deep),
  );
  const object = edited(sealed, (tree) => inside(within(tree, 1, 0)).splice(1, 0, treeOf(junk)));
  assert.equal((await openedObject(object, { keys: [own] })).report.code, "OK");
});

for (const { kind, entry } of [
  { kind: "rsa", entry: agreement },
  { kind: "p256", entry: ours },
  { kind: "x25519", entry: agreement },
  { kind: "x25519", entry: ours },
] as const) {
  const sort = entry === ours ? "key transport" : "key agreement on P-256";
  test(`A29: ${sort} to a ${kind} key is content that could not be decrypted`, async () => {
    const wrong = await recipient(kind, 3);
    const { issuerName, serial } = wrong.certificate;
    const rid = der.sequence(issuerName, der.element(tag.integer, serial));
    const named = edited(entry, (tree) => {
      (entry === ours ? within(tree, 1) : within(tree, -1, 0, 0)).encoded = rid;
    });
    const { report } = await openedObject(sentTo(sealed, [named]), { keys: [wrong] });
    assert.equal(report.code, "BAD_CONTENT");
  });
}

for (const kind of ["p256", "x25519"] as const) {
  test(`A29: user keying material for a ${kind} key counts up to 512 octets, beyond that the entry is nobody's`, async () => {
    const named = await recipient(kind);
    const object = await envelopedObject(content, { to: [named] });
    for (const { octets, code } of [
      { octets: 512, code: "BAD_CONTENT" },
      { octets: 513, code: "NO_KEY" },
      { octets: 5000, code: "NO_KEY" },
    ]) {
      const entries = recipientsIn(object).map((entry) =>
        edited(entry, (tree) => {
          inside(tree).splice(2, 0, treeOf(der.explicit(1, der.octetString(new Uint8Array(octets)))));
        }),
      );
      assert.equal((await openedObject(sentTo(object, entries), { keys: [named] })).report.code, code);
    }
  });
}

test("A29: a key wrap with parameters that it does not have is not implemented, and costs no operation", async () => {
  const named = await recipient("x25519");
  const object = await envelopedObject(content, { to: [named] });
  const entries = recipientsIn(object).map((entry) =>
    edited(entry, (tree) => {
      inside(within(tree, -2, 1)).push(treeOf(der.octetString(new Uint8Array(2000))));
    }),
  );
  const { key, operations } = countingKey(named);
  assert.equal((await openedObject(sentTo(object, entries), { keys: [key] })).report.code, "UNSUPPORTED");
  assert.equal(operations(), 0);
});

// --- A49 ---

const modulusOctets = 256;
const em = (text: string, key: Uint8Array): Uint8Array =>
  concat([latin1(text), Buffer.alloc(modulusOctets - text.length - 1 - key.length, 0x5a), Uint8Array.of(0), key]);

function raw(octets: Uint8Array): Uint8Array {
  return publicEncrypt({ key: own.certificate.publicKey, padding: constants.RSA_NO_PADDING }, octets);
}

function transported(key: Uint8Array): Uint8Array {
  return publicEncrypt({ key: own.certificate.publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
}

/** A key under which the last block does not end in padding: one in 256 would. */
function keyThatFits(object: Uint8Array, cipherName: string): Uint8Array {
  const { encryptedContent, algorithm } = partsOfEnvelope(treeOf(object));
  for (;;) {
    const key = randomBytes(32);
    if (!cipherName.endsWith("cbc")) return key;
    const cipher = createDecipheriv("aes-256-cbc", key, primitive(within(algorithm, 1)));
    cipher.update(primitive(encryptedContent));
    try {
      cipher.final();
    } catch {
      return key;
    }
  }
}

for (const cipherName of ["aes256-gcm", "aes256-cbc"]) {
  const object = await envelopedObject(content, { to: [own], cipher: cipherNamed(cipherName), management: "rsa-v15" });
  const random = randomBytes(32);
  const wrongKeys: Readonly<Record<string, Uint8Array>> = {
    "another key": transported(keyThatFits(object, cipherName)),
    "an empty key": transported(noOctets),
    "a key of one octet": transported(Uint8Array.of(1)),
    "a key of 16 octets": transported(random.subarray(16)),
    "a key of 31 octets": transported(random.subarray(1)),
    "a key of 33 octets": transported(concat([random, Uint8Array.of(1)])),
    "a key of 245 octets": transported(randomBytes(245)),
    "block type 1": raw(em("\x00\x01", random)),
    "block type 0": raw(em("\x00\x00", random)),
    "a first octet of 1": raw(em("\x01\x02", random)),
    "a zero in the padding": raw(
      concat([em("\x00\x02", random).subarray(0, 5), Uint8Array.of(0), em("\x00\x02", random).subarray(6)]),
    ),
    "no zero behind the padding": raw(concat([latin1("\x00\x02"), Buffer.alloc(254, 0x5a)])),
    "a number of 1": raw(concat([Buffer.alloc(255), Uint8Array.of(1)])),
    "all zeros": Buffer.alloc(256),
    "all ones, above the modulus": Buffer.alloc(256, 0xff),
    "random octets": concat([Uint8Array.of(1), randomBytes(255)]),
    "an octet too few": transported(random).subarray(1),
    "an octet too many": concat([Uint8Array.of(0), transported(random)]),
    "no octet": noOctets,
    "ten times as many octets": randomBytes(2560),
  };

  test(`A49: whatever is wrong with a v1.5 key, the answer is the same, ${cipherName}`, async () => {
    const reports = new Map<string, unknown>();
    for (const [what, encryptedKey] of Object.entries(wrongKeys)) {
      const { key, operations } = countingKey(own);
      const object1 = sentTo(object, [keyTransportRecipient(own, noOctets, encryptedKey)]);
      const { report, octets } = await openedObject(object1, { keys: [key] });
      assert.deepEqual([report.code, octets, operations()], ["BAD_CONTENT", undefined, 1], what);
      reports.set(what, report);
    }
    const [first, ...rest] = reports.values();
    for (const report of rest) assert.deepEqual(report, first);
    const tampered = edited(object, (tree) => {
      const { encryptedContent } = partsOfEnvelope(tree);
      encryptedContent.contents = flipped(primitive(encryptedContent), -1);
    });
    // A wrong key and wrong content sound alike too.
    if (cipherName.endsWith("gcm")) assert.deepEqual((await openedObject(tampered, { keys: [own] })).report, first);
  });
}

for (const { kind, management } of [
  { kind: "rsa", management: "rsa-oaep-sha256" },
  { kind: "rsa", management: "rsa-oaep-sha1" },
  { kind: "p256", management: "ecdh-sha256" },
  { kind: "x25519", management: "ecdh-hkdf-sha256" },
] as const) {
  test(`A49: whatever is wrong with a key by ${management}, the answer is the same`, async () => {
    const to = await recipient(kind as EncryptionKind);
    const object = await envelopedObject(content, { to: [to], management });
    const reports = await Promise.all(wrongEntries(object, to).map((one) => openedObject(one, { keys: [to] })));
    for (const { report, octets } of reports) {
      assert.deepEqual([report.code, octets], ["BAD_CONTENT", undefined]);
      assert.deepEqual(report, reports[0]?.report);
    }
  });
}

/** The encrypted key changed at each end, cut, emptied, lengthened; for key agreement the sender's key as well. */
function wrongEntries(object: Uint8Array, { key }: DecryptionKey): Uint8Array[] {
  const changes: readonly ((octets: Uint8Array) => Uint8Array)[] = [
    (octets) => flipped(octets, 1),
    (octets) => flipped(octets, -1),
    (octets) => octets.subarray(0, -1),
    (octets) => octets.subarray(0, -8),
    (octets) => concat([octets, new Uint8Array(8)]),
    (octets) => new Uint8Array(octets.length),
    () => noOctets,
  ];
  const places: ((entry: Tree) => Tree)[] =
    key.type === "rsa"
      ? [(entry) => within(entry, -1)]
      : [(entry) => within(entry, -1, 0, -1), (entry) => within(entry, 1, 0, 1)];
  return places.flatMap((place) =>
    changes.map((change) =>
      edited(object, (tree) => {
        const field = place(within(partsOfEnvelope(tree).recipientInfos, 0));
        const octets = primitive(field);
        // A BIT STRING begins with the count of its unused bits, which stays.
        const isBits = field.identifier === tag.bitString;
        field.contents = isBits ? concat([Uint8Array.of(0), change(octets.subarray(1))]) : change(octets);
      }),
    ),
  );
}
