import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOfSigners } from "./judge.ts";
import type { ReportCode, SignerReport } from "./report.ts";

/** A signer as a report shows it, right and bound unless told otherwise. */
function signer(code: ReportCode, changes: Partial<SignerReport> = {}): SignerReport {
  const verdict = code === "OK" ? "valid" : "invalid";
  return { verdict, code, signature: "valid", path: { verdict: "valid", code: "OK" }, bound: true, ...changes };
}

const ok = signer("OK");
const forged = signer("BAD_SIGNATURE", { signature: "invalid" });
const strange = signer("BAD_SIGNATURE", { signature: "invalid", bound: false });
const foreign = signer("SIGNER_MISMATCH", { bound: false });
const unknown = signer("UNTRUSTED", { signature: "unsupported", bound: false });
const future = signer("UNSUPPORTED", { signature: "unsupported" });

for (const { what, signers, code } of [
  { what: "nobody", signers: [], code: "BAD_SIGNATURE" },
  { what: "one who is right", signers: [ok], code: "OK" },
  { what: "one who is right among strangers", signers: [foreign, unknown, ok, strange], code: "OK" },
  { what: "one who is right beside an algorithm to come", signers: [future, ok], code: "OK" },
  { what: "one who is right beside one who claims the domain", signers: [ok, forged], code: "BAD_SIGNATURE" },
  { what: "strangers", signers: [strange, unknown, foreign], code: "SIGNER_MISMATCH" },
  { what: "one revoked and one expired", signers: [signer("EXPIRED"), signer("REVOKED")], code: "REVOKED" },
  { what: "one weak and one untrusted", signers: [signer("UNTRUSTED"), signer("WEAK")], code: "WEAK" },
  {
    what: "one whose evidence is missing",
    signers: [unknown, signer("REVOCATION_UNKNOWN")],
    code: "REVOCATION_UNKNOWN",
  },
  { what: "one who cannot be judged", signers: [future, strange], code: "UNSUPPORTED" },
] as const) {
  test(`a layer signed by ${what} is ${code}, in any order`, () => {
    assert.equal(codeOfSigners(signers), code);
    assert.equal(codeOfSigners(signers.toReversed()), code);
  });
}
