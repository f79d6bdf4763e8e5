import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { authority, certify, ecPair, now, type Party, revoke, rsaPair, versionOne } from "../../test/mint.ts";
import { der } from "../asn1.ts";
import { type Certificate, encodeName, isSelfIssued } from "../x509.ts";
import { type PathOptions, type PathVerdict, verifyPath } from "./verify-path.ts";

const root = await authority("Root");
const issuing = await authority("Issuing", { issuer: root, ca: { pathLen: 0 } });
const leaf = await certify("Leaf", { issuer: issuing, keyUsage: ["digitalSignature"] });

const certificates = (parties: readonly Party[]): Certificate[] => parties.map(({ certificate }) => certificate);

function verify(
  end: Party,
  under: readonly Party[],
  anchors: readonly Party[] = [root],
  options: Partial<PathOptions> = {},
): PathVerdict {
  const [trusted, intermediates] = [certificates(anchors), certificates(under)];
  return verifyPath(end.certificate, { anchors: trusted, intermediates, at: now, purpose: "signing", ...options });
}

function assertPath(verdict: PathVerdict, ...path: readonly Party[]): void {
  assert.deepEqual(verdict.reasons, []);
  assert.equal(verdict.verdict, "valid");
  assert.deepEqual(
    verdict.path.map(({ sha256 }) => sha256),
    path.map(({ certificate }) => certificate.sha256),
  );
}

test("a path leads from the leaf over the intermediate to the anchor", () => {
  assertPath(verify(leaf, [issuing]), leaf, issuing, root);
});

test("a leaf that is itself an anchor is its own path", async () => {
  const own = await certify("Own");
  assertPath(verify(own, [], [own]), own);
  assertPath(verify(leaf, [], [leaf]), leaf);
});

test("an intermediate may be the anchor, and its root is not needed", () => {
  assertPath(verify(leaf, [root], [issuing]), leaf, issuing);
});

test("an expired anchor does not hide one above it", async () => {
  const old = await authority("Old", { issuer: root, notAfter: new Date("2026-05-01T00:00:00Z") });
  const fresh = await authority("Old", { issuer: root, pair: old.pair });
  const end = await certify("Leaf", { issuer: old });
  assertPath(verify(end, [fresh], [old, root]), end, fresh, root);
});

test("dates are judged to the second, the first and the last included", () => {
  const { notBefore, notAfter } = leaf.certificate;
  const at = (time: number) => verify(leaf, [issuing], [root], { at: new Date(time) }).code;
  assert.equal(at(notBefore.getTime()), "OK");
  assert.equal(at(notBefore.getTime() - 1), "NOT_YET_VALID");
  assert.equal(at(notAfter.getTime()), "OK");
  assert.equal(at(notAfter.getTime() + 1), "EXPIRED");
});

test("the right one of several authorities with one name is found", async () => {
  const others = await Promise.all(Array.from({ length: 9 }, () => authority("Issuing", { issuer: root })));
  assertPath(verify(leaf, [...others, issuing]), leaf, issuing, root);
});

test("a wrong authorityKeyIdentifier is only a hint", async () => {
  const namesake = await authority("Issuing", { issuer: root });
  const misled = await certify("Leaf", { issuer: { ...issuing, certificate: namesake.certificate } });
  assertPath(verify(misled, [namesake, issuing]), misled, issuing, root);
});

test("of two certificates for the same authority the valid one is taken", async () => {
  const expired = await authority("Issuing", {
    issuer: root,
    pair: issuing.pair,
    notAfter: new Date("2026-02-01T00:00:00Z"),
  });
  assertPath(verify(leaf, [expired, issuing]), leaf, issuing, root);
});

test("a cross-certificate leads to the other community's anchor", async () => {
  const foreignRoot = await authority("Foreign root");
  const cross = await authority("Root", { issuer: foreignRoot, pair: root.pair });
  assertPath(verify(leaf, [issuing, root, cross], [foreignRoot]), leaf, issuing, cross, foreignRoot);
});

test("a root's new key is certified by its old one without using up the path length", async () => {
  const old = await authority("Root", { ca: { pathLen: 1 } });
  const rolled = await authority("Root", { issuer: old });
  const middle = await authority("Middle", { issuer: rolled });
  const end = await certify("Leaf", { issuer: middle });
  assert.ok(isSelfIssued(rolled.certificate));
  assertPath(verify(end, [middle, rolled], [old]), end, middle, rolled, old);
});

test("an anchor of version 1 cannot say that it is an authority, and need not", async () => {
  const anchor = await versionOne(root);
  assertPath(verify(leaf, [issuing], [anchor]), leaf, issuing, anchor);
});

test("an intermediate of version 1 is no authority", async () => {
  const middle = await versionOne(await authority("Middle", { issuer: root }), root);
  const end = await certify("Leaf", { issuer: middle });
  assert.equal(verify(end, [middle]).reasons[0]?.code, "NOT_CA");
});

test("names that differ in case and blanks chain", async () => {
  const middle = await authority("middle", { issuer: root, subject: encodeName(["O", "See  Authority"]) });
  const end = await certify("Leaf", { issuer: middle });
  const shouting = await authority("x", {
    issuer: root,
    pair: middle.pair,
    subject: encodeName(["O", " SEE AUTHORITY"]),
  });
  assertPath(verify(end, [shouting]), end, shouting, root);
});

test("certificate policies that nobody requires do no harm, critical or not", async () => {
  const policies = { oid: "2.5.29.32", critical: true, value: der.sequence(der.sequence(der.oid("1.2.3"))) };
  const end = await certify("Leaf", { issuer: issuing, extensions: [policies] });
  assertPath(verify(end, [issuing]), end, issuing, root);
});

test("for any purpose key usages of the leaf do not matter, for one they do", async () => {
  const tls = await certify("Leaf", {
    issuer: issuing,
    keyUsage: ["keyEncipherment"],
    extendedKeyUsage: ["1.3.6.1.5.5.7.3.1"],
  });
  assert.equal(verify(tls, [issuing], [root], { purpose: "any" }).code, "OK");
  for (const purpose of ["signing", "encryption"] as const) {
    const { reasons } = verify(tls, [issuing], [root], { purpose });
    assert.ok(reasons.some(({ code }) => code === "EXTENDED_KEY_USAGE"));
  }
});

for (const { kind, pair, scheme } of [
  { kind: "RSA PKCS #1", pair: rsaPair(2048), scheme: "rsa-v15-sha256" },
  { kind: "RSA-PSS", pair: rsaPair(2048), scheme: "rsa-pss-sha512" },
  { kind: "ECDSA P-384", pair: ecPair("P-384"), scheme: "ecdsa-sha384" },
  { kind: "ECDSA P-521", pair: ecPair("P-521"), scheme: "ecdsa-sha512" },
  { kind: "brainpool", pair: ecPair("brainpoolP256r1"), scheme: "ecdsa-sha256" },
] as const) {
  test(`an authority may sign with ${kind}`, async () => {
    const own = await authority("Own root", { pair, scheme });
    const end = await certify("Leaf", { issuer: own, scheme });
    assertPath(verify(end, [], [own]), end, own);
  });
}

test("of a bad and a worse path the better one is told", async () => {
  const noAuthority = await certify("Issuing", { issuer: root, pair: issuing.pair });
  const expired = await authority("Issuing", {
    issuer: root,
    pair: issuing.pair,
    notAfter: new Date("2026-02-01T00:00:00Z"),
  });
  for (const under of [
    [noAuthority, expired],
    [expired, noAuthority],
  ]) {
    assert.equal(verify(leaf, under).code, "EXPIRED");
  }
});

test("what is worst about a path comes first", async () => {
  const middle = await certify("Middle", { issuer: root, pair: rsaPair(1024) });
  const end = await certify("Leaf", {
    issuer: middle,
    scheme: "rsa-v15-sha1",
    notAfter: new Date("2026-02-01T00:00:00Z"),
  });
  const { code, reasons } = verify(end, [middle], [root], { legacy: false });
  assert.equal(code, "UNTRUSTED");
  assert.deepEqual(
    reasons.map((reason) => reason.code),
    ["NOT_CA", "WEAK", "WEAK", "EXPIRED"],
  );
});

test("of thousands of reasons the most telling are told", async () => {
  const extensions = Array.from({ length: 2_000 }, (_, i) => {
    return { oid: `1.2.${i}`, critical: true, value: Uint8Array.of(5, 0) };
  });
  const end = await certify("Leaf", { issuer: root, extensions });
  const { code, reasons } = verify(end, []);
  assert.equal(code, "UNTRUSTED");
  assert.equal(reasons.length, 20);
});

test("legacy passes over weakness, however much of it there is, and over nothing else", async () => {
  const pair = rsaPair(1024);
  const under = [await authority("Weak 0", { pair })];
  const notAfter = new Date("2026-02-01T00:00:00Z");
  for (let i = 1; i < 10; i++)
    under.push(await authority(`Weak ${i}`, { issuer: under.at(-1) as Party, pair, scheme: "rsa-v15-sha1", notAfter }));
  const [anchor, end] = [under[0] as Party, under[9] as Party];
  assert.equal(verify(end, under, [anchor], { purpose: "any" }).code, "WEAK");
  assert.equal(verify(end, under, [anchor], { purpose: "any", legacy: true }).code, "EXPIRED");
});

test("a current CRL that does not list a certificate satisfies who requires one", async () => {
  const crls = [await revoke(root), await revoke(issuing, { revoked: [issuing.certificate] })];
  assertPath(verify(leaf, [issuing], [root], { crls, revocation: "require" }), leaf, issuing, root);
});

test("revocation after the moment judged does not count, nor any where it is to be ignored", async () => {
  const later = await revoke(issuing, {
    revoked: [leaf.certificate],
    revocationDate: new Date("2026-06-02T00:00:00Z"),
  });
  assert.equal(verify(leaf, [issuing], [root], { crls: [later] }).code, "OK");
  const listed = [await revoke(issuing, { revoked: [leaf.certificate] })];
  assert.equal(verify(leaf, [issuing], [root], { crls: listed }).code, "REVOKED");
  assert.equal(verify(leaf, [issuing], [root], { crls: listed, revocation: "ignore" }).code, "OK");
});

test("the verdict does not depend on the order in which certificates come", async () => {
  const junk = await Promise.all([authority("Issuing"), authority("Root"), certify("Issuing", { issuer: root })]);
  const expired = await authority("Issuing", {
    issuer: root,
    pair: issuing.pair,
    notAfter: new Date("2026-02-01T00:00:00Z"),
  });
  const all = [...junk, expired, issuing, root, leaf];
  fc.assert(
    fc.property(fc.shuffledSubarray(all), (under) => {
      const { verdict, code } = verify(leaf, under);
      if (under.includes(issuing)) assert.equal(verdict, "valid");
      else assert.equal(code, under.includes(expired) ? "EXPIRED" : "UNTRUSTED");
    }),
  );
});

test("a mesh of authorities that certify each other and lead nowhere is given up in a quarter of a second", async () => {
  const pairs = Array.from({ length: 12 }, () => ecPair());
  const roots = await Promise.all(pairs.map((pair, i) => authority(`Mesh ${i}`, { pair })));
  const mesh = await Promise.all(
    roots.flatMap((issuer, i) =>
      pairs.filter((_, j) => j !== i).map((pair, j) => authority(`Mesh ${j < i ? j : j + 1}`, { issuer, pair })),
    ),
  );
  const end = await certify("Leaf", { issuer: mesh[0] as Party });
  const started = performance.now();
  const { verdict, code } = verify(end, mesh);
  assert.ok(performance.now() - started < 250);
  assert.deepEqual([verdict, code], ["indeterminate", "UNTRUSTED"]);
});
