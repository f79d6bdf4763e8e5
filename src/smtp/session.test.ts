import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { codes, converse, type KeepingServer, keepingServer } from "../../test/dialogue.ts";
import { collect } from "../bytes.ts";
import { lmtp } from "./lmtp.ts";
import { formatMailbox } from "./mailbox.ts";
import { type Reply, reply } from "./reply.ts";
import type { ListenOptions } from "./server.ts";
import { defaultLimits, type SessionOptions } from "./session-options.ts";
import type { Transaction } from "./transaction.ts";

const servers: KeepingServer[] = [];

async function serve(changes: Partial<ListenOptions> = {}): Promise<KeepingServer> {
  const server = await keepingServer(changes);
  servers.push(server);
  return server;
}

after(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

const envelope = "EHLO client.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n";

test("a session takes two messages and says what it can", async () => {
  const server = await serve();
  const answered = await converse(
    server,
    `${envelope}RCPT TO:<postmaster>\r\nDATA\r\nSubject: one\r\n\r\n..dot\r\n.\r\n`,
    "MAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n.\r\nQUIT\r\n",
  );
  assert.equal(codes(answered), "220 250 250 250 250 354 250 250 250 354 250 221");
  for (const keyword of [
    "PIPELINING",
    "8BITMIME",
    "SIZE 104857600",
    "ENHANCEDSTATUSCODES",
    "SMTPUTF8",
    "DSN",
    "CHUNKING",
  ]) {
    assert.match(answered, new RegExp(`^250[ -]${keyword}\r$`, "m"));
  }
  const peer = { address: "127.0.0.1", helo: "client.example", protocol: "ESMTP" };
  const b = { localPart: "b", domain: "b.example" };
  const postmaster = { localPart: "postmaster", domain: "own.example" };
  assert.deepEqual(server.received, [
    {
      envelope: {
        reversePath: { localPart: "a", domain: "a.example" },
        forwardPaths: [b, postmaster],
        parameters: {},
      },
      message: "Subject: one\r\n\r\n.dot\r\n",
      peer,
    },
    {
      envelope: { reversePath: undefined, forwardPaths: [{ ...b, localPart: "c" }], parameters: {} },
      message: "",
      peer,
    },
  ]);
});

test("a dialogue means the same wherever the network cuts it", async () => {
  const server = await serve({ dialect: lmtp });
  const octets = Buffer.from(
    `${envelope.replace("EHLO", "LHLO")}RCPT TO:<c@b.example>\r\nRCPT TO:<bad>\r\nDATA\r\n.. a\r\n.\r.\r\n..\r\n.\r\n` +
      "NOOP\r\nMAIL FROM:<x@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nbody\r\n..\r\n.\r\nQUIT\r\n",
  );
  const whole = await converse(server, octets);
  assert.equal(codes(whole), "220 250 250 250 250 501 354 554 554 250 250 250 354 250 221");
  for (let at = 1; at < octets.length; at++) {
    const answered = await converse(server, octets.subarray(0, at), octets.subarray(at));
    assert.equal(answered, whole, `cut at ${at}`);
  }
  assert.equal(await converse(server, ...Array.from(octets, (octet) => Uint8Array.of(octet))), whole);
  assert.ok(server.received.every(({ message }) => message === "body\r\n.\r\n"));
});

for (const [name, dialogue, expected] of [
  ["DATA without a recipient", "EHLO c\r\nMAIL FROM:<a@a.example>\r\nDATA\r\nQUIT\r\n", "220 250 250 503 221"],
  ["MAIL before the greeting", "MAIL FROM:<a@a.example>\r\nQUIT\r\n", "220 503 221"],
  ["RCPT before MAIL", "EHLO c\r\nRCPT TO:<a@a.example>\r\nQUIT\r\n", "220 250 503 221"],
  ["MAIL within a transaction", `${envelope}MAIL FROM:<>\r\nQUIT\r\n`, "220 250 250 250 503 221"],
  ["DATA after RSET", `${envelope}RSET\r\nDATA\r\nQUIT\r\n`, "220 250 250 250 250 503 221"],
  ["DATA after a new EHLO", `${envelope}EHLO c\r\nDATA\r\nQUIT\r\n`, "220 250 250 250 250 503 221"],
  ["LHLO over SMTP", "LHLO c\r\nQUIT\r\n", "220 500 221"],
  ["a size over the limit", "EHLO c\r\nMAIL FROM:<> SIZE=104857601\r\nQUIT\r\n", "220 250 552 221"],
  [
    "an address that needs SMTPUTF8",
    "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<\xc3\xa4@b.example>\r\nQUIT\r\n",
    "220 250 250 553 221",
  ],
  ["a bare CR in a command", "EHLO c\r\nNOOP\rRSET\r\nQUIT\r\n", "220 250 501 221"],
  ["a NUL in a command", "EHLO c\r\nNO\0OP\r\nQUIT\r\n", "220 250 501 221"],
  ["a bare LF in a command, and ends there", "EHLO c\r\nNOOP\nQUIT\r\n", "220 250 501"],
  ["a line without end, and ends there", `EHLO c\r\nNOOP ${"x".repeat(5000)}\r\nQUIT\r\n`, "220 250 500"],
  ["twenty mistakes, and ends there", "WHAT\r\n".repeat(30), `220${" 500".repeat(20)} 421`],
] as const) {
  test(`the session refuses ${name}`, async () => {
    assert.equal(codes(await converse(await serve(), dialogue)), expected);
  });
}

test("who is not in an accepted network is turned away before a word", async () => {
  const turnedAway = await serve({ accept: ["192.0.2.0/24", "2001:db8::1"] });
  assert.equal(await converse(turnedAway, "EHLO c\r\nQUIT\r\n"), "554 5.7.1 Not for you\r\n");
  const welcome = await serve({ accept: ["192.0.2.1", "127.0.0.0/8"] });
  assert.equal(codes(await converse(welcome, "EHLO c\r\nQUIT\r\n")), "220 250 221");
});

test("LMTP refuses EHLO", async () => {
  assert.equal(codes(await converse(await serve({ dialect: lmtp }), "EHLO c\r\nQUIT\r\n")), "220 500 221");
});

test("smuggled line ends never make two messages of one, and the message is refused", async () => {
  const server = await serve();
  for (const end of ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\r.\r\n", "\r\n.\r\r\n"]) {
    const inner = `MAIL FROM:<evil@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nsmuggled\r\n.\r\n`;
    const answered = await converse(server, `${envelope}DATA\r\nouter${end}${inner}QUIT\r\n`);
    assert.equal(codes(answered), "220 250 250 250 354 554 221", JSON.stringify(end));
  }
  assert.deepEqual(server.received, []);
});

test("a handler that fails costs 451 for each recipient, over LMTP one by one, and never a message", async () => {
  const failing: Partial<SessionOptions>[] = [
    { handle: async () => Promise.reject(new Error("a bug")) },
    {
      handle: () => {
        throw new Error("a bug at once");
      },
    },
    { handle: async () => [reply(250, "2.0.0", "one for two")] },
    { handle: async () => [reply(250, "2.0.0", "unread"), reply(250, "2.0.0", "unread")] },
  ];
  for (const changes of failing) {
    const server = await serve({ ...changes, dialect: lmtp });
    const dialogue = `LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n`;
    assert.equal(codes(await converse(server, dialogue)), "220 250 250 250 250 354 451 451 221");
    assert.equal(server.faults.length, 1);
  }
});

test("each recipient has its own answer over LMTP", async () => {
  const handle = async ({ message, envelope: { forwardPaths } }: Transaction): Promise<readonly Reply[]> => {
    await collect(message);
    return forwardPaths.map((_, at) => (at === 1 ? reply(550, "5.1.1", "nobody") : reply(250, "2.0.0", "ok")));
  };
  const recipients = "RCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nRCPT TO:<d@b.example>\r\n";
  const dialogue = `MAIL FROM:<>\r\n${recipients}DATA\r\nx\r\n.\r\nQUIT\r\n`;
  const answered = await converse(await serve({ dialect: lmtp, handle }), `LHLO c\r\n${dialogue}`);
  assert.equal(codes(answered), "220 250 250 250 250 250 354 250 550 250 221");
  assert.equal(
    codes(await converse(await serve({ handle }), `EHLO c\r\n${dialogue}`)),
    "220 250 250 250 250 250 354 451 221",
  );
});

test("a recipient may be refused before the message", async () => {
  const server = await serve({
    judgeRecipient: ({ localPart }) => (localPart === "c" ? reply(451, "4.7.5", "no certificate") : undefined),
  });
  const answered = await converse(server, `${envelope}RCPT TO:<c@b.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n`);
  assert.equal(codes(answered), "220 250 250 250 451 354 250 221");
  assert.deepEqual(server.received[0]?.envelope.forwardPaths.map(formatMailbox), ["b@b.example"]);
});

test("more recipients than the limit are put off, not lost", async () => {
  const server = await serve({ limits: { ...defaultLimits, recipients: 1 } });
  assert.equal(
    codes(await converse(server, `${envelope}RCPT TO:<c@b.example>\r\nQUIT\r\n`)),
    "220 250 250 250 452 221",
  );
});

test("a message over the limit is refused for each recipient and the session goes on", async () => {
  const server = await serve({ dialect: lmtp, limits: { ...defaultLimits, messageSize: 1000 } });
  const big = `${"x".repeat(70)}\r\n`.repeat(5000);
  const dialogue = `${envelope.replace("EHLO", "LHLO")}RCPT TO:<c@b.example>\r\nDATA\r\n${big}.\r\nNOOP\r\nQUIT\r\n`;
  assert.equal(codes(await converse(server, dialogue)), "220 250 250 250 250 354 552 552 250 221");
});

test("a client that leaves in the middle of a message leaves nothing behind", async () => {
  const server = await serve();
  assert.equal(codes(await converse(server, `${envelope}DATA\r\nhalf a mess`)), "220 250 250 250 354");
  assert.deepEqual(server.received, []);
  assert.equal(server.faults.length, 1);
});

test("a client that is slow with a command, or with a message, hears 421", async () => {
  const server = await serve({ limits: { ...defaultLimits, commandTimeoutMs: 60, messageTimeoutMs: 60 } });
  assert.ok("port" in server.address);
  for (const said of ["", "NO", `${envelope}DATA\r\nhalf`]) {
    const socket = createConnection(server.address);
    socket.write(said);
    let answered = "";
    for await (const octets of socket) answered += octets;
    assert.match(answered, /\r\n421 4\.4\.2 Timeout\r\n$/);
  }
});

test("dripping octets does not stretch the deadline of a command", async () => {
  const server = await serve({ limits: { ...defaultLimits, commandTimeoutMs: 100 } });
  assert.ok("port" in server.address);
  const socket = createConnection(server.address);
  const drip = setInterval(() => socket.write("N"), 20);
  socket.on("error", () => undefined);
  let answered = "";
  for await (const octets of socket) {
    answered += octets;
    if (answered.includes("421")) break;
  }
  clearInterval(drip);
  assert.match(answered, /421 4\.4\.2/);
});

test("a handler that does not read holds the sender back", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = await serve({
    handle: async ({ message, envelope: { forwardPaths } }) => {
      await released;
      await collect(message);
      return forwardPaths.map(() => reply(250, "2.0.0", "ok"));
    },
  });
  assert.ok("port" in server.address);
  const socket = createConnection(server.address);
  socket.write(`${envelope}DATA\r\n`);
  const block = Buffer.from(`${"x".repeat(62)}\r\n`.repeat(1024 * 16));
  let written = 0;
  const pump = (): void => {
    while (written < 64 && socket.write(block)) written += 1;
    written += 1;
    if (written >= 64) socket.write(".\r\nQUIT\r\n");
    else socket.once("drain", pump);
  };
  pump();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(written < 40, `${written} MiB were taken though nobody read`);
  release();
  let answered = "";
  for await (const octets of socket) answered += octets;
  assert.match(codes(answered), /354 250 221$/);
});

test("closing waits for the message in hand and tells who is idle", async () => {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = await serve({
    handle: async ({ message, envelope: { forwardPaths } }) => {
      reach();
      await released;
      await collect(message);
      return forwardPaths.map(() => reply(250, "2.0.0", "ok"));
    },
  });
  const busy = converse(server, `${envelope}DATA\r\nx\r\n.\r\n`);
  assert.ok("port" in server.address);
  const idle = createConnection(server.address);
  let told = "";
  idle.on("data", (octets) => {
    told += octets;
  });
  await reached;
  while (told === "") await turn();
  const closed = server.close();
  release();
  await closed;
  assert.equal(codes(await busy), "220 250 250 250 354 250");
  assert.equal(codes(told), "220 421");
});

test("a handler may take its time, before and after the message, and the peer is not blamed", async () => {
  const limits = { ...defaultLimits, commandTimeoutMs: 80, blockTimeoutMs: 80 };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 250));
  const handle = async ({ message, envelope: { forwardPaths } }: Transaction): Promise<readonly Reply[]> => {
    await pause();
    await collect(message);
    await pause();
    return forwardPaths.map(() => reply(250, "2.0.0", "at last"));
  };
  const server = await serve({ limits, handle });
  for (const message of ["DATA\r\nx\r\n.\r\n", "BDAT 3 LAST\r\nx\r\n", "BDAT 3\r\nx\r\nNOOP\r\nBDAT 0 LAST\r\n"]) {
    assert.match(await converse(server, `${envelope}${message}QUIT\r\n`), /250 2\.0\.0 at last\r\n221 .*\r\n$/);
  }
});
