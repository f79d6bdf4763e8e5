// Valid objects changed at random and on purpose: whatever comes of it ends with a code, and what is opened is what was
// protected. `open` lets nothing but failures with a code become a report, so anything else thrown inside ends the test.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, sourceOf } from "../../src/bytes.ts";
import { inside, isConstructed, octetsOf, type Tree, treeOf } from "../asn1-tree.ts";
import {
  cipherNamed,
  type Judging,
  mail,
  openedMail,
  openedObject,
  protectedMail,
  recipient,
  signer,
} from "../correspondents.ts";
import { authEnvelopedData } from "../forge.ts";
import { envelopedMutations, type Mutation, signedMutations, tagMutations } from "../mutations.ts";
import { asEntity, detachedObject, entity, envelopedObject, signedObject } from "../objects.ts";

const [rsa, p256, x25519] = await Promise.all([recipient("rsa"), recipient("p256"), recipient("x25519")]);
const keys = [rsa, p256, x25519];
const signed = await signedObject(entity, await signer());
const content = asEntity(signed, "signed-data");

const signatures: Readonly<Record<string, Uint8Array>> = {
  "an ECDSA signature": signed,
  "an RSA signature": await signedObject(entity, await signer("rsa")),
  "an Ed25519 signature": await signedObject(entity, await signer("ed25519")),
};
const envelopes: Readonly<Record<string, Uint8Array>> = {
  "AES-CBC by RSA v1.5": await envelopedObject(content, {
    to: [rsa],
    cipher: cipherNamed("aes256-cbc"),
    management: "rsa-v15",
  }),
  "AES-GCM by OAEP": await envelopedObject(content, { to: [rsa], management: "rsa-oaep-sha256", identifier: "ski" }),
  "AES-CBC by ECDH": await envelopedObject(content, { to: [p256], cipher: cipherNamed("aes128-cbc") }),
  "AES-GCM by X25519": await envelopedObject(content, { to: [x25519], cipher: cipherNamed("aes192-gcm") }),
  "ChaCha20-Poly1305 by ECDH": await envelopedObject(content, { to: [p256], cipher: cipherNamed("chacha20-poly1305") }),
};

// --- named changes ---

for (const [what, object] of Object.entries(signatures)) {
  for (const { what: change, apply } of signedMutations) {
    test(`${what} with ${change} is never valid`, async () => {
      const { report } = await openedObject(apply({ object }).object, { legacy: true });
      assert.notEqual(report.outcome, "opened", report.code);
    });
  }
}

for (const { what: change, apply } of signedMutations) {
  test(`a detached signature with ${change} is never valid`, async () => {
    const mutant = apply({ object: await detachedObject(entity, await signer()), content: entity });
    const detachedContent = () => sourceOf(mutant.content ?? entity);
    const { report } = await openedObject(mutant.object, { legacy: true, detachedContent });
    assert.notEqual(report.outcome, "opened", report.code);
  });
}

for (const [what, object] of Object.entries(envelopes)) {
  const authenticated = /GCM|Poly/.test(what);
  const changes: readonly Mutation<Uint8Array>[] = [...envelopedMutations, ...(authenticated ? tagMutations : [])];
  for (const { what: change, apply } of changes) {
    test(`${what} with ${change} is never opened`, async () => {
      const { report, octets } = await openedObject(apply(object), { keys, legacy: true });
      // Blocks behind the end of what is signed are noticed, and are none of it.
      if (report.outcome === "opened") assert.deepEqual([authenticated, octets], [false, entity]);
      else if (authenticated) assert.equal(octets, undefined);
    });
  }
}

// --- random ones ---

type Change = (object: Uint8Array) => Uint8Array;

const place = fc.nat();
const octet = fc.nat({ max: 255 });

/** Octets changed, lost, doubled or put in, without regard to structure. */
const blind: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, octet).map(
    ([at, to]): Change =>
      (from) =>
        from.with(at % from.length, to),
  ),
  fc.tuple(place, fc.nat({ max: 7 })).map(
    ([at, bit]): Change =>
      (from) => {
        const position = at % from.length;
        return from.with(position, (from[position] as number) ^ (1 << bit));
      },
  ),
  place.map(
    (at): Change =>
      (from) =>
        from.subarray(0, at % from.length),
  ),
  fc.tuple(place, fc.nat({ max: 40 })).map(
    ([at, count]): Change =>
      (from) => {
        const position = at % from.length;
        return concat([from.subarray(0, position), from.subarray(position + count)]);
      },
  ),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(
    ([at, more]): Change =>
      (from) => {
        const position = at % from.length;
        return concat([from.subarray(0, position), more, from.subarray(position)]);
      },
  ),
);

/** Elements changed, lost, moved, doubled or exchanged, with lengths that fit. */
const structured: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, octet).map(([at, identifier]) =>
    atElement(at, (one) => {
      if (isConstructed(identifier) === isConstructed(one.identifier)) one.identifier = identifier;
    }),
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 40 })).map(([at, octets]) =>
    atElement(at, (one) => {
      if (!isConstructed(one.identifier)) one.contents = octets;
    }),
  ),
  fc.tuple(place, place).map(([at, from]) =>
    atElement(at, (one, all) => {
      Object.assign(one, structuredClone(all[from % all.length]));
    }),
  ),
  fc.tuple(place, place).map(([at, which]) =>
    atElement(at, (one) => {
      if (isConstructed(one.identifier) && inside(one).length > 0) inside(one).splice(which % inside(one).length, 1);
    }),
  ),
  fc.tuple(place, place, place).map(([at, which, from]) =>
    atElement(at, (one, all) => {
      if (isConstructed(one.identifier))
        inside(one).splice(which % (inside(one).length + 1), 0, structuredClone(all[from % all.length] as Tree));
    }),
  ),
  place.map((at) =>
    atElement(at, (one) => {
      if (isConstructed(one.identifier)) inside(one).reverse();
    }),
  ),
);

function atElement(at: number, edit: (one: Tree, all: readonly Tree[]) => void): Change {
  return (object) => {
    const tree = treeOf(object);
    const all = elementsOf(tree);
    edit(all[at % all.length] as Tree, all);
    return octetsOf(tree);
  };
}

function elementsOf(tree: Tree): Tree[] {
  return [tree, ...(isConstructed(tree.identifier) ? inside(tree).flatMap(elementsOf) : [])];
}

const corpus: readonly { readonly object: Uint8Array; readonly judging: Judging }[] = [
  ...Object.values(signatures).map((object) => ({ object, judging: {} })),
  ...Object.values(envelopes).map((object) => ({ object, judging: { keys } })),
  { object: authEnvelopedData({ to: rsa, content, authAttrs: Uint8Array.of(0x31, 0) }), judging: { keys } },
  { object: await detachedObject(entity, await signer()), judging: { detachedContent: () => sourceOf(entity) } },
];

test("8,000 changed objects end with a code, and what is opened is what was signed", async () => {
  const subjects = fc.constantFrom(...corpus);
  // At most one change of structure: the octets behind it are read as a tree no more than once.
  const changes = fc.tuple(fc.option(structured), fc.array(blind, { maxLength: 2 }));
  await fc.assert(
    fc.asyncProperty(subjects, changes, fc.boolean(), async ({ object, judging }, [first, rest], legacy) => {
      const start = first === null ? object : first(object);
      const mutant = rest.reduce((octets, change) => (octets.length === 0 ? octets : change(octets)), start);
      const { report, octets } = await openedObject(mutant, { ...judging, legacy });
      assert.match(report.code, /^[A-Z_]+$/);
      if (report.outcome === "opened") assert.deepEqual(octets, entity);
      if (report.outcome === "refused") assert.equal(octets, undefined);
    }),
    { numRuns: 8000 },
  );
});

test("1,000 changed mails end with a code, and what is opened and signed is what was written", async () => {
  const [, body = ""] = mail.toString().split("\r\n\r\n");
  const mails = fc.constantFrom(
    await protectedMail({ to: [rsa] }),
    await protectedMail({ to: [p256], cipher: cipherNamed("aes256-cbc"), form: "detached" }),
    await protectedMail({ form: "detached" }),
    await protectedMail({ ber: true }),
  );
  await fc.assert(
    fc.asyncProperty(mails, fc.array(blind, { minLength: 1, maxLength: 3 }), async (message, changes) => {
      const mutant = changes.reduce((octets, change) => (octets.length === 0 ? octets : change(octets)), message);
      const { report, octets } = await openedMail(mutant, { keys });
      assert.match(report.code, /^[A-Z_]+$/);
      // Outside of what is signed lie the fields that stay outside; the body never does.
      if (report.outcome === "opened") assert.ok(octets?.toString().endsWith(`\r\n\r\n${body}`));
    }),
    { numRuns: 1000 },
  );
});
