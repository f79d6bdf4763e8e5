import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { privateKeyOf } from "../crypto.ts";
import { type DomainName, parseDomainName } from "../domain.ts";
import { formatLdif, type LdifAttribute, parseLdif } from "../ldif.ts";
import { isBoundToDomain, verifyPath } from "../trust.ts";
import { encodeName, issueCertificate, type KeyUsage, parseCertificate } from "../x509.ts";
import { readMember } from "./member.ts";
import { type JudgeEncryption, selectEncryptionCertificates } from "./select-certificate.ts";
import { makeSnapshot } from "./snapshot.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = privateKeyOf(privateKey, publicKey);
const spki = publicKey.export({ format: "der", type: "spki" });
const at = new Date("2026-11-23T12:00:00Z");

type Wish = { readonly from?: string; readonly until?: string; readonly email?: string; readonly usage?: KeyUsage };
let serial = 0;

async function issue({
  from = "2026-01-01",
  until = "2027-01-01",
  email = "domain-confidentiality-authority@a.example",
  usage = "keyAgreement",
}: Wish = {}) {
  serial += 1;
  return issueCertificate(
    {
      subject: encodeName(["CN", `certificate ${serial}`]),
      spki,
      issuer: root,
      serial: Uint8Array.of(serial),
      notBefore: new Date(`${from}T00:00:00Z`),
      notAfter: new Date(`${until}T00:00:00Z`),
      keyUsage: [usage],
      emails: [email],
    },
    key,
  );
}

const root = parseCertificate(
  await issueCertificate(
    {
      subject: encodeName(["CN", "root"]),
      spki,
      serial: Uint8Array.of(1),
      notBefore: new Date("2020-01-01T00:00:00Z"),
      notAfter: new Date("2040-01-01T00:00:00Z"),
      ca: {},
      keyUsage: ["keyCertSign", "cRLSign"],
    },
    key,
  ),
);

const judge: JudgeEncryption = (certificate, domain) => {
  const { code, reasons } = verifyPath(certificate, { anchors: [root], intermediates: [], at, purpose: "encryption" });
  return { bound: isBoundToDomain(certificate, domain, "encryption"), code, detail: reasons[0]?.detail ?? "" };
};

const domain = (text: string) => parseDomainName(text) as DomainName;
const base: readonly LdifAttribute[] = [
  ["objectClass", "posternMember"],
  ["cn", "a.example"],
  ["associatedDomain", "a.example"],
];
const entries = (...all: (readonly LdifAttribute[])[]) =>
  parseLdif(Buffer.from(formatLdif(all.map((attributes, index) => ({ dn: `cn=${index}`, attributes })))));
const read = (...attributes: readonly LdifAttribute[]) => {
  const [entry] = entries(attributes);
  assert.ok(entry);
  return readMember(entry);
};

test("an entry with everything is read", async () => {
  const certificate = await issue();
  const { member, faults } = read(
    ...base,
    ["associatedDomain", "B.Example"],
    ["userCertificate;binary", certificate],
    ["userCertificate", certificate],
    ["posternStatus", "test"],
    ["posternClass", "trustedPartner"],
    ["posternPin", "AB:".repeat(31).concat("ab")],
    ["posternProfile", "M"],
    ["posternProfile", "b"],
    ["posternMaxClassification", "RESTRICTED"],
    ["posternIncludeSubdomains", "TRUE"],
    ["posternIdentification", "header:X-Domain=a=b"],
    ["posternMaxMessageSize", "52428800"],
    ["posternCertifiedUntil", "20271123000000Z"],
    ["posternContact", "postmaster@a.example"],
  );
  assert.deepEqual(faults, []);
  assert.ok(member);
  const { certificates, ...rest } = member;
  assert.deepEqual(
    certificates.map(({ octets }) => Buffer.from(octets)),
    [Buffer.from(certificate)],
  );
  assert.deepEqual(rest, {
    name: "a.example",
    domains: ["a.example", "b.example"],
    status: "test",
    class: "trustedPartner",
    pins: ["ab".repeat(32)],
    profiles: ["M", "B"],
    includeSubdomains: true,
    identification: { kind: "header", name: "X-Domain", value: "a=b" },
    maxClassification: "RESTRICTED",
    maxMessageSize: 52428800,
    certifiedUntil: new Date("2027-11-23T00:00:00Z"),
    contact: "postmaster@a.example",
  });
});

test("an entry of an older directory is found by its authority's address", () => {
  const { member, faults } = read(
    ["cn", "A"],
    ["mail", "domain-confidentiality-authority@a.example"],
    ["mail", "x@b.example"],
  );
  assert.deepEqual([member?.domains, member?.status, faults], [["a.example"], "active", []]);
});

test("an entry about something else is no member and no fault", () => {
  assert.deepEqual(read(["objectClass", "organizationalUnit"], ["ou", "members"]), { faults: [] });
});

test("a member without a domain is a fault", () => {
  assert.deepEqual(read(["objectClass", "posternMember"]).faults[0]?.reason, "a member without a domain");
});

for (const [attribute, value] of [
  ["posternStatus", "aktive"],
  ["posternClass", "?"],
  ["posternPin", "abc"],
  ["posternProfile", "X"],
  ["posternIncludeSubdomains", "yes"],
  ["posternIdentification", "header:"],
  ["posternMaxMessageSize", "50 MB"],
  ["posternCertifiedUntil", "20270230000000Z"],
  ["associatedDomain", "not a domain"],
] as const) {
  test(`${attribute} "${value}" is named as a fault and suspends the member`, () => {
    const { member, faults } = read(...base, [attribute, value]);
    assert.equal(member?.status, "suspended");
    assert.deepEqual(faults, [{ dn: "cn=0", attribute, reason: `"${value}" is not understood` }]);
  });
}

test("two values where one may stand are a fault and suspend", () => {
  const { member, faults } = read(...base, ["posternStatus", "active"], ["posternStatus", "left"]);
  assert.deepEqual([member?.status, faults[0]?.reason], ["suspended", "more than one value"]);
});

test("a certificate that cannot be read is named, the others stay and so does the member", async () => {
  const { member, faults } = read(
    ...base,
    ["userCertificate;binary", Buffer.from("x")],
    ["userCertificate;binary", await issue()],
  );
  assert.deepEqual([member?.status, member?.certificates.length, faults.length], ["active", 1, 1]);
});

test("a domain is found by its own entry, else by the nearest above that speaks for its subdomains", () => {
  const entry = (name: string, includes: string): LdifAttribute[] => [
    ["associatedDomain", name],
    ["posternIncludeSubdomains", includes],
  ];
  const snapshot = makeSnapshot(
    7,
    entries(
      entry("a.example", "TRUE"),
      entry("own.a.example", "FALSE"),
      entry("b.example", "FALSE"),
      entry("deep.own.a.example", "TRUE"),
    ),
  );
  assert.equal(snapshot.number, 7);
  for (const [asked, answer] of [
    ["a.example", "a.example"],
    ["x.a.example", "a.example"],
    ["y.x.a.example", "a.example"],
    ["own.a.example", "own.a.example"],
    ["x.own.a.example", undefined],
    ["deep.own.a.example", "deep.own.a.example"],
    ["x.deep.own.a.example", "deep.own.a.example"],
    ["b.example", "b.example"],
    ["x.b.example", undefined],
    ["xa.example", undefined],
    ["c.example", undefined],
  ] as const) {
    assert.equal(snapshot.find(domain(asked))?.domain, answer, asked);
  }
});

test("a domain with two entries is suspended until somebody says whose it is", () => {
  const snapshot = makeSnapshot(1, entries(base, base));
  assert.equal(snapshot.find(domain("a.example"))?.member.status, "suspended");
  assert.deepEqual(snapshot.faults, [
    { dn: "cn=1", attribute: "associatedDomain", reason: "a.example has an entry already" },
  ]);
});

test("every good encryption certificate is chosen, newest first, and each other has its reason", async () => {
  const wishes: readonly Wish[] = [
    {},
    { from: "2026-06-01" },
    { from: "2026-12-01" },
    { until: "2026-11-01" },
    { usage: "digitalSignature" },
    { email: "domain-confidentiality-authority@b.example" },
    { email: "domain-signing-authority@a.example" },
  ];
  const values = await Promise.all(wishes.map(async (wish) => ["userCertificate;binary", await issue(wish)] as const));
  const found = makeSnapshot(1, entries([...base, ...values])).find(domain("a.example"));
  assert.ok(found);
  const { chosen, rejected } = selectEncryptionCertificates(found, judge);
  assert.deepEqual(
    chosen.map(({ notBefore }) => notBefore.toISOString().slice(0, 10)),
    ["2026-06-01", "2026-01-01"],
  );
  assert.deepEqual(
    rejected.map(({ code }) => code),
    ["NOT_YET_VALID", "EXPIRED", "KEY_USAGE", "NOT_BOUND", "NOT_BOUND"],
  );
});

test("where certificates are pinned no other counts, and a manual entry asks for no name", async () => {
  const [pinned, other, foreign] = await Promise.all([issue(), issue(), issue({ email: "x@partner.example" })]);
  const entry = (pin: Uint8Array, ...more: LdifAttribute[]) =>
    makeSnapshot(
      1,
      entries([
        ...base,
        ...[pinned, other, foreign].map((octets): LdifAttribute => ["userCertificate;binary", octets]),
        ["posternPin", parseCertificate(pin).sha256],
        ...more,
      ]),
    ).find(domain("a.example"));
  const outcome = (found: ReturnType<typeof entry>) => {
    assert.ok(found);
    const { chosen, rejected } = selectEncryptionCertificates(found, judge);
    return [chosen.map(({ sha256 }) => sha256), rejected.map(({ code }) => code)];
  };
  assert.deepEqual(outcome(entry(pinned)), [[parseCertificate(pinned).sha256], ["NOT_PINNED", "NOT_PINNED"]]);
  assert.deepEqual(outcome(entry(foreign)), [[], ["NOT_PINNED", "NOT_PINNED", "NOT_BOUND"]]);
  const manual = entry(foreign, ["posternIdentification", "manual"]);
  assert.deepEqual(outcome(manual), [[parseCertificate(foreign).sha256], ["NOT_PINNED", "NOT_PINNED"]]);
});
