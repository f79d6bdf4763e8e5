import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReportCode, reportCodes } from "../smime.ts";
import { admit } from "./admit.ts";

const untrusted = { clear: "deliver", aead: "deliver", cbc: "hold", closed: "hold" } as const;
const opened = { clear: "deliver", aead: "deliver", cbc: "deliver", closed: "hold" } as const;
const all = <Value>(value: Value) => ({ clear: value, aead: value, cbc: value, closed: value });
const unreadable = { clear: "deliverUntouched", aead: "hold", cbc: "hold", closed: "hold" } as const;

/** The gateway column of the table of codes. */
const table: Readonly<Record<ReportCode, Readonly<Record<"clear" | "aead" | "cbc" | "closed", string>>>> = {
  OK: opened,
  SIGNED_ONLY: opened,
  STALE: opened,
  UNPROTECTED: all("deliverUntouched"),
  CERTS_ONLY: all("deliverUntouched"),
  NO_KEY: all("deliverUntouched"),
  ENCRYPTED_ONLY: untrusted,
  BAD_SIGNATURE: untrusted,
  WEAK: untrusted,
  UNSUPPORTED: untrusted,
  UNTRUSTED: untrusted,
  SIGNER_MISMATCH: untrusted,
  EXPIRED: untrusted,
  NOT_YET_VALID: untrusted,
  REVOKED: all("hold"),
  BAD_CONTENT: all("hold"),
  REVOCATION_UNKNOWN: all("defer"),
  MALFORMED: unreadable,
  LIMIT: unreadable,
};

const states = {
  clear: { encrypted: false, afterCbc: false, readable: true },
  aead: { encrypted: true, afterCbc: false, readable: true },
  cbc: { encrypted: true, afterCbc: true, readable: true },
  closed: { encrypted: true, afterCbc: false, readable: false },
} as const;

for (const code of Object.keys(reportCodes) as ReportCode[]) {
  test(`${code} permits what the table says, in clear, after AEAD, after CBC and unreadable`, () => {
    const found = Object.entries(states).map(([name, state]) => [name, admit({ code, ...state })]);
    assert.deepEqual(Object.fromEntries(found), table[code]);
  });
}
