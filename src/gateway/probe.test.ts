import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMailbox, parseMailbox } from "../smtp.ts";
import { makeProbeAddress, readProbeAddress } from "./probe.ts";

const key = new Uint8Array(32).fill(1);

for (const kind of ["pass", "bounce"] as const) {
  test(`the address of a probe to ${kind} is known again after its way by mail`, () => {
    const made = makeProbeAddress(key, "0123456789abcdefghij", "treasury.example", kind);
    assert.ok(made.localPart.length <= 64);
    const back = parseMailbox(formatMailbox(made).toUpperCase());
    assert.deepEqual(back && readProbeAddress(key, back), { kind, token: "0123456789abcdefghij" });
  });
}

test("nobody without the key makes a probe", () => {
  const made = makeProbeAddress(key, "t1", "treasury.example");
  const [word, token, mac = ""] = made.localPart.split(".");
  for (const other of [
    { ...made, domain: "justice.example" },
    { ...made, localPart: `${word}-bounce.${token}.${mac}` },
    { ...made, localPart: `${word}.t2.${mac}` },
    { ...made, localPart: `${word}.${token}.${mac.slice(1)}` },
    { ...made, localPart: `${word}.${token}.` },
    { ...made, localPart: `${made.localPart}.x` },
    { ...made, localPart: "bob" },
  ]) {
    assert.equal(readProbeAddress(key, other), undefined);
  }
  assert.equal(readProbeAddress(new Uint8Array(32), made), undefined);
});

test("a token that is no word is refused when it is made", () => {
  for (const token of ["", "A", "a.b", "x".repeat(21)]) {
    assert.throws(() => makeProbeAddress(key, token, "treasury.example"), RangeError);
  }
});
