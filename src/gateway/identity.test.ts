import assert from "node:assert/strict";
import { test } from "node:test";
import { messageKeys, queueIdInTrace } from "./identity.ts";

const key = new Uint8Array(32).fill(1);
const a = { localPart: "a", domain: "a.example" };
const b = { localPart: "b", domain: "a.example" };
const envelope = { reversePath: a, forwardPaths: [a, b], parameters: {} };
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

test("each of queue id, octets, reverse path, recipient, step and key makes another name", () => {
  const of = (...given: Parameters<typeof messageKeys>) => messageKeys(...given);
  const names = [
    of(key, envelope, "d", "q").of(a, "done"),
    of(key, envelope, "d", "q").of(b, "done"),
    of(key, envelope, "d", "q").of(a, "planned"),
    of(key, envelope, "d", "q2").of(a, "done"),
    of(key, envelope, "d", undefined).of(a, "done"),
    of(key, envelope, "d2", "q").of(a, "done"),
    of(key, { ...envelope, reversePath: b }, "d", "q").of(a, "done"),
    of(key, { ...envelope, reversePath: undefined }, "d", "q").of(a, "done"),
    of(new Uint8Array(32), envelope, "d", "q").of(a, "done"),
    of(key, envelope, "d", "q").ofAll([a, b], "done"),
    of(key, envelope, "d", "q").ofAll([a], "done"),
    of(key, envelope, "d", "q").message,
  ].map(hex);
  assert.equal(new Set(names).size, names.length);
  assert.equal(hex(of(key, envelope, "d", "q").ofAll([b, a], "done")), names[9], "whatever their order");
  assert.equal(hex(of(key, envelope, "d", "q").of({ ...a }, "done")), names[0]);
});

for (const [name, head, expected] of [
  [
    "mail that came by SMTP",
    "Received: from c (c [192.0.2.1])\r\n\tby hub.example (Postfix) with ESMTPS id 4cXyZ1abc\r\n\tfor <a@b>; Mon\r\nX: y\r\n",
    "4cXyZ1abc",
  ],
  ["a bounce of the hub's own", "Received: by hub.example (Postfix)\r\n\tid 4cXyZ1abd; Mon, 23 Nov\r\n", "4cXyZ1abd"],
  ["the hub's name in capitals", "RECEIVED: by HUB.Example id 1; x\r\n", "1"],
  ["another server's field", "Received: by other.example (Postfix) id 4c; Mon\r\n", undefined],
  ["a field further down", "X: y\r\nReceived: by hub.example (Postfix) id 4c; Mon\r\n", undefined],
  ["a name that only begins like the hub's", "Received: by hub.example.evil id 4c; Mon\r\n", undefined],
  ["no id", "Received: by hub.example (Postfix); Mon\r\n", undefined],
  ["a field that does not end", "Received: by hub.example (Postfix) id 4c", undefined],
  ["nothing", "", undefined],
] as const) {
  test(`the queue id of ${name} is ${expected}`, () => assert.equal(queueIdInTrace(head, "hub.example"), expected));
}
