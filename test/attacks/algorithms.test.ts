// Algorithm games (security A07): which digest, signature and parameters make a signature together, and that a message
// cannot say otherwise.

import assert from "node:assert/strict";
import { test } from "node:test";
import { der } from "../../src/asn1.ts";
import { latin1, noOctets } from "../../src/bytes.ts";
import type { Signer } from "../../src/cms.ts";
import { digestOf, parseAlgorithmIdentifier, signatureSchemeOf } from "../../src/crypto.ts";
import { isSecureMailError } from "../../src/errors.ts";
import { found, now, openedObject, root, schemeNamed, signer } from "../correspondents.ts";
import { attribute, attributeTypes, setOf, signedData, signerInfo, usualAttributes } from "../forge.ts";
import { certify, rsaPair } from "../mint.ts";
import { entity, signedObject } from "../objects.ts";

const nistHash = "2.16.840.1.101.3.4.2";
const nistSignature = "2.16.840.1.101.3.4.3";

/** Every digest, those that count for nothing too. */
const digests: ReadonlyMap<string, string> = new Map([
  ["sha1", "1.3.14.3.2.26"],
  ["sha224", `${nistHash}.4`],
  ["sha256", `${nistHash}.1`],
  ["sha384", `${nistHash}.2`],
  ["sha512", `${nistHash}.3`],
  ["sha3-256", `${nistHash}.8`],
  ["sha3-384", `${nistHash}.9`],
  ["sha3-512", `${nistHash}.10`],
  ["md2", "1.2.840.113549.2.2"],
  ["md5", "1.2.840.113549.2.5"],
  ["ripemd160", "1.3.36.3.2.1"],
  ["sha512-256", `${nistHash}.6`],
]);

const none: readonly Uint8Array[] = [];
const nullParameters = [der.nullElement()];
const every = ["sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"];

/** Every signature identifier, with the digests that it makes a signature with. */
const signatures: readonly {
  readonly what: string;
  readonly oid: string;
  readonly parameters: readonly Uint8Array[];
  readonly with: readonly string[];
}[] = [
  { what: "rsaEncryption", oid: "1.2.840.113549.1.1.1", parameters: nullParameters, with: every },
  { what: "rsaEncryption, bare", oid: "1.2.840.113549.1.1.1", parameters: none, with: every },
  { what: "md5WithRSA", oid: "1.2.840.113549.1.1.4", parameters: nullParameters, with: [] },
  { what: "sha1WithRSA", oid: "1.2.840.113549.1.1.5", parameters: nullParameters, with: ["sha1"] },
  { what: "sha224WithRSA", oid: "1.2.840.113549.1.1.14", parameters: nullParameters, with: ["sha224"] },
  { what: "sha256WithRSA", oid: "1.2.840.113549.1.1.11", parameters: nullParameters, with: ["sha256"] },
  { what: "sha256WithRSA, bare", oid: "1.2.840.113549.1.1.11", parameters: none, with: ["sha256"] },
  { what: "sha384WithRSA", oid: "1.2.840.113549.1.1.12", parameters: nullParameters, with: ["sha384"] },
  { what: "sha512WithRSA", oid: "1.2.840.113549.1.1.13", parameters: nullParameters, with: ["sha512"] },
  { what: "rsa with sha3-256", oid: `${nistSignature}.14`, parameters: nullParameters, with: ["sha3-256"] },
  { what: "rsa with sha3-512", oid: `${nistSignature}.16`, parameters: nullParameters, with: ["sha3-512"] },
  { what: "PSS, SHA-1 by default", oid: "1.2.840.113549.1.1.10", parameters: [der.sequence()], with: ["sha1"] },
  { what: "PSS with SHA-256", oid: "1.2.840.113549.1.1.10", parameters: [pss("sha256")], with: ["sha256"] },
  { what: "PSS with SHA-512", oid: "1.2.840.113549.1.1.10", parameters: [pss("sha512")], with: ["sha512"] },
  { what: "PSS, MGF1 differs", oid: "1.2.840.113549.1.1.10", parameters: [pss("sha256", "sha512")], with: [] },
  { what: "ecdsa-with-SHA1", oid: "1.2.840.10045.4.1", parameters: none, with: ["sha1"] },
  { what: "ecdsa-with-SHA224", oid: "1.2.840.10045.4.3.1", parameters: none, with: ["sha224"] },
  { what: "ecdsa-with-SHA256", oid: "1.2.840.10045.4.3.2", parameters: none, with: ["sha256"] },
  { what: "ecdsa-with-SHA256, NULL", oid: "1.2.840.10045.4.3.2", parameters: nullParameters, with: [] },
  { what: "ecdsa-with-SHA384", oid: "1.2.840.10045.4.3.3", parameters: none, with: ["sha384"] },
  { what: "ecdsa-with-SHA512", oid: "1.2.840.10045.4.3.4", parameters: none, with: ["sha512"] },
  { what: "ecdsa with sha3-384", oid: `${nistSignature}.11`, parameters: none, with: ["sha3-384"] },
  { what: "ecPublicKey", oid: "1.2.840.10045.2.1", parameters: none, with: [] },
  { what: "dsa-with-sha1", oid: "1.2.840.10040.4.3", parameters: none, with: ["sha1"] },
  { what: "dsa-with-sha256", oid: `${nistSignature}.2`, parameters: none, with: ["sha256"] },
  { what: "Ed25519", oid: "1.3.101.112", parameters: none, with: ["sha512"] },
  { what: "Ed25519, NULL", oid: "1.3.101.112", parameters: nullParameters, with: [] },
  { what: "Ed448", oid: "1.3.101.113", parameters: none, with: [] },
];

function pss(hash: string, mgfHash: string = hash, ...more: readonly Uint8Array[]): Uint8Array {
  const mgf1 = der.sequence(der.oid("1.2.840.113549.1.1.8"), digestIdentifier(mgfHash));
  return der.sequence(
    der.explicit(0, digestIdentifier(hash)),
    der.explicit(1, mgf1),
    ...(more.length ? more : [salt(32)]),
  );
}

function salt(octets: number): Uint8Array {
  return der.explicit(2, der.integer(octets));
}

function digestIdentifier(name: string): Uint8Array {
  return der.sequence(der.oid(found(digests.get(name), name)), der.nullElement());
}

function accepted(signature: Uint8Array, digest: Uint8Array): boolean {
  const known = digestOf(parseAlgorithmIdentifier(digest));
  if (known === undefined) return false;
  try {
    return signatureSchemeOf(parseAlgorithmIdentifier(signature), known) !== undefined;
  } catch (failure) {
    assert.ok(isSecureMailError(failure), String(failure));
    return false;
  }
}

test("A07: the table of all pairs has more than 300 rows", () => {
  assert.ok(signatures.length * digests.size > 300, `${signatures.length * digests.size}`);
});

for (const { what, oid, parameters, with: partners } of signatures) {
  test(`A07: ${what} makes a signature with ${partners.join(", ") || "no digest"} and nothing else`, () => {
    const signature = der.sequence(der.oid(oid), ...parameters);
    for (const name of digests.keys()) {
      assert.equal(accepted(signature, digestIdentifier(name)), partners.includes(name), name);
    }
    const odd = der.sequence(der.oid(oid), der.integer(1));
    for (const name of digests.keys()) assert.equal(accepted(odd, digestIdentifier(name)), false, name);
  });
}

for (const { what, parameters } of [
  { what: "another trailer", parameters: pss("sha256", "sha256", salt(32), der.explicit(3, der.integer(2))) },
  { what: "a negative salt", parameters: pss("sha256", "sha256", der.explicit(2, latin1("\x02\x01\xff"))) },
  { what: "a fifth field", parameters: pss("sha256", "sha256", salt(32), der.explicit(4, der.integer(1))) },
  { what: "a mask that is not MGF1", parameters: der.sequence(der.explicit(1, digestIdentifier("sha1"))) },
  { what: "an unknown hash", parameters: pss("md5") },
]) {
  test(`A07: PSS parameters with ${what} make no signature`, () => {
    const signature = der.sequence(der.oid("1.2.840.113549.1.1.10"), parameters);
    for (const name of ["sha1", "sha256"]) assert.equal(accepted(signature, digestIdentifier(name)), false);
  });
}

// --- the same through whole messages ---

const p256 = await signer("p256");
const rsa = await signer("rsa");

async function judged(
  who: Signer,
  fields: Parameters<typeof signerInfo>[1],
  options: {
    readonly legacy?: boolean;
    readonly attributes?: readonly Uint8Array[];
    readonly digest?: Uint8Array;
  } = {},
): Promise<string> {
  const attributes = options.attributes ?? usualAttributes(who, entity);
  const signedAttrs = "content" in fields ? {} : { signedAttrs: setOf(attributes) };
  const object = signedData({
    digestAlgorithms: [options.digest ?? who.scheme.digest.identifier],
    ...{ eContent: entity, certificates: [who.certificate.octets] },
    signerInfos: [await signerInfo(who, { ...signedAttrs, ...fields })],
  });
  return (await openedObject(object, { legacy: options.legacy ?? false })).report.code;
}

for (const { what, who, fields, code } of [
  { what: "its own algorithms", who: p256, fields: {}, code: "SIGNED_ONLY" },
  {
    what: "an algorithm of another key",
    who: p256,
    fields: { signatureAlgorithm: rsa.scheme.identifier },
    code: "BAD_SIGNATURE",
  },
  {
    what: "rsaEncryption instead of PKCS #1 with SHA-256",
    who: rsa,
    fields: { signatureAlgorithm: signatureNamed("rsaEncryption") },
    code: "SIGNED_ONLY",
  },
  {
    what: "PSS said and PKCS #1 made",
    who: rsa,
    fields: { signatureAlgorithm: schemeNamed("rsa-pss-sha256").identifier },
    code: "BAD_SIGNATURE",
  },
  {
    what: "NULL behind ecdsa-with-SHA256",
    who: p256,
    fields: { signatureAlgorithm: signatureNamed("ecdsa-with-SHA256, NULL") },
    code: "BAD_SIGNATURE",
  },
  {
    what: "a digest other than the signature's",
    who: p256,
    fields: { digestAlgorithm: digestIdentifier("sha512") },
    code: "BAD_SIGNATURE",
  },
  { what: "MD5", who: rsa, fields: { digestAlgorithm: digestIdentifier("md5") }, code: "UNSUPPORTED" },
  { what: "Ed448", who: p256, fields: { signatureAlgorithm: signatureNamed("Ed448") }, code: "UNSUPPORTED" },
] as const) {
  test(`A07: a message with ${what} is ${code}`, async () => assert.equal(await judged(who, fields), code));
}

test("A07: SHA-1 counts only under legacy", async () => {
  const old = { ...rsa, scheme: schemeNamed("rsa-v15-sha1") };
  assert.equal(await judged(old, {}), "WEAK");
  assert.equal(await judged(old, {}, { legacy: true }), "SIGNED_ONLY");
});

test("A07: RSA of 1024 bits counts only under legacy", async () => {
  const order = { issuer: root, emails: ["domain-signing-authority@a.example"], pair: rsaPair(1024) };
  const { certificate, key } = await certify("Short", order);
  const short = { key, certificate, scheme: schemeNamed("rsa-v15-sha256"), signingTime: now };
  assert.notEqual(await judged(short, {}), "SIGNED_ONLY");
  assert.equal(await judged(short, {}, { legacy: true }), "SIGNED_ONLY");
});

for (const { what, digest, signature, code } of [
  {
    what: "the algorithms used",
    digest: p256.scheme.digest.identifier,
    signature: p256.scheme.identifier,
    code: "SIGNED_ONLY",
  },
  {
    what: "another digest",
    digest: digestIdentifier("sha512"),
    signature: p256.scheme.identifier,
    code: "BAD_SIGNATURE",
  },
  {
    what: "another signature",
    digest: p256.scheme.digest.identifier,
    signature: rsa.scheme.identifier,
    code: "BAD_SIGNATURE",
  },
  { what: "no signature", digest: p256.scheme.digest.identifier, signature: undefined, code: "BAD_SIGNATURE" },
  {
    what: "the digest with NULL for no parameters",
    digest: der.sequence(der.oid(p256.scheme.digest.oid), der.nullElement()),
    signature: p256.scheme.identifier,
    code: "SIGNED_ONLY",
  },
  {
    what: "the signature with parameters of its own",
    digest: p256.scheme.digest.identifier,
    signature: der.sequence(der.oid("1.2.840.10045.4.3.2"), der.octetString(noOctets)),
    code: "BAD_SIGNATURE",
  },
]) {
  test(`A07: cmsAlgorithmProtection that names ${what} gives ${code}`, async () => {
    const named = der.sequence(digest, ...(signature === undefined ? [] : [der.implicit(1, signature)]));
    const attributes = [...usualAttributes(p256, entity), attribute(attributeTypes.cmsAlgorithmProtection, named)];
    assert.equal(await judged(p256, {}, { attributes }), code);
  });
}

test("A07: whatever we sign, cmsAlgorithmProtection names the algorithms", async () => {
  const octets = Buffer.from(await signedObject(entity, p256));
  assert.ok(octets.includes(der.oid(attributeTypes.cmsAlgorithmProtection)));
});

for (const { octets, code } of [
  { octets: 32, code: "SIGNED_ONLY" },
  { octets: 0, code: "BAD_SIGNATURE" },
  { octets: 31, code: "BAD_SIGNATURE" },
  { octets: 222, code: "BAD_SIGNATURE" },
  { octets: 223, code: "BAD_SIGNATURE" },
  { octets: 2 ** 31, code: "BAD_SIGNATURE" },
  { octets: 2 ** 46, code: "BAD_SIGNATURE" },
]) {
  test(`A07: a PSS signature with 32 octets of salt that says ${octets} is ${code}`, async () => {
    const own = { ...rsa, scheme: schemeNamed("rsa-pss-sha256") };
    const said = der.explicit(2, der.unsignedInteger(Buffer.from(octets.toString(16).padStart(12, "0"), "hex")));
    const parameters = pss("sha256", "sha256", said);
    const signatureAlgorithm = der.sequence(der.oid("1.2.840.113549.1.1.10"), parameters);
    assert.equal(await judged(own, { signatureAlgorithm }), code);
    assert.equal(await judged(own, { signatureAlgorithm, content: entity }, { legacy: true }), code);
  });
}

function signatureNamed(what: string): Uint8Array {
  const { oid, parameters } = found(
    signatures.find((one) => one.what === what),
    what,
  );
  return der.sequence(der.oid(oid), ...parameters);
}
