// Ciphertext in the hands of others (security A22 to A24): gadgets in CBC, ciphertext between foreign parts, algorithms
// rewritten around the true key.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { der } from "../../src/asn1.ts";
import { concat, latin1, latin1Text } from "../../src/bytes.ts";
import { contentTypes } from "../../src/cms.ts";
import { mayHandOn } from "../../src/smime.ts";
import { inside, octetsOf, primitive, type Tree, treeOf, within } from "../asn1-tree.ts";
import {
  cipherNamed,
  countingKey,
  mail,
  type Opened,
  openedMail,
  openedObject,
  protectedMail,
  recipient,
  signer,
} from "../correspondents.ts";
import { partsOfEnvelope, partsOfSigned, partsOfSigner } from "../forge.ts";
import { edited } from "../mutations.ts";
import { asEntity, base64Lines, entity, envelopedObject, signedObject } from "../objects.ts";

const own = await recipient("rsa");
const good = await signer();
const signedInside = asEntity(await signedObject(entity, good), "signed-data");
const inCbc = await envelopedObject(signedInside, { to: [own], cipher: cipherNamed("aes256-cbc") });
const inGcm = await envelopedObject(signedInside, { to: [own], cipher: cipherNamed("aes256-gcm") });

/** A layer in base64 whose folding would be remarked on, and that ends too soon. */
const oddlyFolded = latin1(
  "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
    Buffer.from("no CMS object, but much of it".repeat(9)).toString("base64").replace(/.{30}/g, "$&\r\n"),
);

async function underSignature(object: Uint8Array): Promise<Uint8Array> {
  return asEntity(await signedObject(asEntity(object, "enveloped-data"), good), "signed-data");
}

/** Whether anybody would be given these octets: the file command without --keep-invalid, or with it. */
function handedOn(opened: Opened, keepInvalid: boolean): boolean {
  return mayHandOn({ ...opened, dispose: () => {} }, keepInvalid);
}

// --- A22 ---

test("A22: what the gadgets are made from opens", async () => {
  const opened = await openedObject(inCbc, { keys: [own] });
  assert.deepEqual([opened.report.code, opened.afterCbc], ["OK", true]);
});

type Gadget = {
  readonly kind: "insert" | "replace" | "xor" | "cut" | "swap";
  readonly at: number;
  readonly from: number;
  readonly octet: number;
};

const gadgets: fc.Arbitrary<Gadget[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("insert", "replace", "xor", "cut", "swap"),
    at: fc.nat(),
    from: fc.nat(),
    octet: fc.integer({ min: 1, max: 255 }),
  }),
  { minLength: 1, maxLength: 6 },
);

/** EFAIL: blocks of the ciphertext repeated, moved, changed; the IV belongs to the first. */
function withGadgets(object: Uint8Array, chain: readonly Gadget[]): Uint8Array {
  return edited(object, (tree) => {
    const { encryptedContent, algorithm } = partsOfEnvelope(tree);
    const octets = primitive(encryptedContent);
    const blocks = Array.from({ length: octets.length / 16 }, (_, at) => octets.slice(16 * at, 16 * at + 16));
    for (const { kind, at, from, octet } of chain) {
      const place = at % blocks.length;
      const source = blocks[from % blocks.length] as Uint8Array;
      if (kind === "insert") blocks.splice(place, 0, source.slice());
      else if (kind === "replace") blocks[place] = source.slice();
      else if (kind === "cut" && blocks.length > 2) blocks.splice(place, 1);
      else if (kind === "swap") blocks.splice(place, 1, source.slice());
      else {
        const block = blocks[place] as Uint8Array;
        block[from % 16] = (block[from % 16] as number) ^ octet;
        if (at % 5 === 0) iv(algorithm)[from % 16] = octet;
      }
    }
    encryptedContent.contents = concat(blocks);
  });
}

function iv(algorithm: ReturnType<typeof treeOf>): Uint8Array {
  return primitive(within(algorithm, 1));
}

test("A22: of 1,000 messages with CBC gadgets none is opened or handed on", async () => {
  await fc.assert(
    fc.asyncProperty(gadgets, async (chain) => {
      const mutant = withGadgets(inCbc, chain);
      fc.pre(Buffer.compare(mutant, inCbc) !== 0);
      const opened = await openedObject(mutant, { keys: [own] });
      // The gadget may lie where nothing is signed, the header of the entity; then what is signed comes out, and it alone.
      if (opened.report.outcome === "opened") assert.deepEqual(opened.octets, entity);
      else assert.equal(handedOn(opened, false), false);
      if (opened.report.code === "BAD_SIGNATURE") assert.equal(handedOn(opened, true), false);
    }),
    { numRuns: 1000 },
  );
});

for (const { what, code, change } of [
  {
    what: "a broken signature",
    code: "BAD_SIGNATURE",
    change: (tree: Tree) => {
      const content = primitive(within(tree, 1, 0, 2, 1, 0));
      content[content.length - 3] = 0x21;
    },
  },
  {
    what: "a signature that nobody here can check",
    code: "UNSUPPORTED",
    change: (tree: Tree) => {
      const { signatureAlgorithm } = partsOfSigner(within(partsOfSigned(tree).signerInfos, 0));
      primitive(within(signatureAlgorithm, 0))[0] = 0x29;
    },
  },
]) {
  test(`A22: ${what} after CBC is handed to nobody, after an authenticated cipher on demand`, async () => {
    const changed = asEntity(edited(await signedObject(entity, good), change), "signed-data");
    for (const { cipher, handed } of [
      { cipher: "aes256-cbc", handed: false },
      { cipher: "aes256-gcm", handed: true },
    ]) {
      const sealed = await envelopedObject(changed, { to: [own], cipher: cipherNamed(cipher) });
      const opened = await openedObject(sealed, { keys: [own] });
      assert.equal(opened.report.code, code);
      assert.equal(handedOn(opened, false), false);
      assert.equal(handedOn(opened, true), handed);
    }
  });
}

test("A22: nonsense after CBC is content that could not be decrypted, whatever it is read as", async () => {
  const nonsense = asEntity(latin1("0\x80\x06\x01\x2a no CMS"), "signed-data");
  const sealed = await envelopedObject(nonsense, { to: [own], cipher: cipherNamed("aes256-cbc") });
  const { report, octets } = await openedObject(sealed, { keys: [own] });
  assert.deepEqual(
    [report.code, report.reason, octets],
    ["BAD_CONTENT", "the content could not be decrypted", undefined],
  );
});

for (const { what, inside: plaintext } of [
  { what: "no CMS object", inside: asEntity(latin1("no CMS"), "signed-data") },
  { what: "half a layer", inside: signedInside.subarray(0, -20) },
  { what: "a layer in odd base64", inside: oddlyFolded },
  { what: "a header without end", inside: new Uint8Array(300_000).fill(0x41) },
]) {
  for (const wrapped of [(object: Uint8Array) => asEntity(object, "enveloped-data"), underSignature]) {
    const where = wrapped === underSignature ? " under a signature" : "";
    test(`A50: the report on ${what} after CBC${where} is that on bad padding`, async () => {
      const sealed = await envelopedObject(plaintext, { to: [own], cipher: cipherNamed("aes256-cbc") });
      const padding = edited(sealed, (tree) => {
        const octets = primitive(partsOfEnvelope(tree).encryptedContent);
        octets.set(octets.subarray(0, 16), octets.length - 16);
      });
      const right = await openedMail(await wrapped(sealed), { keys: [own] });
      const wrong = await openedMail(await wrapped(padding), { keys: [own] });
      assert.equal(right.report.code, "BAD_CONTENT");
      assert.deepEqual(right.report, wrong.report);
    });
  }
}

// --- A23 ---

const lines = latin1Text(base64Lines(inCbc));
const part = (type: string, body: string): string => `--outer\r\nContent-Type: ${type}\r\n${body}`;
const ciphertext = part(
  "application/pkcs7-mime; smime-type=enveloped-data",
  `Content-Transfer-Encoding: base64\r\n\r\n${lines}`,
);
const image = part("text/html", '\r\n<img src="http://mallory.example/');

for (const type of ["mixed", "alternative", "related", "digest", "signed", "parallel"]) {
  test(`A23: ciphertext between the parts of a multipart/${type} is left alone`, async () => {
    const text =
      `From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/${type}; boundary=outer\r\n\r\n` +
      `${image}\r\n${ciphertext}${part("text/html", '\r\n">')}\r\n--outer--\r\n`;
    const { key, operations } = countingKey(own);
    const { report, octets } = await openedMail(latin1(text), { keys: [key] });
    assert.deepEqual([report.code, report.layers.length, operations()], ["UNPROTECTED", 0, 0]);
    assert.equal(latin1Text(octets ?? new Uint8Array(0)), text);
  });
}

test("A23: ciphertext in a forwarded message is left alone", async () => {
  const inner = `From: a@a.example\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}`;
  const text = `From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n${inner}`;
  const { key, operations } = countingKey(own);
  const { report } = await openedMail(latin1(text), { keys: [key] });
  assert.deepEqual([report.code, operations()], ["UNPROTECTED", 0]);
});

test("A23: nothing of the outer body stands beside what was opened", async () => {
  const text = latin1Text(await protectedMail({ to: [own] }));
  const { report, octets } = await openedMail(latin1(`${text}\r\n<img src=http://mallory.example/>\r\n`), {
    keys: [own],
  });
  // Octets behind the base64 are none of the message: it opens without them or not at all.
  if (octets !== undefined) assert.equal(latin1Text(octets), latin1Text(mail));
  else assert.equal(report.outcome, "refused");
});

// --- A24 ---

const aes = "2.16.840.1.101.3.4.1";
const ciphers: readonly {
  readonly name: string;
  readonly oid: string;
  readonly parameters: "iv8" | "iv16" | "nonce" | "gcm";
}[] = [
  ...[2, 22, 42].map((arc) => ({ name: `CBC .${arc}`, oid: `${aes}.${arc}`, parameters: "iv16" as const })),
  ...[3, 23, 43].map((arc) => ({ name: `OFB .${arc}`, oid: `${aes}.${arc}`, parameters: "iv16" as const })),
  ...[4, 24, 44].map((arc) => ({ name: `CFB .${arc}`, oid: `${aes}.${arc}`, parameters: "iv16" as const })),
  ...[1, 21, 41].map((arc) => ({ name: `ECB .${arc}`, oid: `${aes}.${arc}`, parameters: "iv16" as const })),
  ...[6, 26, 46].map((arc) => ({ name: `GCM .${arc}`, oid: `${aes}.${arc}`, parameters: "gcm" as const })),
  ...[7, 27, 47].map((arc) => ({ name: `CCM .${arc}`, oid: `${aes}.${arc}`, parameters: "gcm" as const })),
  { name: "ChaCha20-Poly1305", oid: "1.2.840.113549.1.9.16.3.18", parameters: "nonce" },
  { name: "Triple-DES", oid: "1.2.840.113549.3.7", parameters: "iv8" },
  { name: "RC2", oid: "1.2.840.113549.3.2", parameters: "iv8" },
];

const block = Uint8Array.from({ length: 16 }, (_, at) => at);
const parametersOf = {
  iv8: der.octetString(block.subarray(8)),
  iv16: der.octetString(block),
  nonce: der.octetString(block.subarray(4)),
  gcm: der.sequence(der.octetString(block.subarray(4)), der.integer(16)),
};

/** The same recipients around the same octets, said to be encrypted otherwise. */
function rewritten(object: Uint8Array, type: string, cipher: (typeof ciphers)[number]): Uint8Array {
  return edited(object, (tree) => {
    const parts = partsOfEnvelope(tree);
    parts.type.encoded = der.oid(type);
    parts.algorithm.encoded = der.sequence(der.oid(cipher.oid), parametersOf[cipher.parameters]);
    const fields = inside(within(tree, 1, 0));
    const mac = treeOf(der.octetString(block));
    if (type === contentTypes.envelopedData) fields.splice(3);
    else if (parts.mac === undefined) fields.push(mac);
  });
}

const fits = { envelopedData: /^(CBC|Triple-DES)/, authEnvelopedData: /^(GCM|ChaCha20)/ } as const;

for (const cipher of ciphers) {
  for (const type of ["envelopedData", "authEnvelopedData"] as const) {
    const fitting = fits[type].test(cipher.name);
    test(`A24: rewritten to ${cipher.name} in ${type} nothing opens${fitting ? "" : ", and no key is touched"}`, async () => {
      for (const object of [inGcm, inCbc]) {
        const { key, operations } = countingKey(own);
        const opened = await openedObject(rewritten(object, contentTypes[type], cipher), { keys: [key], legacy: true });
        assert.notEqual(opened.report.outcome, "opened");
        assert.equal(handedOn(opened, false), false);
        assert.equal(operations(), fitting ? 1 : 0);
        if (!fitting) assert.equal(opened.report.code, "UNSUPPORTED");
      }
    });
  }
}

test("A24: the table of rewrites has 21 algorithms", () => assert.equal(ciphers.length, 21));

test("A24: the key is used once however often its envelope is nested", async () => {
  const twice = await envelopedObject(asEntity(inGcm, "authEnveloped-data"), { to: [own] });
  const thrice = await envelopedObject(asEntity(twice, "authEnveloped-data"), { to: [own] });
  const { key, operations } = countingKey(own);
  assert.equal((await openedObject(twice, { keys: [key] })).report.code, "OK");
  assert.equal(operations(), 2);
  assert.equal((await openedObject(thrice, { keys: [key] })).report.code, "LIMIT");
  assert.equal(operations(), 4);
});

test("A24: an object taken apart and put together again is the same", () => {
  for (const object of [inCbc, inGcm]) assert.deepEqual(Buffer.from(octetsOf(treeOf(object))), Buffer.from(object));
});
