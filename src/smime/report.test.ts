import assert from "node:assert/strict";
import { test } from "node:test";
import { asn1ErrorCodes } from "../asn1.ts";
import { cmsErrorCodes } from "../cms.ts";
import { cryptoErrorCodes } from "../crypto.ts";
import { isSecureMailError, SecureMailError } from "../errors.ts";
import { codeOfFailure } from "./failures.ts";
import { mayHandOn } from "./hand-on.ts";
import { exitStatusOf, type Outcome, outcomeOf, type ReportCode, reportCodes } from "./report.ts";

const codes = Object.keys(reportCodes) as ReportCode[];
const table: readonly (readonly [Outcome, 0 | 1 | 65, ...ReportCode[]])[] = [
  ["opened", 0, "OK", "SIGNED_ONLY", "STALE"],
  ["plain", 1, "UNPROTECTED", "CERTS_ONLY"],
  ["untrusted", 1, "ENCRYPTED_ONLY", "BAD_SIGNATURE", "WEAK", "UNSUPPORTED", "UNTRUSTED", "SIGNER_MISMATCH"],
  ["untrusted", 1, "EXPIRED", "NOT_YET_VALID", "REVOKED", "REVOCATION_UNKNOWN"],
  ["refused", 1, "NO_KEY", "BAD_CONTENT"],
  ["refused", 65, "MALFORMED", "LIMIT"],
];

for (const [outcome, exit, ...those] of table) {
  test(`${those.join(", ")}: outcome ${outcome}, exit ${exit}`, () => {
    for (const code of those) {
      assert.equal(reportCodes[code].outcome, outcome);
      assert.equal(exitStatusOf(code), exit);
    }
  });
}

test("every code stands in the table once", () => {
  assert.deepEqual(table.flatMap(([, , ...those]) => those).toSorted(), codes.toSorted());
});

test("what cannot be read is refused, whatever the code", () => {
  for (const code of codes) {
    assert.equal(outcomeOf(code, true), reportCodes[code].outcome);
    assert.notEqual(outcomeOf(code, false), "untrusted");
  }
});

test("every failure of reading has a code, and none of them is a good one", () => {
  for (const code of Object.keys({ ...asn1ErrorCodes, ...cmsErrorCodes, ...cryptoErrorCodes })) {
    const { outcome } = reportCodes[codeOfFailure(new SecureMailError(code, "permanent", "a failure"))];
    assert.ok(outcome === "refused" || outcome === "untrusted", code);
  }
  assert.ok(!isSecureMailError(new Error("no failure")));
});

test("what fails inside decryption has one code", () => {
  assert.equal(codeOfFailure(new SecureMailError("CMS_BAD_CONTENT", "permanent", "")), "BAD_CONTENT");
});

for (const { code, afterCbc, asked, unasked } of [
  { code: "OK", afterCbc: true, asked: true, unasked: true },
  { code: "STALE", afterCbc: false, asked: true, unasked: true },
  { code: "UNPROTECTED", afterCbc: false, asked: true, unasked: true },
  { code: "UNTRUSTED", afterCbc: true, asked: true, unasked: false },
  { code: "ENCRYPTED_ONLY", afterCbc: true, asked: true, unasked: false },
  { code: "BAD_SIGNATURE", afterCbc: false, asked: true, unasked: false },
  { code: "BAD_SIGNATURE", afterCbc: true, asked: false, unasked: false },
  { code: "UNSUPPORTED", afterCbc: false, asked: true, unasked: false },
  { code: "UNSUPPORTED", afterCbc: true, asked: false, unasked: false },
  { code: "BAD_CONTENT", afterCbc: true, asked: false, unasked: false },
  { code: "NO_KEY", afterCbc: false, asked: false, unasked: false },
] as const) {
  test(`${code}${afterCbc ? " after CBC" : ""} is handed on ${unasked ? "always" : asked ? "when asked for" : "never"}`, () => {
    const report = {
      format: "postern-report/1",
      command: "open",
      outcome: outcomeOf(code, true),
      code,
      layers: [],
      quirks: [],
    } as const;
    const opened = { report, afterCbc, dispose: () => {} };
    assert.equal(mayHandOn(opened, true), asked);
    assert.equal(mayHandOn(opened, false), unasked);
  });
}
