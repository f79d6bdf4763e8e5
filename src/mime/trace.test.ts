import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1Text } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { formatReceived, type Hop } from "./trace.ts";

const hop: Hop = {
  helo: "hub.treasury.example",
  clientAddress: "192.0.2.1",
  by: "gw.treasury.example",
  protocol: "ESMTPS",
  id: "4TxY",
  recipient: "b@justice.example",
  at: new Date("2026-11-23T09:08:07Z"),
};

test("a Received field says from whom, by whom, how, for whom and when", () => {
  assert.equal(
    latin1Text(formatReceived(hop)).replaceAll("\r\n ", " "),
    "Received: from hub.treasury.example ([192.0.2.1]) by gw.treasury.example with ESMTPS id 4TxY for <b@justice.example>; Mon, 23 Nov 2026 09:08:07 +0000\r\n",
  );
  assert.ok(
    latin1Text(formatReceived(hop))
      .split("\r\n")
      .every((line) => line.length <= 78),
  );
});

for (const { change, expected } of [
  { change: { helo: "evil) by x (" }, expected: "from unknown ([192.0.2.1]) by" },
  { change: { helo: "a\r\nX: y" }, expected: "from unknown ([192.0.2.1]) by" },
  { change: { helo: "[192.0.2.9]" }, expected: "from [192.0.2.9] ([192.0.2.1]) by" },
  { change: { clientAddress: "2001:db8::1" }, expected: "([IPv6:2001:db8::1])" },
  { change: { comment: "postern 7f3a" }, expected: "by gw.treasury.example (postern 7f3a) with" },
  { change: { recipient: "ü@justice.example" }, expected: "id 4TxY; Mon" },
]) {
  test(`a Received field with ${JSON.stringify(change)} says ${JSON.stringify(expected)}`, () => {
    assert.ok(
      latin1Text(formatReceived({ ...hop, ...change }))
        .replaceAll("\r\n ", " ")
        .includes(expected),
    );
  });
}

test("nothing from outside can end the field", () => {
  assert.throws(
    () => formatReceived({ ...hop, id: "x\r\nFrom: y" }),
    (failure) => isSecureMailError(failure, "MIME_FIELD"),
  );
});
