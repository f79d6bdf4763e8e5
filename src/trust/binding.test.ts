import assert from "node:assert/strict";
import { test } from "node:test";
import { certify } from "../../test/mint.ts";
import { context, der, tag } from "../asn1.ts";
import { type Certificate, encodeName } from "../x509.ts";
import { boundDomains, isBoundToAddress, isBoundToDomain } from "./binding.ts";

const ours = "domain-signing-authority@a.example";

async function naming(...emails: readonly string[]): Promise<Certificate> {
  const { certificate } = await certify("a.example", { emails });
  return certificate;
}

test("the well-known address binds a certificate to its domain, for its role only", async () => {
  const signer = await naming(ours);
  assert.ok(isBoundToDomain(signer, "a.example", "signing"));
  assert.ok(!isBoundToDomain(signer, "a.example", "encryption"));
  const both = await naming("Domain-Confidentiality-Authority@A.Example", ours, "domain-signing-authority@b.example");
  assert.ok(isBoundToDomain(both, "a.example", "encryption"));
  assert.ok(isBoundToDomain(both, "B.EXAMPLE", "signing"));
  assert.deepEqual(boundDomains(both, "signing"), ["a.example", "b.example"]);
});

for (const domain of [
  "example",
  "b.a.example",
  "xa.example",
  "a.example.b.example",
  "a.example.",
  "",
  " a.example",
  "@a.example",
]) {
  test(`a certificate of a.example does not speak for ${JSON.stringify(domain)}`, async () => {
    assert.ok(!isBoundToDomain(await naming(ours), domain, "signing"));
  });
}

test("a personal certificate names its address, whatever the case", async () => {
  const alice = await naming("Alice@Partner.Example");
  assert.ok(isBoundToAddress(alice, "alice@partner.example"));
  assert.ok(!isBoundToAddress(alice, "bob@partner.example"));
  assert.ok(!isBoundToAddress(alice, "alice@partner.example@a.example"));
});

test("what is no rfc822Name does not bind", async () => {
  const elsewhere = der.sequence(
    der.text(context(2), "a.example"),
    der.text(context(6), "smtp://a.example"),
    der.implicit(0, der.sequence(der.oid("1.3.6.1.5.5.7.8.9"), der.explicit(0, der.text(tag.utf8String, ours)))),
  );
  const { certificate } = await certify("x", {
    subject: encodeName(["emailAddress", ours], ["CN", ours]),
    extensions: [{ oid: "2.5.29.17", critical: false, value: elsewhere }],
  });
  assert.ok(!isBoundToDomain(certificate, "a.example", "signing"));
  assert.deepEqual(certificate.emails, []);
});

// Security A12: every way to write an address that one program takes for ours and another does not.
const [local, host] = ours.split("@") as [string, string];
const odd = [
  ...Array.from({ length: 0x21 }, (_, code) => String.fromCharCode(code)),
  "\x7f",
  "\x80",
  "\xa0",
  "\xad",
  "\xc0",
  "\xff",
];
const insertions = odd.flatMap((character) => [
  `${character}${ours}`,
  `${ours}${character}`,
  `${local}${character}@${host}`,
  `${local}@${character}${host}`,
  `${local}@a.${character}example`,
]);
const cuts = ["\0.evil.example", "\0@evil.example", " .evil.example", "@evil.example", "\n.evil.example"];
const crafted = new Set([
  ...insertions,
  ...cuts.flatMap((cut) => [`${ours}${cut}`, `${local}${cut}@${host}`]),
  ...[
    `<${ours}>`,
    `"${local}"@${host}`,
    `(x)${ours}`,
    `${ours}(x)`,
    `mailto:${ours}`,
    `${ours},x@evil.example`,
    `${ours};`,
  ],
  ...[`${local}@${host}.`, `${local}@.${host}`, `${local}@a..example`, `${local}@*.example`, `${local}@[a.example]`],
  ...[
    `${local}@@${host}`,
    `x@${ours}`,
    `${local}.@${host}`,
    `.${local}@${host}`,
    `${local}@-${host}`,
    `${local}@${host}-`,
  ],
  ...[`${local}@a_b.example`, `${local}@a.example:25`, `${local}@a.example/`, `${local}\\@${host}`],
  ...[
    `${local}@${"a".repeat(64)}.example`,
    `${"x".repeat(65)}@${host}`,
    `${local}@${"a.".repeat(130)}example`,
    "@",
    host,
    local,
    "",
  ],
]);

test(`${crafted.size} addresses that are almost ours are not`, async () => {
  assert.ok(crafted.size >= 200);
  for (const email of crafted) {
    const certificate = await naming(email);
    assert.equal(isBoundToDomain(certificate, "a.example", "signing"), false, JSON.stringify(email));
    assert.deepEqual(certificate.emails, [], JSON.stringify(email));
    assert.deepEqual(certificate.extensions.subjectAltName?.rfc822Names, [email]);
  }
});

test("mailboxes of other users of the domain are not its own", async () => {
  for (const other of [
    `${local}%00`,
    `=?utf-8?q?${local}?=`,
    `${local}+x`,
    `x-${local}`,
    "domain-encrypting-authority",
  ]) {
    const certificate = await naming(`${other}@${host}`);
    assert.equal(certificate.emails.length, 1);
    assert.ok(!isBoundToDomain(certificate, host, "signing"), other);
    assert.ok(!isBoundToDomain(certificate, host, "encryption"), other);
  }
});

test("an address that is none does not spoil one that is", async () => {
  assert.ok(isBoundToDomain(await naming(`${ours}\0`, ours), "a.example", "signing"));
});
