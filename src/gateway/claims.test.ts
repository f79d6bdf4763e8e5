import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1, latin1Text, sourceOf } from "../bytes.ts";
import { formatHeader, readEntity } from "../mime.ts";
import { withoutClaims } from "./claims.ts";

async function kept(...lines: readonly string[]): Promise<string[]> {
  const { header } = await readEntity(sourceOf(latin1(`${lines.join("\r\n")}\r\n\r\n`)));
  return latin1Text(formatHeader(withoutClaims(header, "gw.b.example")))
    .split("\r\n")
    .slice(0, -2);
}

for (const field of [
  "Authentication-Results: gw.b.example; smime=pass",
  "AUTHENTICATION-RESULTS : GW.B.Example 1; none",
  "Authentication-Results:\r\n gw.b.example\r\n ; smime=pass",
  "Authentication-Results: gw.b.example",
  "Authentication-Results: (by) gw.b.example; smime=pass",
  "Authentication-Results: (;) gw.b.example; smime=pass",
  "Authentication-Results: (a (;) b) gw.b.example; smime=pass",
  'Authentication-Results: "gw.b.example"; smime=pass',
  'Authentication-Results: "g\\w.b.example"; smime=pass',
  "Postern-Verdict: OK",
  "postern-anything: at all",
]) {
  test(`A18: ${JSON.stringify(field)} from outside is taken off`, async () => {
    assert.deepEqual(await kept("From: a", field, "To: b"), ["From: a", "To: b"]);
  });
}

for (const field of [
  "Authentication-Results: mx.a.example; dkim=pass header.d=gw.b.example",
  "Authentication-Results: mx.a.example (relay); spf=pass",
  "X-Postern-Verdict: OK",
]) {
  test(`${JSON.stringify(field)} stays`, async () => {
    assert.deepEqual(await kept("From: a", field), ["From: a", field]);
  });
}
