import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { logLines } from "./log-lines.ts";
import type { PassageReport } from "./passage.ts";

const passage: PassageReport = {
  format: "postern-report/1",
  command: "gateway",
  id: "1kpP7hC67fs0",
  time: "2026-11-23T09:00:00.000Z",
  direction: "outbound",
  treatment: "protect",
  client: "127.0.0.1",
  orig: "4cXyZ",
  messageId: "<1@treasury.example>",
  reversePath: "minister@treasury.example",
  domain: "parliament.example",
  recipients: [
    { forwardPath: "clerk@parliament.example", status: "sent", reply: "250 2.0.0 Ok: queued as 4cAbC" },
    { forwardPath: "x@parliament.example", status: "held", reply: "250 2.0.0 Ok", said: "550 5.1.1 nobody" },
  ],
  relay: "127.0.0.1[127.0.0.1]:10026",
  octetsIn: 3412,
  octetsOut: 5120,
  ms: 70,
  delays: [20, 40, 10, 20],
  code: "OK",
  signature: "rsa-pss-sha256",
  contentEncryption: "aes256-gcm",
  certificates: ["9f31aabbccddeeff00112233"],
};

test("one line says what was done, and one for each recipient what became of it, in Postfix's words", () => {
  assert.deepEqual(
    logLines(passage).map((line) => line.replace(/\[\d+\]: /, "[812]: ")),
    [
      "postern/protect[812]: 1kpP7hC67fs0: from=<minister@treasury.example>, message-id=<1@treasury.example>, size=3412, size-out=5120, code=OK, signed=rsa-pss-sha256, sealed=aes256-gcm, to-domain=parliament.example, keyid=9f31aabbccddeeff, orig=4cXyZ",
      "postern/relay[812]: 1kpP7hC67fs0: to=<clerk@parliament.example>, relay=127.0.0.1[127.0.0.1]:10026, delay=0.090, delays=0.020/0.040/0.010/0.020, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4cAbC)",
      "postern/relay[812]: 1kpP7hC67fs0: to=<x@parliament.example>, relay=127.0.0.1[127.0.0.1]:10026, delay=0.090, delays=0.020/0.040/0.010/0.020, dsn=5.1.1, status=held (550 5.1.1 nobody), answered (250 2.0.0 Ok)",
    ],
  );
});

test("as JSON the fields have the same names", () => {
  const [deed, delivery] = logLines(passage, "json").map((line) => JSON.parse(line));
  assert.equal(deed.program, "postern/protect");
  assert.equal(deed.orig, "4cXyZ");
  const { to, dsn, status, delays, pid } = delivery;
  assert.deepEqual(
    { to, dsn, status, delays, pid },
    {
      to: "clerk@parliament.example",
      dsn: "2.0.0",
      status: "sent",
      delays: [0.02, 0.04, 0.01, 0.02],
      pid: process.pid,
    },
  );
});

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "\r\npostern/relay[1]: X: to=<a>, status=sent",
    "\x1b[2J",
    "a>, status=sent (250 ok)",
    "\u2028",
    "x".repeat(5000),
    '"',
    "\\",
  ),
);

test("A41: whatever is in a value, a line stays a line of printable ASCII, and its fields are those that were written", () => {
  const property = fc.property(hostile, hostile, hostile, hostile, (address, reply, reason, messageId) => {
    const recipients = [{ forwardPath: address, status: "deferred", reply, said: reason } as const];
    const attacked: PassageReport = { ...passage, reversePath: address, reason, messageId, recipients, orig: reply };
    for (const format of ["text", "json"] as const) {
      const lines = logLines(attacked, format);
      assert.equal(lines.length, 2);
      for (const line of lines) assert.match(line, /^[\x20-\x7e]{1,4000}$/);
    }
    const [deed = "", delivery = ""] = logLines(attacked);
    const [, from = ""] = /^[^:]*: \w+: from=<([^<>]*)>, /.exec(deed) ?? [];
    assert.equal(unescaped(from), address.slice(0, 500));
    assert.match(
      delivery,
      /^postern\/relay\[\d+\]: \w+: to=<[^<>]*>, relay=[^,]*, delay=[\d.]+, delays=[\d./]+, dsn=[^,]*, status=deferred \(/,
    );
    const [json] = logLines(attacked, "json").map((line) => JSON.parse(line));
    assert.equal(json.from, address.slice(0, 500));
    assert.equal(json["message-id"], messageId.slice(0, 500));
  });
  fc.assert(property, { numRuns: 5000 });
});

/** As JSON has it, which the log's escapes are. */
function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

test("no content and no keys: a report about opened mail leaves its layers out of the log", () => {
  const opened = {
    format: "postern-report/1",
    command: "open",
    outcome: "opened",
    code: "OK",
    layers: [],
    quirks: [],
  } as const;
  const lines = logLines({ ...passage, treatment: "open", opened: { ...opened, domain: "a.example" } });
  assert.match(lines[0] ?? "", /signed-by=a\.example/);
  assert.doesNotMatch(lines.join("\n"), /layers|quirks/);
});
