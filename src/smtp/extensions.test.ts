// DSN (RFC 3461), XFORWARD, BDAT (RFC 3030) and what a hub may send by LMTP.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { codes, converse, type KeepingServer, keepingServer } from "../../test/dialogue.ts";
import { collect, sourceOf } from "../bytes.ts";
import { lmtp } from "./lmtp.ts";
import { RelayPool } from "./relay-pool.ts";
import { reply } from "./reply.ts";
import type { ListenOptions } from "./server.ts";
import { defaultLimits } from "./session-options.ts";
import type { Envelope } from "./transaction.ts";

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

async function serve(changes: Partial<ListenOptions> = {}): Promise<KeepingServer> {
  const server = await keepingServer(changes);
  closing.push(() => server.close());
  return server;
}

const b = { localPart: "b", domain: "b.example" };
const envelope = "EHLO client.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n";
const localEnvelope = `${envelope.replace("EHLO", "LHLO")}RCPT TO:<c@b.example>\r\n`;

test("what a sender wants to hear goes on to the next hop as it came", async () => {
  const server = await serve();
  const relay = new RelayPool("gw.example");
  closing.push(() => relay.close());
  const wanted: Envelope = {
    reversePath: b,
    parameters: { ret: "HDRS", envid: "a b+c=d", body: "8BITMIME", size: 3 },
    forwardPaths: [
      { ...b, dsn: { notify: ["SUCCESS", "FAILURE", "DELAY"], orcpt: { type: "rfc822", address: "B+x@b.example" } } },
      { ...b, dsn: { notify: "NEVER" } },
      { ...b, dsn: { orcpt: { type: "utf-8", address: 'grün \\+"=@bücher.example' } } },
      b,
    ],
  };
  const hop = { protocol: "smtp", address: server.address } as const;
  const replies = await relay.relay(hop, wanted, sourceOf(Buffer.from("x\r\n")));
  assert.deepEqual(
    replies.map(({ code }) => code),
    [250, 250, 250, 250],
  );
  assert.deepEqual(server.received[0]?.envelope, wanted);
});

test("XFORWARD of a trusted peer names the mail until it is through, and not the next one", async () => {
  const server = await serve({ dialect: lmtp, trusted: ["127.0.0.1"] });
  const one = "MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nx\r\n.\r\n";
  const answered = await converse(
    server,
    "LHLO hub.example\r\nXFORWARD NAME=mua.example ADDR=IPv6:2001:db8::1 PORT=2525 SOURCE=REMOTE IDENT=early\r\n",
    "XFORWARD IDENT=4cFp+2B PROTO=ESMTPS HELO=[UNAVAILABLE] NAME=[unavailable]\r\n",
    `${one}${one}XFORWARD IDENT=4cFq\r\nRSET\r\n${one}`,
    "XFORWARD IDENT=4cFr\r\nMAIL FROM:<>\r\nXFORWARD IDENT=4cFs\r\nQUIT\r\n",
  );
  assert.match(answered, /^250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r$|^250 XFORWARD NAME/m);
  assert.match(codes(answered), /250 250 503 221$/);
  const peer = { address: "127.0.0.1", helo: "hub.example", protocol: "LMTP" };
  const origin = { address: "2001:db8::1", port: 2525, protocol: "ESMTPS", source: "REMOTE" };
  assert.deepEqual(
    server.received.map((received) => received.peer),
    [{ ...peer, queueId: "4cFp+", origin }, peer, peer],
  );
});

test("XFORWARD of anybody else is neither offered nor heard", async () => {
  const server = await serve({ trusted: ["192.0.2.0/24", "unix"] });
  const answered = await converse(server, `XFORWARD IDENT=4cFp\r\n${envelope}DATA\r\nx\r\n.\r\nQUIT\r\n`);
  assert.equal(codes(answered), "220 550 250 250 250 354 250 221");
  assert.doesNotMatch(answered, /250.XFORWARD/);
  assert.equal(server.received[0]?.peer.queueId, undefined);
});

test("a stray CR or LF from the hub is an octet of the message, and only CRLF.CRLF ends it", async () => {
  const server = await serve({ dialect: lmtp, strayLineEnds: "data" });
  const octets = "a\nb\rc\n.\nd\r.\re\r\r\nf\n\r\n..g\r\n";
  const answered = await converse(server, `${localEnvelope}DATA\r\n${octets}.\r\nQUIT\r\n`);
  assert.equal(codes(answered), "220 250 250 250 250 354 250 250 221");
  assert.equal(server.received[0]?.message, octets.replace("..g", ".g"));
});

test("chunks make the message that DATA would have made, wherever the network cuts them", async () => {
  const dialogue = Buffer.from(
    `${localEnvelope}BDAT 9\r\n..a\r\n.\r\n\rBDAT 0\r\nNOOP\r\nBDAT 5 LAST\r\n\n.\r\n.` +
      "MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nBDAT 0 LAST\r\nQUIT\r\n",
  );
  const answers = new Set<string>();
  for (let at = 0; at < dialogue.length; at += 1) {
    const server = await keepingServer({ dialect: lmtp });
    answers.add(await converse(server, dialogue.subarray(0, at), dialogue.subarray(at)));
    await server.close();
    assert.deepEqual(
      server.received.map(({ message }) => message),
      ["..a\r\n.\r\n\r\n.\r\n.\r\n", ""],
    );
  }
  assert.equal(answers.size, 1);
  assert.equal(codes([...answers].join()), "220 250 250 250 250 250 250 250 250 250 250 250 250 221");
});

for (const [name, dialogue, expected] of [
  ["a bare LF", "BDAT 4 LAST\r\na\nb\r", "554"],
  ["a bare CR at the end", "BDAT 2 LAST\r\na\r", "554"],
  ["a bare CR between chunks", "BDAT 2\r\na\rBDAT 1 LAST\r\nb", "250 554"],
  ["a smuggled end", "BDAT 20 LAST\r\na\n.\nMAIL FROM:<>\r\n..", "554"],
  [
    "more than the limit",
    `BDAT 900\r\n${"x".repeat(900)}BDAT 101\r\n${"x".repeat(101)}BDAT 1 LAST\r\nx`,
    "250 552 552",
  ],
] as const) {
  test(`${name} is refused in chunks, and the session goes on`, async () => {
    const server = await serve({ limits: { ...defaultLimits, messageSize: 1000 } });
    const answered = await converse(server, `${envelope}${dialogue}NOOP\r\nQUIT\r\n`);
    assert.equal(codes(answered), `220 250 250 250 ${expected} 250 221`);
    assert.deepEqual(server.received, []);
  });
}

for (const [name, dialogue, expected] of [
  ["a chunk without a transaction", "EHLO c\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\nQUIT\r\n", "220 250 503 250 221"],
  ["a chunk for nobody", "EHLO c\r\nMAIL FROM:<>\r\nBDAT 6\r\nRSET\r\nQUIT\r\n", "220 250 250 503 221"],
  ["DATA after a chunk", `${envelope}BDAT 3\r\nx\r\nDATA\r\nQUIT\r\n`, "220 250 250 250 250 503 221"],
  ["MAIL after a chunk", `${envelope}BDAT 3\r\nx\r\nMAIL FROM:<>\r\nQUIT\r\n`, "220 250 250 250 250 503 221"],
  ["a chunk of no known size, and ends there", `${envelope}BDAT x\r\nMAIL FROM:<>\r\n`, "220 250 250 250 501"],
  ["a chunk over all limits for nobody, and ends there", "EHLO c\r\nBDAT 999999999999\r\nRSET\r\n", "220 250 503"],
] as const) {
  test(`the session meets ${name}`, async () => {
    const server = await serve();
    assert.equal(codes(await converse(server, dialogue)), expected);
    assert.deepEqual(server.received, []);
  });
}

test("a message in chunks that is given up reaches nobody, whether or not somebody reads it", async () => {
  for (const handle of [undefined, async () => [reply(250, "2.0.0", "unread")]]) {
    const server = await serve(handle === undefined ? {} : { handle });
    const next = "MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nBDAT 3 LAST\r\ny\r\n";
    const answered = await converse(server, `${envelope}BDAT 3\r\nx\r\nRSET\r\n${next}QUIT\r\n`);
    const last = handle === undefined ? "250" : "451";
    assert.equal(codes(answered), `220 250 250 250 250 250 250 250 ${last} 221`);
    assert.deepEqual(
      server.received.map(({ message }) => message),
      handle === undefined ? ["y\r\n"] : [],
    );
  }
});

test("chunks are answered one by one as they come, and the last for each recipient by LMTP", async () => {
  let seen = "";
  const server = await serve({
    dialect: lmtp,
    handle: async ({ message, envelope: { forwardPaths } }) => {
      seen = Buffer.from(await collect(message)).toString();
      return forwardPaths.map((_, at) => (at === 0 ? reply(250, "2.0.0", "ok") : reply(452, "4.2.2", "full")));
    },
  });
  const answered = await converse(server, `${localEnvelope}BDAT 3\r\na\r\n`, "BDAT 3 LAST\r\nb\r\nQUIT\r\n");
  assert.equal(codes(answered), "220 250 250 250 250 250 250 452 221");
  assert.equal(seen, "a\r\nb\r\n");
});
