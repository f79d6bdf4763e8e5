import assert from "node:assert/strict";
import { test } from "node:test";
import { reencoded } from "../../test/ber-variants.ts";
import { now, recipient, schemeNamed, signer } from "../../test/correspondents.ts";
import { attribute, attributeTypes, setOf, signerInfo, usualAttributes } from "../../test/forge.ts";
import { entity } from "../../test/objects.ts";
import { context, der } from "../asn1.ts";
import { latin1, sourceOf } from "../bytes.ts";
import { digestNamed, digestOctets } from "../crypto.ts";
import { contentTypes } from "./content-info.ts";
import {
  digestsOf,
  makeSignerInfo,
  parseSignerInfo,
  type SignatureVerdict,
  type SignedContent,
  type Signer,
  type SignerInfo,
  signerCertificates,
  verifySignerInfo,
} from "./signer-info.ts";

const [p256, rsa, ed25519] = await Promise.all([signer("p256"), signer("rsa"), signer("ed25519")]);

function contentOf(octets: Uint8Array, eContentType: string = contentTypes.data): SignedContent {
  const names = ["sha1", "sha256", "sha512"] as const;
  const digests = new Map(names.map((name) => [name, digestOctets(digestNamed(name), octets)]));
  return { eContentType, digests, read: () => sourceOf(octets.subarray(0, 5), octets.subarray(5)) };
}

function parsed(octets: Uint8Array): SignerInfo {
  const info = parseSignerInfo(octets, 0);
  assert.ok(info !== undefined);
  return info;
}

function judged(octets: Uint8Array, { certificate }: Signer, content = contentOf(entity)): Promise<SignatureVerdict> {
  return verifySignerInfo(parsed(octets), certificate, content);
}

for (const one of [p256, rsa, ed25519, { ...rsa, scheme: schemeNamed("rsa-pss-sha256") }]) {
  test(`a signer made with ${one.scheme.name} is valid over its content and no other`, async () => {
    const { digests } = contentOf(entity);
    const made = await makeSignerInfo(one, digests);
    const expected = { signature: "valid", quirks: [], algorithm: one.scheme.name, weak: [] };
    assert.deepEqual(await judged(made, one), expected);
    const { signature, reason } = await judged(made, one, contentOf(latin1("another")));
    assert.deepEqual([signature, reason], ["invalid", "the content is not what was signed"]);
    assert.deepEqual(parsed(made).attributes?.signingTime, now);
  });
}

test("a signer is named by issuer and serial, or by key identifier", () => {
  const certificates = [rsa.certificate, p256.certificate];
  const info = (sid: Uint8Array): Promise<Uint8Array> => signerInfo(p256, { content: entity, sid });
  return Promise.all([
    info(der.sequence(p256.certificate.issuerName, der.element(2, p256.certificate.serial))),
    info(der.element(context(0), p256.certificate.extensions.subjectKeyIdentifier ?? latin1(""))),
  ]).then((infos) => {
    for (const octets of infos) assert.deepEqual(signerCertificates(parsed(octets), certificates), [p256.certificate]);
  });
});

test("a signer named in another way is none that can be read", async () => {
  assert.equal(
    parseSignerInfo(await signerInfo(p256, { content: entity, sid: der.explicit(7, der.nullElement()) }), 0),
    undefined,
  );
});

const usual = (one: Signer): Uint8Array[] => usualAttributes(one, entity);
const ess = attribute(
  attributeTypes.signingCertificateV2,
  der.sequence(der.sequence(der.sequence(der.octetString(Buffer.alloc(32))))),
);

for (const { what, one = p256, attributes = usual(p256), fields = {}, content, verdict, reason } of [
  {
    what: "attributes out of order, signed so",
    attributes: usual(p256).toReversed(),
    verdict: "valid",
    reason: undefined,
  },
  {
    what: "another content type",
    content: contentOf(entity, "1.2.3"),
    verdict: "invalid",
    reason: "contentType differs from eContentType",
  },
  {
    what: "another certificate in ESS",
    attributes: [...usual(p256), ess],
    verdict: "invalid",
    reason: "signingCertificate names another certificate",
  },
  {
    what: "an unknown digest",
    fields: { digestAlgorithm: der.sequence(der.oid("1.2.3")) },
    verdict: "unsupported",
    reason: "digest 1.2.3",
  },
  {
    what: "an unknown signature",
    fields: { signatureAlgorithm: der.sequence(der.oid("1.2.3")) },
    verdict: "unsupported",
    reason: "signature algorithm 1.2.3",
  },
  {
    what: "a digest that is not announced",
    fields: {
      digestAlgorithm: digestNamed("sha384").identifier,
      signatureAlgorithm: schemeNamed("ecdsa-sha384").identifier,
    },
    verdict: "invalid",
    reason: "its digest is not among the message's digestAlgorithms",
  },
  {
    what: "contradicting algorithms",
    fields: { digestAlgorithm: digestNamed("sha512").identifier },
    verdict: "invalid",
    reason: "signature over sha256, content digested with sha512",
  },
  {
    what: "another key's signature",
    one: rsa,
    attributes: usual(rsa),
    fields: { signature: latin1("none") },
    verdict: "invalid",
    reason: "the signature does not verify",
  },
] as readonly {
  what: string;
  one?: Signer;
  attributes?: Uint8Array[];
  fields?: object;
  content?: SignedContent;
  verdict: string;
  reason: string | undefined;
}[]) {
  test(`a signer with ${what} is ${verdict}`, async () => {
    const octets = await signerInfo(one, { signedAttrs: setOf(attributes), ...fields });
    const found = await judged(octets, one, content);
    assert.deepEqual([found.signature, found.reason], [verdict, reason]);
  });
}

test("attributes in BER that were signed in DER are a quirk, and valid", async () => {
  const octets = await signerInfo(p256, { signedAttrs: der.setOf(...usual(p256)) });
  const inBer = reencoded(octets, { mode: "indefinite", choices: [3] });
  const { signature, quirks } = await judged(inBer, p256);
  assert.deepEqual([signature, quirks], ["valid", ["signed attributes not in DER"]]);
});

test("what is weak about algorithm or key is named beside the verdict", async () => {
  const old = { ...rsa, scheme: schemeNamed("rsa-v15-sha1") };
  const octets = await signerInfo(old, { signedAttrs: der.setOf(...usualAttributes(old, entity)) });
  assert.deepEqual(await judged(octets, old), {
    signature: "valid",
    quirks: [],
    algorithm: "rsa-v15-sha1",
    weak: ["sha1"],
  });
});

test("a signature over the content itself is below the floor, and not read with Ed25519", async () => {
  const plain = await signerInfo(p256, { content: entity });
  const found = await judged(plain, p256);
  assert.deepEqual([found.signature, found.weak], ["valid", ["no signed attributes"]]);
  assert.equal((await judged(plain, p256, contentOf(latin1("another")))).signature, "invalid");
  assert.equal((await judged(plain, p256, contentOf(entity, "1.2.3"))).signature, "invalid");
  const edwards = await signerInfo(ed25519, { content: entity });
  assert.equal((await judged(edwards, ed25519, contentOf(entity))).signature, "unsupported");
});

test("attributes that cannot be read are a fault of the signer, not of the message", async () => {
  const broken = parsed(await signerInfo(p256, { signedAttrs: setOf([der.integer(1)]) }));
  assert.match(broken.fault ?? "", /sequence was expected/);
  const verdict = await verifySignerInfo(broken, p256.certificate, contentOf(entity));
  assert.deepEqual([verdict.signature, verdict.reason], ["invalid", broken.fault]);
});

test("signers of one digest need it once", () => {
  assert.deepEqual(
    digestsOf([p256, rsa, ed25519]).map(({ name }) => name),
    ["sha256", "sha512"],
  );
});

test("a certificate that only decrypts names no signer", async () => {
  const { certificate } = await recipient("rsa");
  assert.deepEqual(signerCertificates(parsed(await signerInfo(p256, { content: entity })), [certificate]), []);
});
