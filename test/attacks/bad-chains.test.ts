// Chains that must not be believed (security A04, A14, A67), each wrong in one thing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { der } from "../../src/asn1.ts";
import { authority, type Party, revoke } from "../mint.ts";
import { type Chain, day, issuing, judge, leafOf, otherwise, root, untrusted } from "./bad-chains.ts";

const undecided: readonly Chain[] = [
  {
    what: "no anchors",
    code: "UNTRUSTED",
    reason: "NO_ANCHORS",
    build: async () => ({ leaf: await leafOf(issuing), anchors: [] }),
  },
  {
    what: "12 certificates",
    code: "UNTRUSTED",
    reason: "LIMIT",
    at: "CN=Authority 2",
    build: async () => {
      const chain = [root];
      for (let i = 1; i <= 10; i++) chain.push(await authority(`Authority ${i}`, { issuer: chain.at(-1) as Party }));
      return { leaf: await leafOf(chain.at(-1) as Party), under: chain.slice(1) };
    },
  },
  {
    what: "150 authorities of one name and none of them the issuer",
    code: "UNTRUSTED",
    reason: "LIMIT",
    build: async () => {
      const many = await Promise.all(Array.from({ length: 150 }, () => authority("Middle", { issuer: root })));
      return { leaf: await leafOf(await authority("Middle")), under: many };
    },
  },
  {
    what: "no CRL where one is required",
    code: "REVOCATION_UNKNOWN",
    reason: "REVOCATION_UNKNOWN",
    build: async () => ({ leaf: await leafOf(issuing), options: { revocation: "require" } }),
  },
  ...(
    [
      { what: "a CRL that is out of date", order: { nextUpdate: day("2026-05-30"), thisUpdate: day("2026-05-20") } },
      { what: "a CRL of tomorrow", order: { thisUpdate: day("2026-06-02") } },
      { what: "a CRL with a changed signature", order: { key: root.key } },
      {
        what: "a CRL for some certificates only",
        order: { extensions: [der.sequence(der.oid("2.5.29.28"), der.boolean(true), der.octetString(der.sequence()))] },
      },
    ] as const
  ).map(({ what, order }) => ({
    what,
    code: "REVOCATION_UNKNOWN" as const,
    reason: "REVOCATION_UNKNOWN" as const,
    build: async () => {
      const crls = [await revoke(issuing, order), await revoke(root)];
      return { leaf: await leafOf(issuing), options: { crls, revocation: "require" as const } };
    },
  })),
  {
    what: "a CRL by an authority that may not sign CRLs",
    code: "REVOCATION_UNKNOWN",
    reason: "REVOCATION_UNKNOWN",
    build: async () => {
      const middle = await authority("Middle", { issuer: root, keyUsage: ["keyCertSign"] });
      const crls = [await revoke(middle), await revoke(root)];
      return { leaf: await leafOf(middle), under: [middle], options: { crls, revocation: "require" } };
    },
  },
];

for (const chain of [...untrusted.map((chain) => ({ ...chain, code: "UNTRUSTED" as const })), ...otherwise]) {
  test(`a chain with ${chain.what} is invalid`, async () => {
    const { verdict, code, reasons } = await judge(chain);
    const [first] = reasons;
    assert.deepEqual(
      { verdict, code, reason: first?.code, at: first?.certificate },
      { verdict: "invalid", code: chain.code, reason: chain.reason, at: chain.at ?? "CN=Leaf" },
    );
  });
}

for (const chain of undecided) {
  test(`a chain with ${chain.what} is not decided`, async () => {
    const { verdict, code, reasons } = await judge(chain);
    const [first] = reasons;
    assert.deepEqual(
      { verdict, code, reason: first?.code, at: first?.certificate },
      { verdict: "indeterminate", code: chain.code, reason: chain.reason, at: chain.at ?? "CN=Leaf" },
    );
  });
}

for (const chain of otherwise.filter(({ code }) => code === "WEAK")) {
  test(`a chain with ${chain.what} is valid for legacy, and its weakness is told`, async () => {
    const { verdict, code, reasons } = await judge(chain, { legacy: true });
    assert.deepEqual([verdict, code, reasons[0]?.code], ["valid", "OK", "WEAK"]);
  });
}
