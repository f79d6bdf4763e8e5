import assert from "node:assert/strict";
import { test } from "node:test";
import { authority, certify, now, type Party, revoke } from "../../test/mint.ts";
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
