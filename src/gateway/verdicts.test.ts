import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cut, cuts } from "../../test/chunks.ts";
import { latin1, sourceOf } from "../bytes.ts";
import { formatField, type HeaderBlock } from "../mime.ts";
import { verdictsInHeader, verdictsInText } from "./verdicts.ts";

function inHeader(value: string): ReturnType<typeof verdictsInHeader> {
  const octets = formatField("Postern-Verdict", value);
  return verdictsInHeader({ fields: [{ name: "Postern-Verdict", octets }], separator: latin1("\r\n") });
}

const noHeader: HeaderBlock = {
  fields: [{ name: "Subject", octets: latin1("Subject: x\r\n") }],
  separator: latin1("\r\n"),
};

for (const { value, verdict } of [
  { value: "OK; domain=justice.example; queue=4TxY", verdict: { code: "OK", domain: "justice.example", opened: true } },
  { value: "UNPROTECTED; queue=4TxY", verdict: { code: "UNPROTECTED", opened: false } },
  { value: "NO_KEY", verdict: { code: "NO_KEY", opened: false } },
  { value: "OKAY-not; domain=justice.example", verdict: { code: "", domain: "justice.example", opened: true } },
  { value: "OK; queue=1; domain=evil.example", verdict: { code: "OK", opened: true } },
  { value: "OK; domain=justice.example.; queue=1", verdict: { code: "OK", domain: "justice.example.", opened: true } },
  { value: "OK; domain=justice.example evil.example", verdict: { code: "OK", opened: true } },
  { value: "", verdict: { code: "", opened: true } },
]) {
  test(`a verdict is read: "${value}"`, () => assert.deepEqual(inHeader(value), [verdict]));
}

test("a verdict as long as they come is read, folded as we fold it", () => {
  const domain = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.example`;
  assert.equal(inHeader(`SIGNER_MISMATCH; domain=${domain}; queue=4TxYqZ1sV3z2fY`)[0]?.domain, domain);
});

test("a verdict in a text is found wherever the text was cut, and each one once", async () => {
  const text = `> Postern-Verdict: OK; domain=justice.example; queue=1\r\n${"x".repeat(900)}postern-verdict:\r\n REVOKED; queue=2\r\n`;
  await fc.assert(
    fc.asyncProperty(cuts, async (places) => {
      const body = sourceOf(...cut(latin1(text), places));
      const { verdicts, ours } = await verdictsInText({ header: noHeader, body });
      assert.deepEqual(
        verdicts.map(({ code }) => code),
        ["OK", "REVOKED"],
      );
      assert.equal(ours, false);
    }),
  );
});

test("an envelope id of ours in a text is seen, in the header too", async () => {
  const seen = async (header: HeaderBlock, body: string) =>
    (await verdictsInText({ header, body: sourceOf(latin1(body)) })).ours;
  assert.equal(await seen(noHeader, "Original-Envelope-Id: POSTERN1.H.x"), true);
  const fields = [{ name: "X", octets: latin1("X: postern1.h.x\r\n") }];
  assert.equal(await seen({ ...noHeader, fields }, ""), true);
  assert.equal(await seen(noHeader, "POSTERN"), false);
});
