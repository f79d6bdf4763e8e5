import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeEnvid, readEnvid, withoutGoodNews } from "./envid.ts";

const key = new Uint8Array(32).fill(1);
const alice = "alice@justice.example";

test("an ENVID of ours says whether its mail may be told about, and what the sender called it", () => {
  for (const claim of [{ tellable: true }, { tellable: false }, { tellable: true, envid: "QQ+314=159 26" }]) {
    assert.deepEqual(readEnvid(key, makeEnvid(key, claim, alice), alice), { kind: "ours", claim });
  }
});

test("an ENVID of ours is one word of at most 100 characters that xtext leaves alone, whatever the sender's was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 100 }), (envid) => {
      const made = makeEnvid(key, { tellable: true, envid }, alice);
      assert.match(made, /^[\w.-]{1,100}$/);
      const reading = readEnvid(key, made, alice);
      assert.ok(reading.kind === "ours" && reading.claim.tellable);
      // One that does not fit is left out, never cut.
      assert.ok(reading.claim.envid === undefined || reading.claim.envid === envid);
      assert.equal(reading.claim.envid === undefined, envid === "" || Buffer.byteLength(envid) > 53);
    }),
  );
});

test("it counts for one address, under one key, whole", () => {
  const made = makeEnvid(key, { tellable: false, envid: "x" }, alice);
  const forged = { kind: "forged" };
  assert.deepEqual(readEnvid(key, made, "eve@evil.example"), forged);
  assert.deepEqual(readEnvid(new Uint8Array(32), made, alice), forged);
  assert.deepEqual(readEnvid(key, made.replace(".H.", ".T."), alice), forged);
  assert.deepEqual(readEnvid(key, made.toLowerCase(), alice), forged);
  for (let end = "POSTERN1.".length; end < made.length; end += 1) {
    assert.deepEqual(readEnvid(key, made.slice(0, end), alice), forged);
  }
  for (const foreign of ["", "QQ-314159", "POSTERN", "POSTERN12"]) {
    assert.deepEqual(readEnvid(key, foreign, alice), { kind: "foreign" });
  }
});

test("of mail whose sender is not to hear of it only failures are reported, to be held", () => {
  const bob = { localPart: "bob", domain: "treasury.example" };
  const orcpt = { type: "rfc822", address: "bob@treasury.example" };
  const path = { ...bob, dsn: { notify: ["SUCCESS", "DELAY"], orcpt } } as const;
  assert.deepEqual(withoutGoodNews(path), { ...bob, dsn: { notify: ["FAILURE"], orcpt } });
  for (const as of [bob, { ...bob, dsn: { orcpt } }, { ...bob, dsn: { notify: "NEVER" } } as const]) {
    assert.equal(withoutGoodNews(as), as);
  }
});
