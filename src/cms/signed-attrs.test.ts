import assert from "node:assert/strict";
import { test } from "node:test";
import { now, signer } from "../../test/correspondents.ts";
import { attribute, retagged, setOf } from "../../test/forge.ts";
import { der } from "../asn1.ts";
import { concat, hex, latin1 } from "../bytes.ts";
import { digestNamed, digestOctets } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import { contentTypes } from "./content-info.ts";
import {
  asImplicitZero,
  attributesInDer,
  attributeTypes,
  formatSignedAttributes,
  looksLikeAttributes,
  namesCertificate,
  octetsToVerify,
  readSignedAttributes,
} from "./signed-attrs.ts";

const { certificate, scheme } = await signer();
const contentDigest = digestOctets(digestNamed("sha256"), latin1("content"));
const contentType = attribute(attributeTypes.contentType, der.oid(contentTypes.data));
const messageDigest = attribute(attributeTypes.messageDigest, der.octetString(contentDigest));
const onTheWire = (...attributes: readonly Uint8Array[]): Uint8Array => retagged(setOf(attributes), 0xa0);

test("what we sign with is read back, and names certificate and algorithms", () => {
  const made = formatSignedAttributes(certificate, scheme, contentDigest, now);
  const read = readSignedAttributes(asImplicitZero(made), 0);
  assert.equal(read.contentType, contentTypes.data);
  assert.equal(hex(read.messageDigest), hex(contentDigest));
  assert.deepEqual(read.signingTime, now);
  assert.deepEqual(read.protection, {
    digestAlgorithm: { oid: digestNamed("sha256").oid },
    signatureAlgorithm: { oid: "1.2.840.10045.4.3.2" },
  });
  assert.equal(namesCertificate(read, certificate), true);
  assert.deepEqual([...octetsToVerify(read)].map(hex), [hex(made)]);
});

test("what we sign with is DER: a SET OF, sorted", () => {
  const made = formatSignedAttributes(certificate, scheme, contentDigest, now);
  assert.equal(made[0], 0x31);
  assert.equal(hex(attributesInDer(made)), hex(made));
});

test("octets under the signature are those that came, then their DER form where that is another", () => {
  const read = readSignedAttributes(onTheWire(messageDigest, contentType), 0);
  assert.deepEqual([...octetsToVerify(read)].map(hex), [
    hex(setOf([messageDigest, contentType])),
    hex(der.setOf(messageDigest, contentType)),
  ]);
});

test("attributes in indefinite lengths have one DER form", () => {
  const indefinite = concat([Uint8Array.of(0xa0, 0x80), messageDigest, contentType, Uint8Array.of(0, 0)]);
  assert.equal(hex(attributesInDer(indefinite)), hex(der.setOf(contentType, messageDigest)));
});

test("attributes do not change the octets they are read from", () => {
  const octets = onTheWire(contentType, messageDigest);
  readSignedAttributes(octets, 0);
  assert.equal(octets[0], 0xa0);
});

test("a domain signature says its type (RFC 3183)", () => {
  const domain = attribute(attributeTypes.signatureType, der.sequence(der.oid("1.2.840.113549.1.9.16.9.2")));
  const read = readSignedAttributes(onTheWire(contentType, messageDigest, domain), 0);
  assert.equal(read.signatureType, "1.2.840.113549.1.9.16.9.2");
});

const certId = (...fields: readonly Uint8Array[]): Uint8Array => der.sequence(der.sequence(der.sequence(...fields)));
const hashOf = (name: "sha1" | "sha256" | "sha512"): Uint8Array =>
  der.octetString(digestOctets(digestNamed(name), certificate.octets));
const sha512 = der.sequence(der.oid(digestNamed("sha512").oid));
const { signingCertificate: v1, signingCertificateV2: v2 } = attributeTypes;

for (const { what, attributes, named } of [
  { what: "the SHA-1 of version 1", attributes: [attribute(v1, certId(hashOf("sha1")))], named: true },
  { what: "another hash in version 1", attributes: [attribute(v1, certId(hashOf("sha256")))], named: false },
  { what: "the SHA-256 of version 2", attributes: [attribute(v2, certId(hashOf("sha256")))], named: true },
  { what: "SHA-512 said in version 2", attributes: [attribute(v2, certId(sha512, hashOf("sha512")))], named: true },
  { what: "SHA-512 not said", attributes: [attribute(v2, certId(hashOf("sha512")))], named: false },
  {
    what: "a hash nobody knows",
    attributes: [attribute(v2, certId(der.sequence(der.oid("1.2.3")), hashOf("sha256")))],
    named: false,
  },
  { what: "nothing", attributes: [], named: true },
]) {
  test(`an ESS attribute with ${what} ${named ? "fits" : "does not fit"} the certificate`, () => {
    const read = readSignedAttributes(onTheWire(contentType, messageDigest, ...attributes), 0);
    assert.equal(namesCertificate(read, certificate), named);
  });
}

for (const { what, attributes, message } of [
  { what: "no attributes", attributes: [], message: /without contentType or messageDigest/ },
  { what: "no messageDigest", attributes: [contentType], message: /without contentType or messageDigest/ },
  { what: "no contentType", attributes: [messageDigest], message: /without contentType or messageDigest/ },
  { what: "contentType twice", attributes: [contentType, contentType, messageDigest], message: /1\.9\.3 twice/ },
  {
    what: "two digests",
    attributes: [contentType, attribute(attributeTypes.messageDigest, der.nullElement(), der.nullElement())],
    message: /1\.9\.4 twice/,
  },
  {
    what: "an attribute without value",
    attributes: [contentType, messageDigest, attribute("1.2.3")],
    message: /without value/,
  },
  {
    what: "a digest that is a number",
    attributes: [contentType, attribute(attributeTypes.messageDigest, der.integer(1))],
    message: /octetString was expected/,
  },
]) {
  test(`${what} is refused, and where it stood is said`, () => {
    assert.throws(
      () => readSignedAttributes(onTheWire(...attributes), 77),
      (failure) => isSecureMailError(failure) && message.test(failure.message) && (failure.place.offset ?? 0) >= 77,
    );
  });
}

for (const { what, octets, looks } of [
  { what: "signed attributes", octets: setOf([contentType, messageDigest]), looks: true },
  { what: "one attribute of no values", octets: setOf([attribute("1.2.3")]), looks: true },
  {
    what: "signed attributes in indefinite lengths",
    octets: concat([Uint8Array.of(0x31, 0x80), contentType, Uint8Array.of(0, 0)]),
    looks: true,
  },
  {
    what: "signed attributes with more behind them",
    octets: concat([setOf([contentType]), latin1("\r\n")]),
    looks: false,
  },
  { what: "an empty set", octets: setOf([]), looks: false },
  { what: "a set of numbers", octets: setOf([der.integer(1)]), looks: false },
  { what: "a sequence of attributes", octets: der.sequence(contentType), looks: false },
  { what: "a text that begins with 1", octets: latin1("10 apples"), looks: false },
  { what: "nothing", octets: new Uint8Array(0), looks: false },
]) {
  test(`${what} ${looks ? "could" : "could not"} be signed attributes`, () => {
    assert.equal(looksLikeAttributes(octets), looks);
  });
}
