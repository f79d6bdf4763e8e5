// Injection by envelope, parameters and greetings (security.md A34): addresses and parameters are parsed and built anew,
// so whatever a client says, the next hop hears commands of a strict grammar and no others.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { sourceOf } from "../../src/bytes.ts";
import { type Envelope, type Hop, RelayPool } from "../../src/smtp.ts";
import { converse, keepingServer } from "../dialogue.ts";

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u{a0}-\\u{10ffff}-]+";
const quoted = '"(?:[ !#-\\[\\]-~\\u{a0}-\\u{10ffff}]|\\\\[ -~])*"';
const domain = "(?:[a-z0-9.-]+|\\[(?:IPv6:)?[0-9a-f.:]+\\])";
const address = `(?:${atom}(?:\\.${atom})*|${quoted})@${domain}`;
const xtext = "(?:[!-*,-<>-~]|\\+[0-9A-F]{2})+";
const mail = `MAIL FROM:<(?:${address})?>(?: SIZE=[0-9]{1,15}| BODY=(?:7BIT|8BITMIME)| SMTPUTF8| RET=(?:FULL|HDRS)| ENVID=${xtext})*`;
const when = "(?:SUCCESS|FAILURE|DELAY)";
const rcpt = `RCPT TO:<${address}>(?: NOTIFY=(?:NEVER|${when}(?:,${when})*))?(?: ORCPT=[a-z0-9-]+;${xtext})?`;
const strict = new RegExp(`^(?:EHLO gw\\.example|${mail}|${rcpt}|DATA|x|\\.|RSET|QUIT)$`, "u");

/** What an attacker would like to say, in the forms in which it might get through. */
const payloads = [
  // This one is the client's own second line, which it may say.
  "\r\nRCPT TO:<own@e.example>",
  "\nRCPT TO:<evil@e.example>",
  "\rRCPT TO:<evil@e.example>",
  "+0D+0ARCPT+20TO:<evil@e.example>",
  "\\x{D}\\x{A}RCPT TO:<evil@e.example>",
  "%0d%0aDATA",
  "\u0000",
  "\u0085RSET",
  "\u2028RSET",
  "> SIZE=1",
  "> NOTIFY=NEVER",
  "><evil@e.example>",
  " SMTPUTF8",
  "\tBODY=8BITMIME",
  '" RET=FULL',
  '\\"@e.example> X=1',
  "=1=2",
  "<",
  "@",
  ",evil@e.example",
  "\u{d}\u{a}.\u{d}\u{a}",
  "ſ",
  "Ａ",
  "\ud800",
  "é".repeat(300),
  "a".repeat(5000),
];

const templates = [
  (p: string) => `EHLO c${p}\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a${p}@a.example> SMTPUTF8\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<"a${p}"@a.example> SMTPUTF8\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a${p}.example> SMTPUTF8\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example>${p}\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> SIZE=1${p}\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> BODY=8BITMIME${p}\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> ENVID=q${p}\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> RET=HDRS${p}\r\nRCPT TO:<b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> SMTPUTF8\r\nRCPT TO:<b${p}@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> SMTPUTF8\r\nRCPT TO:<"b${p}"@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> SMTPUTF8\r\nRCPT TO:<@r${p}.example:b@b.example>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> SMTPUTF8\r\nRCPT TO:<b@[192.0.2.1${p}]>`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example> NOTIFY=DELAY${p}`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example> ORCPT=rfc822;b${p}`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example> SMTPUTF8\r\nRCPT TO:<b@b.example> ORCPT=utf-8;b${p}`,
  (p: string) => `EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example> ORCPT=x${p};b`,
];

/** A payload alone, before text, after a quote, in another case, doubled: more than 2,000 lines in all. */
const variants = (p: string): string[] => [p, `${p}x`, `"${p}`, p.toLowerCase(), `${p}${p}`];

test("whatever a client puts into a command, the next hop hears a strict grammar", async () => {
  const hop = await listeningHop();
  const pool = new RelayPool("gw.example");
  const server = await keepingServer({
    trusted: ["127.0.0.1"],
    handle: ({ envelope, message }) => pool.relay(hop, envelope, message),
  });
  closing.push(
    () => pool.close(),
    () => server.close(),
  );
  let tried = 0;
  for (const payload of payloads) {
    for (const text of new Set(variants(payload))) {
      for (const template of templates) {
        tried += 1;
        await converse(server, Buffer.from(`${template(text)}\r\nDATA\r\nx\r\n.\r\nQUIT\r\n`, "utf8"));
      }
    }
  }
  assert.ok(tried > 2000, `${tried}`);
  assert.ok(heard.length > 1000, "the hop heard hardly anything");
  assert.deepEqual([...new Set(heard.filter((line) => !strict.test(line)))], []);
  assert.ok(!heard.some((line) => /^RCPT TO:<evil@/.test(line) && line.includes("evil@e.example>")));
});

test("an address or parameter that nobody parsed cannot make a second command either", async () => {
  const hop = await listeningHop();
  const pool = new RelayPool("gw.example");
  closing.push(() => pool.close());
  const bad = { localPart: "a\r\nRSET", domain: "a.example" };
  const good = { localPart: "a", domain: "a.example" };
  const envelopes: Envelope[] = [
    { reversePath: bad, forwardPaths: [good], parameters: {} },
    { reversePath: good, forwardPaths: [good, bad], parameters: {} },
    { reversePath: good, forwardPaths: [{ localPart: "a", domain: "a\r\nRSET" }], parameters: {} },
  ];
  for (const envelope of envelopes) {
    await assert.rejects(pool.relay(hop, envelope, sourceOf(Buffer.from("x\r\n"))), /a control in a command/);
  }
  const dsn = { orcpt: { type: "rfc822", address: "a\r\nRSET" } };
  const start = heard.length;
  const parameters = { envid: "a\r\nRSET" };
  await pool.relay(
    hop,
    { reversePath: good, forwardPaths: [{ ...good, dsn }], parameters },
    sourceOf(Buffer.from("x")),
  );
  assert.ok(heard.slice(start).includes("RCPT TO:<a@a.example>"));
  assert.ok(!heard.includes("RSET"));
});

const heard: string[] = [];

/** Takes everything, and keeps every line it hears. */
async function listeningHop(): Promise<Hop> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write("220 hop\r\n");
    let pending = "";
    socket.on("data", (octets) => {
      const lines = `${pending}${octets.toString("utf8")}`.split(/\r\n|\r|\n/);
      pending = lines.pop() ?? "";
      heard.push(...lines);
      const offer = "250-hop\r\n250-SIZE\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n";
      const answers = lines.map((line) => {
        if (line === "x") return "";
        return line === "DATA" ? "354 go\r\n" : line.startsWith("EHLO") ? offer : "250 ok\r\n";
      });
      socket.write(answers.join(""));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { protocol: "smtp", address: { host: "127.0.0.1", port: address.port } };
}
