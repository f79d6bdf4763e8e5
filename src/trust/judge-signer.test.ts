import assert from "node:assert/strict";
import { test } from "node:test";
import { authority, certify, now, type Party, revoke, rsaPair } from "../../test/mint.ts";
import { type SignerJudgeOptions, signerJudge } from "./judge-signer.ts";

const root = await authority("Root");
const hours = 3_600_000;
const days = 24 * hours;

function before(ms: number): Date {
  return new Date(now.getTime() - ms);
}

function signerOf(notAfter: Date = new Date(now.getTime() + 90 * days)): Promise<Party> {
  return certify("Signer", { issuer: root, notAfter, keyUsage: ["digitalSignature"] });
}

function codeOf({ certificate }: Party, signingTime: Date, changes: Partial<SignerJudgeOptions> = {}): string {
  const anchors = [root.certificate];
  const judge = signerJudge({
    ...{ anchors, intermediates: [], crls: [], revocation: "check", now, legacy: false, binding: { kind: "none" } },
    ...changes,
  });
  return judge({ certificate, certificates: [], signingTime }).path.code;
}

test("S-6.10: a certificate may have ended while the mail waited, at most seven days ago", async () => {
  assert.equal(codeOf(await signerOf(before(1 * hours)), before(2 * hours)), "OK");
  assert.equal(codeOf(await signerOf(before(3 * hours)), before(2 * hours)), "EXPIRED");
  assert.equal(codeOf(await signerOf(before(1 * hours)), before(8 * days)), "EXPIRED");
});

test("S-6.10: a signing time in the future is not believed", async () => {
  const soon = await certify("Soon", { issuer: root, notBefore: new Date(now.getTime() + hours) });
  assert.equal(codeOf(soon, new Date(now.getTime() + 2 * hours)), "NOT_YET_VALID");
});

test("S-6.10: no signing time undoes a revocation", async () => {
  const signer = await signerOf();
  const crls = [await revoke(root, { revoked: [signer.certificate], revocationDate: before(1 * days) })];
  assert.equal(codeOf(signer, before(2 * days), { crls }), "REVOKED");
});

test("S-6.10: a list that came out after the mail was signed is evidence", async () => {
  const crls = [await revoke(root, { thisUpdate: before(1 * hours) })];
  assert.equal(codeOf(await signerOf(), before(2 * hours), { crls, revocation: "require" }), "OK");
});

test("S-6.10: a list that has run out is none, whatever the signing time says", async () => {
  const crls = [await revoke(root, { thisUpdate: before(5 * days), nextUpdate: before(1 * days) })];
  const signer = await signerOf();
  assert.equal(codeOf(signer, before(2 * days), { crls, revocation: "require" }), "REVOCATION_UNKNOWN");
});

test("a signer that was compared by hand needs no authority, but nothing else is forgiven", async () => {
  const stranger = await authority("Stranger");
  const sign = (order: object) => certify("Theirs", { issuer: stranger, keyUsage: ["digitalSignature"], ...order });
  const own = await sign({ emails: ["domain-signing-authority@partner.example"] });
  const other = await sign({ emails: ["domain-signing-authority@partner.example"] });
  const nameless = await sign({});
  const over = await sign({ notAfter: before(30 * days) });
  const weak = await sign({ pair: rsaPair(1024) });
  const verdict = ({ certificate }: Party, named: boolean) => {
    const pins = [own, nameless, over, weak].map((party) => party.certificate.sha256);
    const binding = { kind: "pinned", domain: "partner.example", pins, named } as const;
    const options = { anchors: [root.certificate], intermediates: [stranger.certificate], crls: [] } as const;
    const judge = signerJudge({ ...options, revocation: "check", now, legacy: false, binding });
    const { path, bound } = judge({ certificate, certificates: [], signingTime: now });
    return `${path.code} ${bound}`;
  };
  assert.equal(verdict(own, true), "OK true");
  assert.equal(verdict(other, true), "UNTRUSTED false");
  assert.equal(verdict(nameless, true), "OK false");
  assert.equal(verdict(nameless, false), "OK true");
  assert.equal(verdict(over, false), "EXPIRED true");
  assert.equal(verdict(weak, false), "WEAK true");
});

test("what an authority that we know took back stays taken back, compared by hand or not", async () => {
  const signer = await signerOf();
  const { certificate } = signer;
  const binding = { kind: "pinned", domain: "a.example", pins: [certificate.sha256], named: false } as const;
  const crls = [await revoke(root, { revoked: [certificate], revocationDate: before(1 * days) })];
  assert.equal(codeOf(signer, now, { binding }), "OK");
  assert.equal(codeOf(signer, now, { binding, crls }), "REVOKED");
});
