// ASN.1 that costs (security A65): depth, lengths, tags and numbers of elements, refused before they are paid for.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { der, maxDepth, maxElementOctets, maxNodes } from "../../src/asn1.ts";
import { chunkSize, concat, latin1, noOctets } from "../../src/bytes.ts";
import { contentTypes } from "../../src/cms.ts";
import { cutSource, cuts } from "../chunks.ts";
import { openedObject, recipient, signer } from "../correspondents.ts";
import { attribute, contentInfo, setOf, signedData, signerInfo, usualAttributes } from "../forge.ts";
import { entity, envelopedObject, signedObject } from "../objects.ts";

const good = await signer();
const own = await recipient("rsa");
const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

/** ContentInfo, [0] and SignedData of indefinite length, up to a place inside. */
const head = concat([hex("3080"), der.oid(contentTypes.signedData), hex("a080 3080"), der.integer(1)]);
const upTo = {
  digestAlgorithms: concat([head, hex("3180")]),
  content: concat([head, hex("3100 3080"), der.oid(contentTypes.data), hex("a080")]),
  certificates: concat([head, hex("3100 300b"), der.oid(contentTypes.data), hex("a080")]),
  signerInfos: concat([head, hex("3100 300b"), der.oid(contentTypes.data), hex("3180")]),
  recipientInfos: concat([hex("3080"), der.oid(contentTypes.envelopedData), hex("a080 3080 020100 3180")]),
} as const;

/** What follows on content: no certificates and no signers. */
const withoutSigners = hex("0000 0000 3100 0000 0000 0000");

/** `start`, then `again` for ever; fails where a reader goes on beyond `most` octets. */
function endless(start: Uint8Array, again: Uint8Array, most: number): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.alloc(chunkSize - (chunkSize % again.length), again);
  return (async function* () {
    yield start;
    for (let given = 0; given <= most; given += chunk.length) yield chunk;
    assert.fail(`more than ${most} octets were read`);
  })();
}

async function codeOf(octets: Uint8Array | AsyncGenerator<Uint8Array>): Promise<string> {
  const { report } = await openedObject(octets, { keys: [own] });
  return report.code;
}

for (const [place, start] of Object.entries(upTo)) {
  test(`A65: endless depth in ${place} is refused at the first chunk`, async () => {
    assert.equal(await codeOf(endless(start, hex("3080"), chunkSize)), "LIMIT");
  });
}

test("A65: endless segments of segments are refused at the first chunk", async () => {
  assert.equal(await codeOf(endless(upTo.content, hex("2480"), chunkSize)), "LIMIT");
});

const strange = der.sequence(der.integer(1));

for (const [place, element] of [
  ["digestAlgorithms", der.sequence(der.oid("1.2.3"))],
  ["certificates", strange],
  ["signerInfos", strange],
  ["recipientInfos", strange],
] as const) {
  test(`A65: endless elements in ${place} are refused at the first chunk`, async () => {
    assert.equal(await codeOf(endless(upTo[place], element, chunkSize)), "LIMIT");
  });

  test(`A65: one endless element in ${place} is refused at 2 MiB`, async () => {
    const start = concat([upTo[place], hex("3080")]);
    assert.equal(await codeOf(endless(start, der.nullElement(), maxElementOctets + 2 * chunkSize)), "LIMIT");
  });

  for (const length of ["83 200001", "84 7fffffff", "84 ffffffff", "86 ffffffffffff", "8a 00000000ffffffffffff"]) {
    test(`A65: an element in ${place} that says it has ${length} octets is refused at once`, async () => {
      const start = concat([upTo[place], hex(`30 ${length}`)]);
      assert.equal(await codeOf(endless(start, der.nullElement(), chunkSize)), "LIMIT");
    });
  }
}

for (const place of ["certificates", "recipientInfos"] as const) {
  test(`A65: ${place} that are together larger than 2 MiB are refused there`, async () => {
    const elements = der.sequence(der.octetString(new Uint8Array(25_000)));
    assert.equal(await codeOf(endless(upTo[place], elements, maxElementOctets + 2 * elements.length)), "LIMIT");
  });
}

test("A65: content that never ends and says so is what a message may be", async () => {
  // Nothing here limits the length of a message: the one who accepts it does.
  const start = concat([upTo.content, hex("04 86 0000ffffffff")]);
  await assert.rejects(codeOf(endless(start, latin1("x"), 4 * chunkSize)), /more than \d+ octets were read/);
});

const malformed: Readonly<Record<string, string>> = {
  "an octet string of indefinite length": "04 80 00 00",
  "a length octet of ff": "24 ff 00",
  "an end-of-contents with contents": "24 80 00 01 00 00 00",
  "a segment of another type": "24 80 0c 01 41 00 00",
  "a constructed segment of another type": "24 80 30 80 00 00 00 00",
  "a segment longer than its string": "24 03 04 02 41 42",
  "a definite string that an end-of-contents ends": "24 04 04 00 00 00",
  "a number where content was": "02 01 01",
  "two contents": "04 01 41 04 01 42",
};

for (const [what, octets] of Object.entries(malformed)) {
  test(`A65: ${what} is malformed wherever it is cut`, async () => {
    const object = concat([upTo.content, hex(octets), withoutSigners]);
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        assert.equal(await codeOf(cutSource(object, places) as AsyncGenerator<Uint8Array>), "MALFORMED");
      }),
      { numRuns: 30 },
    );
  });
}

for (const { what, octets } of [
  { what: "nothing", octets: "" },
  { what: "an end-of-contents", octets: "0000" },
  { what: "a tag alone", octets: "30" },
  { what: "a tag of many octets", octets: "3f 81 81 81 81 81 01 00" },
  { what: "an endless tag", octets: `3f${"ff".repeat(3000)}` },
  { what: "an empty sequence", octets: "3000" },
  { what: "an endless empty sequence", octets: "30800000" },
  { what: "a sequence of no end", octets: "3080" },
  { what: "an identifier of no arcs", octets: "3002 0600" },
  { what: "an identifier that ends in mid-arc", octets: "3003 0601 ff" },
  { what: "126 octets of length", octets: `30fe${"00".repeat(126)}` },
]) {
  test(`A65: ${what} is no message`, async () => {
    const code = await codeOf(hex(octets));
    assert.ok(code === "MALFORMED" || code === "LIMIT", code);
  });
}

test("A65: an identifier of more than 128 octets is over the limit, whoever uses it", async () => {
  const long = concat([hex("06 82 0400"), Buffer.alloc(1023, 0x81), hex("01")]);
  assert.equal(await codeOf(der.sequence(long, der.explicit(0, der.sequence()))), "LIMIT");
  assert.equal(await codeOf(signedData({ digestAlgorithms: [der.sequence(long)], signerInfos: [] })), "LIMIT");
});

function nested(depth: number): Uint8Array {
  return Array.from({ length: depth }).reduce<Uint8Array>((inner) => der.sequence(inner), noOctets);
}

async function signedWith(value: Uint8Array): Promise<Uint8Array> {
  const attributes = [...usualAttributes(good, entity), attribute("1.3.6.1.4.1.99999.1", value)];
  return signedData({
    digestAlgorithms: [good.scheme.digest.identifier],
    eContent: entity,
    certificates: [good.certificate.octets],
    signerInfos: [await signerInfo(good, { signedAttrs: setOf(attributes) })],
  });
}

test(`A65: an attribute of some depth is read, one deeper than ${maxDepth} is not`, async () => {
  assert.equal(await codeOf(await signedWith(nested(maxDepth - 8))), "SIGNED_ONLY");
  for (const depth of [maxDepth + 1, 1000, 20_000])
    assert.equal(await codeOf(await signedWith(nested(depth))), "LIMIT");
});

test(`A65: a signer of more than ${maxNodes} elements is over the limit, in DER and in BER`, async () => {
  const crowd = Buffer.alloc(2 * (maxNodes + 1), der.nullElement());
  assert.equal(await codeOf(await signedWith(der.sequence(crowd))), "LIMIT");
  assert.equal(await codeOf(await signedWith(concat([hex("3080"), crowd, hex("0000")]))), "LIMIT");
});

test("A65: a million segments of one octet are content like any other", async () => {
  const million = Buffer.alloc(3_000_000, hex("04 01 78"));
  const object = concat([upTo.content, hex("2480"), million, hex("0000"), withoutSigners]);
  const { report, octets } = await openedObject(object);
  assert.deepEqual([report.code, octets?.length], ["BAD_SIGNATURE", 1_000_000]);
});

// Elements drawn from everything that a header can be, with lengths that lie now and then.
const elements: fc.Arbitrary<Uint8Array> = fc.letrec<{ element: Uint8Array }>((tie) => ({
  element: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc
      .tuple(fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 6 }), lies())
      .map(([identifier, contents, lie]) => concat([Uint8Array.of(identifier), lie(contents.length), contents])),
    fc
      .tuple(fc.constantFrom(0x30, 0x31, 0x24, 0xa0, 0xa1, 0xa3), fc.array(tie("element"), { maxLength: 5 }), lies())
      .map(([identifier, inside, lie]) => {
        const contents = concat([...inside, noOctets]);
        const length = lie(contents.length);
        return concat([Uint8Array.of(identifier), length, contents, length[0] === 0x80 ? hex("0000") : noOctets]);
      }),
  ),
})).element;

function lies(): fc.Arbitrary<(length: number) => Uint8Array> {
  const honest = (length: number): Uint8Array => der.header(0, length).subarray(1);
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant(honest) },
    { weight: 2, arbitrary: fc.constant(() => Uint8Array.of(0x80)) },
    { weight: 1, arbitrary: fc.constant((length: number) => Uint8Array.of(0x82, length >> 8, length & 0xff)) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 7 }).map((octets) => () => octets) },
  );
}

test("A65: of 5,000 generated objects each ends with a code", async () => {
  const bases = [await signedObject(entity, good), await envelopedObject(entity, { to: [own] })];
  const types = fc.constantFrom(...Object.values(contentTypes));
  const objects = fc.oneof(
    elements,
    fc.tuple(types, elements).map(([type, element]) => contentInfo(type, element)),
    fc.tuple(fc.constantFrom(...bases), fc.nat(), elements).map(([base, at, element]) => {
      const place = at % base.length;
      return concat([base.subarray(0, place), element, base.subarray(place)]);
    }),
    fc
      .tuple(types, fc.array(elements, { maxLength: 6 }))
      .map(([type, inside]) => contentInfo(type, der.sequence(...inside))),
  );
  await fc.assert(
    fc.asyncProperty(objects, cuts, async (object, places) => {
      const { report } = await openedObject(cutSource(object, places), { keys: [own], legacy: true });
      assert.match(report.code, /^[A-Z_]+$/);
      if (report.outcome === "opened") assert.equal(report.code, "SIGNED_ONLY");
    }),
    { numRuns: 5000 },
  );
});

test("A65: what stands before and behind the octets above makes a message", async () => {
  assert.equal(await codeOf(concat([upTo.content, der.octetString(entity), withoutSigners])), "BAD_SIGNATURE");
});
