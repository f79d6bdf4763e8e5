import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCommand } from "./command.ts";

const parse = (text: string, encoding: BufferEncoding = "utf8") => parseCommand(Buffer.from(text, encoding));
const a = { localPart: "a", domain: "b.example" };

for (const [text, command] of [
  ["EHLO gw.example", { verb: "EHLO", host: "gw.example" }],
  ["ehlo [192.0.2.1]", { verb: "EHLO", host: "[192.0.2.1]" }],
  ["HELO my_host", { verb: "HELO", host: "my_host" }],
  ["MAIL FROM:<>", { verb: "MAIL", reversePath: undefined, parameters: {} }],
  ["mail from:<a@b.example>", { verb: "MAIL", reversePath: a, parameters: {} }],
  [
    "MAIL FROM:<a@b.example> size=12 BODY=8bitmime SMTPUTF8",
    { verb: "MAIL", reversePath: a, parameters: { size: 12, body: "8BITMIME", smtputf8: true } },
  ],
  ["RCPT TO:<a@b.example>", { verb: "RCPT", forwardPath: a }],
  ['RCPT TO:<"x> y"@b.example>', { verb: "RCPT", forwardPath: { localPart: "x> y", domain: "b.example" } }],
  ["RCPT TO:<Postmaster>", { verb: "RCPT", forwardPath: "postmaster" }],
  [
    "MAIL FROM:<a@b.example> RET=hdrs ENVID=QQ+2B+3D314",
    { verb: "MAIL", reversePath: a, parameters: { ret: "HDRS", envid: "QQ+=314" } },
  ],
  ["RCPT TO:<a@b.example> NOTIFY=never", { verb: "RCPT", forwardPath: a, dsn: { notify: "NEVER" } }],
  [
    "RCPT TO:<a@b.example> ORCPT=RFC822;x+2By@b.example NOTIFY=SUCCESS,delay",
    {
      verb: "RCPT",
      forwardPath: a,
      dsn: { orcpt: { type: "rfc822", address: "x+y@b.example" }, notify: ["SUCCESS", "DELAY"] },
    },
  ],
  [
    "RCPT TO:<a@b.example> ORCPT=utf-8;gr\\x{FC}n@b.example",
    { verb: "RCPT", forwardPath: a, dsn: { orcpt: { type: "utf-8", address: "grün@b.example" } } },
  ],
  ["BDAT 0", { verb: "BDAT", size: 0, last: false }],
  ["bdat 86 last", { verb: "BDAT", size: 86, last: true }],
  ["STARTTLS", { verb: "STARTTLS" }],
  [
    "XFORWARD name=a.example IDENT=4B+2BC ADDR=[Unavailable] HELO=(bad)",
    {
      verb: "XFORWARD",
      attributes: new Map([
        ["NAME", "a.example"],
        ["IDENT", "4B+C"],
        ["ADDR", undefined],
        ["HELO", undefined],
      ]),
    },
  ],
  ["DATA  ", { verb: "DATA" }],
  ["NOOP whatever", { verb: "NOOP" }],
  ["QUIT", { verb: "QUIT" }],
] as const) {
  test(`${text} is understood`, () => assert.deepEqual(parse(text), command));
}

for (const [text, code, status] of [
  ["", 500, "5.5.2"],
  ["XYZZY", 500, "5.5.2"],
  ["STARTTLS now", 501, "5.5.4"],
  ["BDAT", 501, "5.5.4"],
  ["BDAT -1", 501, "5.5.4"],
  ["BDAT 1 FIRST", 501, "5.5.4"],
  ["BDAT 1234567890123456", 501, "5.5.4"],
  ["XFORWARD", 501, "5.5.4"],
  ["XFORWARD IDENT", 501, "5.5.4"],
  ["XFORWARD WHO=me", 501, "5.5.4"],
  ["XFORWARD IDENT=a+0", 501, "5.5.4"],
  ["GET / HTTP/1.1", 500, "5.5.2"],
  ["EHLO", 501, "5.5.4"],
  ["EHLO a b", 501, "5.5.4"],
  ["EHLO (comment)", 501, "5.5.4"],
  ["DATA now", 501, "5.5.4"],
  ["MAIL", 501, "5.5.4"],
  ["MAIL FROM:a@b.example", 501, "5.5.4"],
  ["MAIL FROM: <a@b.example>", 501, "5.5.4"],
  ["MAIL TO:<a@b.example>", 501, "5.5.4"],
  ["MAIL FROM:<a b@c.example>", 501, "5.1.7"],
  ["MAIL FROM:<a@b.example>SIZE=1", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> SIZE=x", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> SIZE=1 SIZE=1", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> BODY=BINARYMIME", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> RET=ALL", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> ENVID=a+0Db", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> ENVID=", 501, "5.5.4"],
  ["MAIL FROM:<a@b.example> AUTH=<>", 555, "5.5.4"],
  ["MAIL FROM:<ä@b.example>", 553, "5.6.7"],
  ["RCPT TO:<>", 501, "5.1.3"],
  ["RCPT TO:<a@b.example> NOTIFY=NEVER,DELAY", 501, "5.5.4"],
  ["RCPT TO:<a@b.example> ORCPT=a@b.example", 501, "5.5.4"],
  ["RCPT TO:<a@b.example> ORCPT=rfc822;a+40b+0A", 501, "5.5.4"],
  ["RCPT TO:<a@b.example> SIZE=1", 555, "5.5.4"],
  ["NOOP\rRSET", 501, "5.5.2"],
  ["NOOP\0", 501, "5.5.2"],
] as const) {
  test(`${JSON.stringify(text)} is answered ${code} ${status}`, () => {
    const command = parse(text);
    assert.ok(command.verb === "refused");
    assert.deepEqual([command.answer.code, command.answer.enhancedStatus], [code, status]);
  });
}

test("octets that are neither ASCII nor UTF-8 are no command", () => {
  assert.equal(parse("MAIL FROM:<\xe4@b.example> SMTPUTF8", "latin1").verb, "refused");
});

test("no line makes the parser throw or take long", () => {
  const word = fc.constantFrom(
    "MAIL",
    "FROM:<",
    ">",
    "@",
    '"',
    "\\",
    " ",
    "a",
    "b.example",
    "SIZE=",
    "RCPT TO:<",
    ":",
    ",",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => {
      parse(words.join(""));
    }),
    { numRuns: 3000 },
  );
  const start = process.cpuUsage();
  for (const unit of [" ", '"', '"\\', "@a,", "a.", "<", "A=B "]) parse(`MAIL FROM:<${unit.repeat(2000)}`);
  assert.ok(process.cpuUsage(start).user < 500_000);
});
