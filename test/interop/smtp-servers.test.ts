// Our server beside smtp-server, given the same dialogues: the same replies, envelopes and octets. Where they differ the
// table says why, and fails once that is no longer so. And nodemailer's client at both.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { collect } from "../../src/bytes.ts";
import { formatMailbox, lmtp } from "../../src/smtp.ts";
import { codes, keepingServer } from "../dialogue.ts";

const require = createRequire(import.meta.url);
const { SMTPServer } = require("smtp-server");
const nodemailer = require("nodemailer");

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

type Address = { readonly host: string; readonly port: number };
type Seen = { readonly from: string; readonly to: readonly string[]; readonly dsn: unknown; readonly message: string };
type Server = { readonly address: Address; readonly seen: Seen[] };

async function ours(isLmtp: boolean): Promise<Server> {
  const { received, ...server } = await keepingServer({ trusted: ["127.0.0.1"], ...(isLmtp ? { dialect: lmtp } : {}) });
  closing.push(() => server.close());
  assert.ok("port" in server.address);
  return {
    address: server.address,
    get seen() {
      return received.map(({ message, envelope: { reversePath, forwardPaths, parameters } }) => ({
        from: reversePath === undefined ? "" : formatMailbox(reversePath),
        to: forwardPaths.map((path) => (path.domain === "own.example" ? path.localPart : formatMailbox(path))),
        dsn: [
          parameters.ret,
          parameters.envid,
          forwardPaths.map(({ dsn }) => [String(dsn?.notify ?? ""), dsn?.orcpt?.address ?? ""]),
        ],
        message,
      }));
    },
  };
}

type Path = { readonly address: string; readonly args: false | Readonly<Record<string, string>> };

async function theirs(isLmtp: boolean): Promise<Server> {
  const seen: Seen[] = [];
  const server = new SMTPServer({
    lmtp: isLmtp,
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    useXForward: true,
    hideDSN: false,
    disableReverseLookup: true,
    size: 100 * 1024 * 1024,
    async onData(
      stream: AsyncIterable<Uint8Array>,
      { envelope: { mailFrom, rcptTo } }: { envelope: { mailFrom: Path; rcptTo: readonly Path[] } },
      done: (error: null, answer: unknown) => void,
    ) {
      const octets = await collect(stream).catch(() => undefined);
      if (octets === undefined) return;
      const message = Buffer.from(octets).toString("latin1");
      const { RET, ENVID } = mailFrom.args || {};
      const each = rcptTo.map(({ args }) => [
        args ? (args["NOTIFY"] ?? "") : "",
        args ? (args["ORCPT"]?.slice(7) ?? "") : "",
      ]);
      seen.push({ from: mailFrom.address, to: rcptTo.map(({ address }) => address), dsn: [RET, ENVID, each], message });
      done(null, isLmtp ? rcptTo.map(() => "ok") : "ok");
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  return { address: { host: "127.0.0.1", port: server.server.address().port }, seen };
}

/** One turn after the other, because smtp-server does not like who speaks first. */
async function inTurns(address: Address, turns: readonly string[]): Promise<string> {
  const socket = createConnection(address);
  let said = "";
  socket.on("data", (octets) => {
    said += octets.toString("latin1");
  });
  socket.on("error", () => undefined);
  await once(socket, "data");
  for (const turn of turns) {
    const before = said.length;
    socket.write(Buffer.from(turn, "latin1"));
    // Every turn is answered, or ends the conversation.
    for (let n = 0; n < 500 && !socket.closed && (said.length === before || !said.endsWith("\r\n")); n++) await wait(2);
  }
  socket.destroy();
  return codes(said);
}

const [hello, lhlo, mail, rcpt, data, quit] = [
  "EHLO c.example",
  "LHLO c",
  "MAIL FROM:<a@a.example>",
  "RCPT TO:<b@b.example>",
  "DATA",
  "QUIT",
];
const text = "x\r\n.";

type Row = {
  readonly lines: readonly string[];
  readonly replies: string;
  /** Where smtp-server answers otherwise: how, and why we do not. */
  readonly theirs?: string;
  readonly octets?: true;
  readonly because?: string;
};

const rows: readonly Row[] = [
  { lines: [hello, mail, rcpt, data, text, quit], replies: "220 250 250 250 354 250 221" },
  { lines: ["HELO c.example", mail, rcpt, data, text, quit], replies: "220 250 250 250 354 250 221" },
  { lines: [hello, "MAIL FROM:<>", rcpt, data, text, quit], replies: "220 250 250 250 354 250 221" },
  { lines: [hello, mail, rcpt, "RSET", data, quit], replies: "220 250 250 250 250 503 221" },
  { lines: [mail, quit], replies: "220 503 221" },
  { lines: [hello, rcpt, quit], replies: "220 250 503 221" },
  { lines: [hello, mail, mail, quit], replies: "220 250 250 503 221" },
  { lines: [hello, mail, data, quit], replies: "220 250 250 503 221" },
  { lines: [hello, "MAIL FROM:a@a.example", quit], replies: "220 250 501 221" },
  { lines: [hello, `${mail} SIZE=1 BODY=8BITMIME`, rcpt, data, text, quit], replies: "220 250 250 250 354 250 221" },
  { lines: [hello, `${mail} SIZE=999999999`, quit], replies: "220 250 552 221" },
  {
    lines: [
      hello,
      `${mail} RET=HDRS ENVID=QQ+2B`,
      `${rcpt} NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@b.example`,
      data,
      text,
    ],
    replies: "220 250 250 250 354 250",
  },
  {
    lines: [hello, "MAIL FROM:<\xc3\xa4@a.example> SMTPUTF8", rcpt, data, text, quit],
    replies: "220 250 250 250 354 250 221",
  },
  { lines: [hello, mail, "RCPT TO:<postmaster>", data, text, quit], replies: "220 250 250 250 354 250 221" },
  { lines: [hello, mail, "RCPT TO:<@r.example:b@b.example>", data, text], replies: "220 250 250 250 354 250" },
  { lines: [hello, "XFORWARD IDENT=4cFp NAME=a.example HELO=h", mail, quit], replies: "220 250 250 250 221" },
  { lines: ["LHLO c", quit], replies: "220 500 221" },
  { lines: ["EHLO", quit], replies: "220 501 221" },
  { lines: ["EHLO a b", quit], replies: "220 501 221" },
  { lines: ["FOO", "EXPN a", "NOOP", "VRFY a", quit], replies: "220 500 500 250 252 221" },
  {
    lines: [hello, "STARTTLS", quit],
    replies: "220 250 502 221",
    theirs: "220 250 500 221",
    because: "known, but not here",
  },
  { lines: ["HELP", quit], replies: "220 500 221", theirs: "220 214 221", because: "who needs help reads the page" },
  {
    lines: [hello, "MAIL FROM: <a@a.example>", quit],
    replies: "220 250 501 221",
    theirs: "220 250 250 221",
    because: "RFC 5321 4.1.1.2 has no blank there",
  },
  {
    lines: [hello, `${mail} RET=ALL`, quit],
    replies: "220 250 501 221",
  },
  {
    lines: [hello, mail, `${rcpt} NOTIFY=NEVER,DELAY`, quit],
    replies: "220 250 250 501 221",
  },
  {
    lines: [hello, `${mail} X=1`, quit],
    replies: "220 250 555 221",
    theirs: "220 250 250 221",
    because: "what we cannot pass on we do not take (RFC 5321, 4.1.1.11)",
  },
  {
    lines: [hello, "MAIL FROM:<\xc3\xa4@a.example>", quit],
    replies: "220 250 553 221",
    theirs: "220 250 250 221",
    because: "without SMTPUTF8 the next hop could not be told",
  },
  {
    lines: [hello, mail, 'RCPT TO:<"b c"@b.example>', quit],
    replies: "220 250 250 250 221",
    theirs: "220 250 250 501 221",
    because: "a quoted local part is an address",
  },
  {
    lines: [hello, "XFORWARD IDENT=a+0", quit],
    replies: "220 250 501 221",
    theirs: "220 250 250 221",
    because: "half an octet of xtext",
  },
  {
    lines: [hello, "BDAT 3 LAST\r\nx", quit],
    replies: "220 250 503 221",
    theirs: "220 250 500 500 221",
    because: "it has no CHUNKING, and reads the octets as a command",
  },
  {
    lines: [hello, mail, rcpt, "DATA now", quit],
    replies: "220 250 250 250 501 221",
    theirs: "220 250 250 250 354",
    because: "DATA takes no argument",
  },
  {
    lines: [hello, mail, rcpt, data, "x\ny\r\n.", quit],
    replies: "220 250 250 250 354 554 221",
    theirs: "220 250 250 250 354 250 221",
    because: "a bare LF goes no further here",
  },
  {
    lines: [hello, mail, rcpt, data, "x\r\r\n.", quit],
    replies: "220 250 250 250 354 554 221",
    theirs: "220 250 250 250 354 250 221",
    because: "nor does a bare CR",
  },
  {
    lines: [hello, mail, rcpt, data, ".x\r\n.", quit],
    replies: "220 250 250 250 354 250 221",
    octets: true,
    because: "any dot at the start of a line comes off (RFC 5321, 4.5.2), not only one of two",
  },
  {
    lines: [hello, "NOOP\nNOOP", quit],
    replies: "220 250 501",
    theirs: "220 250 250 250 221",
    because: "after a bare LF nobody knows what a line is",
  },
];

const localRows: readonly Row[] = [
  {
    lines: [lhlo, mail, rcpt, "RCPT TO:<c@b.example>", data, text, quit],
    replies: "220 250 250 250 250 354 250 250 221",
  },
  { lines: [hello, "HELO c", quit], replies: "220 500 500 221" },
  { lines: [lhlo, mail, data, quit], replies: "220 250 250 503 221" },
];

for (const [isLmtp, table] of [
  [false, rows],
  [true, localRows],
] as const) {
  for (const { lines, replies, theirs: otherwise, octets, because } of table) {
    const name = `${isLmtp ? "LMTP" : "SMTP"} ${JSON.stringify(lines.join(" | "))}`;
    test(`${name} ${because === undefined ? "is the same to smtp-server" : `differs: ${because}`}`, async () => {
      const [a, b] = [await ours(isLmtp), await theirs(isLmtp)];
      const turns = lines.map((line) => `${line}\r\n`);
      assert.equal(await inTurns(a.address, turns), replies);
      assert.equal(await inTurns(b.address, turns), otherwise ?? replies);
      if (otherwise === undefined && octets === undefined) assert.deepEqual(a.seen, b.seen);
      else if (octets) assert.notDeepEqual(a.seen, b.seen);
    });
  }
}

const letters = [
  { from: "a@a.example", to: ["b@b.example"], raw: "Subject: x\r\n\r\n.a\r\n..\r\n\r\n" },
  { from: "", to: ["b@b.example", "c@b.example"], raw: "Subject: no end" },
  { from: "a@a.example", to: ["b@b.example"], raw: "Subject: LF\n\nLF\n.\n" },
  {
    from: "a@a.example",
    to: ["b@b.example", "c@b.example"],
    raw: "Subject: dsn\r\n\r\n",
    dsn: { id: "q q+=1", return: "headers", notify: ["success", "delay"], recipient: "rfc822;a+b@a.example" },
  },
];

test("nodemailer hands the same mail to both, envelope and octets", async () => {
  const [a, b] = [await ours(false), await theirs(false)];
  for (const { address } of [a, b]) {
    const transport = nodemailer.createTransport({ ...address, pool: true, ignoreTLS: true });
    for (const { from, to, raw, dsn } of letters) await transport.sendMail({ envelope: { from, to }, raw, dsn });
    transport.close();
  }
  assert.equal(a.seen.length, letters.length);
  assert.deepEqual(a.seen, b.seen);
});
