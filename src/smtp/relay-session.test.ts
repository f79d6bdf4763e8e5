import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { type ByteSource, collect, sourceOf } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { lmtp, smtp } from "./lmtp.ts";
import type { Mailbox } from "./mailbox.ts";
import { RelayPool } from "./relay-pool.ts";
import { defaultTimeouts, type Hop } from "./relay-session.ts";
import { describeInDetail, formatReply, type Reply, reply } from "./reply.ts";
import { listen } from "./server.ts";
import { defaultLimits, type SessionOptions } from "./session-options.ts";
import type { Envelope } from "./transaction.ts";

const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const mailbox = (localPart: string): Mailbox => ({ localPart, domain: "b.example" });
const to = (...names: readonly string[]): Envelope => ({
  reversePath: mailbox("sender"),
  forwardPaths: names.map(mailbox),
  parameters: {},
});
const text = (value: string): ByteSource => sourceOf(Buffer.from(value, "latin1"));
const codes = (replies: readonly Reply[]): string => replies.map(({ code }) => code).join(" ");

function pool(timeoutMs = 10_000): RelayPool {
  const times = { commandMs: timeoutMs, blockMs: timeoutMs, answerMs: timeoutMs };
  const made = new RelayPool("gw.example", { ...defaultTimeouts, ...times });
  closing.push(() => made.close());
  return made;
}

async function ownHop(changes: Partial<SessionOptions> = {}): Promise<{ hop: Hop; received: string[] }> {
  const received: string[] = [];
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "hop.example",
      postmaster: mailbox("postmaster"),
      limits: defaultLimits,
      onFault: () => undefined,
      handle: async ({ envelope, message }) => {
        received.push(Buffer.from(await collect(message)).toString("latin1"));
        return envelope.forwardPaths.map(({ localPart }) =>
          localPart === "full" ? reply(452, "4.2.2", "full") : reply(250, "2.0.0", localPart),
        );
      },
      judgeRecipient: ({ localPart }) => (localPart === "nobody" ? reply(550, "5.1.1", "nobody") : undefined),
      ...changes,
    },
  );
  closing.push(() => server.close());
  return { hop: { protocol: changes.dialect === lmtp ? "lmtp" : "smtp", address: server.address }, received };
}

type Script = (line: string, socket: Socket) => string | undefined;

/** A hop that says what the test wants; counts its connections and keeps what it heard. */
async function scriptedHop(script: Script, protocol: "smtp" | "lmtp" = "smtp") {
  const heard: string[] = [];
  const state = { connections: 0 };
  const server = createServer((socket) => {
    state.connections += 1;
    socket.on("error", () => undefined);
    socket.write("220 hop\r\n");
    let pending = "";
    socket.on("data", (octets) => {
      const lines = `${pending}${octets.toString("latin1")}`.split("\r\n");
      pending = lines.pop() ?? "";
      for (const line of lines) {
        heard.push(line);
        const answer = script(line, socket);
        if (answer !== undefined) socket.write(`${answer}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(async () => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const hop: Hop = { protocol, address: { host: "127.0.0.1", port: address.port } };
  return { hop, heard, state };
}

/** An honest hop without extensions, except where `changes` answers. */
const plain =
  (changes: Script): Script =>
  (line, socket) => {
    const changed = changes(line, socket);
    if (changed !== undefined) return changed === "" ? undefined : changed;
    if (line === "DATA") return "354 go";
    return /^(EHLO|LHLO|HELO|MAIL|RCPT|RSET|QUIT|\.$)/.test(line) ? "250 ok" : undefined;
  };

test("one connection serves many messages, octet for octet", async () => {
  const { hop, received } = await ownHop();
  const relay = pool();
  const messages = ["", "a\r\n", ".\r\n", "..\r\n.\r\n\r\n", "Subject: x\r\n\r\nÿþ\r\n. \r\n"];
  for (const message of messages) assert.equal(codes(await relay.relay(hop, to("a"), text(message))), "250");
  assert.deepEqual(received, messages);
});

test("each recipient gets the hop's own answer, over SMTP and LMTP", async () => {
  const relay = pool();
  const { hop } = await ownHop();
  assert.equal(codes(await relay.relay(hop, to("a", "nobody", "b"), text("x\r\n"))), "250 550 250");
  const { hop: lmtpHop } = await ownHop({ dialect: lmtp });
  const replies = await relay.relay(lmtpHop, to("a", "nobody", "full", "b"), text("x\r\n"));
  assert.equal(codes(replies), "250 550 452 250");
  assert.deepEqual(replies[3]?.lines, ["b"]);
  assert.equal(codes(await relay.relay(lmtpHop, to("nobody", "nobody"), text("x\r\n"))), "550 550");
  assert.equal(codes(await relay.relay(lmtpHop, to("a"), text("x\r\n"))), "250");
});

test("a hop without PIPELINING is spoken to line by line", async () => {
  const { hop, heard } = await scriptedHop(plain((line) => (line.includes("<b@") ? "550 5.1.1 no" : undefined)));
  assert.equal(codes(await pool().relay(hop, to("a", "b", "c"), text(".x\r\n"))), "250 550 250");
  const rcpt = ["RCPT TO:<a@b.example>", "RCPT TO:<b@b.example>", "RCPT TO:<c@b.example>"];
  assert.deepEqual(heard.slice(1, 8), ["MAIL FROM:<sender@b.example>", ...rcpt, "DATA", "..x", "."]);
});

test("a hop that only knows HELO is served", async () => {
  const { hop, heard } = await scriptedHop(plain((line) => (line.startsWith("EHLO") ? "502 what" : undefined)));
  assert.equal(codes(await pool().relay(hop, to("a"), text("x\r\n"))), "250");
  assert.equal(heard[1], "HELO gw.example");
});

test("parameters go on only where the hop knows them", async () => {
  const parameters = { body: "8BITMIME", size: 7 } as const;
  const full = await scriptedHop(
    plain((line) => (line.startsWith("EHLO") ? "250-hop\r\n250-SIZE\r\n250 8BITMIME" : undefined)),
  );
  assert.equal(codes(await pool().relay(full.hop, { ...to("a"), parameters }, text("x\r\n"))), "250");
  assert.equal(full.heard[1], "MAIL FROM:<sender@b.example> SIZE=7 BODY=8BITMIME");
  const bare = await scriptedHop(plain(() => undefined));
  assert.equal(codes(await pool().relay(bare.hop, { ...to("a"), parameters }, text("x\r\n"))), "554");
  assert.equal(codes(await pool().relay(bare.hop, to("ä"), text("x\r\n"))), "553");
});

for (const [name, script, expected] of [
  ["refuses the sender", (line: string) => (line.startsWith("MAIL") ? "550 5.1.8 no" : undefined), "550 550"],
  ["refuses DATA", (line: string) => (line === "DATA" ? "451 4.3.0 no" : undefined), "451 451"],
  ["accepts what it should begin", (line: string) => (line === "DATA" ? "250 what" : undefined), "451 451"],
  ["refuses the message", (line: string) => (line === "." ? "554 5.7.1 no" : undefined), "554 554"],
  ["begins what it should end", (line: string) => (line === "." ? "354 go on" : undefined), "451 451"],
  ["talks nonsense", (line: string) => (line.startsWith("RCPT") ? "yes" : undefined), "451 451"],
  ["says nothing", (line: string) => (line.startsWith("RCPT") ? "" : undefined), "451 451"],
  ["says nothing at the end", (line: string) => (line === "." ? "" : undefined), "451 451"],
  ["answers without end", (line: string) => (line.startsWith("MAIL") ? "250-x\r\n".repeat(300) : undefined), "451 451"],
  ["hangs up on MAIL", (line: string, s: Socket) => (line.startsWith("MAIL") ? hangUp(s) : undefined), "451 451"],
  ["hangs up on the last dot", (line: string, s: Socket) => (line === "." ? hangUp(s) : undefined), "451 451"],
  ["says nothing to our greeting", (line: string) => (line.startsWith("EHLO") ? "" : undefined), "451 451"],
  ["does not greet", (line: string) => (/^(EHLO|HELO)/.test(line) ? "554 no" : undefined), "451 451"],
] as const) {
  test(`a hop that ${name} means ${expected} for the recipients`, async () => {
    const { hop } = await scriptedHop(plain(script));
    const patience = name.startsWith("says nothing") ? 300 : 10_000;
    assert.equal(codes(await pool(patience).relay(hop, to("a", "b"), text("x\r\n"))), expected);
  });
}

function hangUp(socket: Socket): string {
  socket.destroy();
  return "";
}

test("over LMTP the recipients answered before the connection broke keep their answers", async () => {
  const script = plain((line, socket) => {
    if (line !== ".") return undefined;
    socket.end("250 2.0.0 a is served\r\n");
    return "";
  });
  const { hop } = await scriptedHop(script, "lmtp");
  assert.equal(codes(await pool().relay(hop, to("a", "b"), text("x\r\n"))), "250 451");
});

test("nobody listening is 451 for each", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  await new Promise((resolve) => server.close(resolve));
  const hop: Hop = { protocol: "smtp", address: { host: "127.0.0.1", port: address.port } };
  const replies = await pool().relay(hop, to("a", "b"), text("x\r\n"));
  assert.equal(codes(replies), "451 451");
  const [told = assert.fail()] = replies;
  assert.equal(formatReply(told), "451 4.4.1 The next hop cannot be reached\r\n");
  assert.match(describeInDetail(told), /^451 4\.4\.1 Cannot reach the next hop: connect ECONNREFUSED /);
});

test("an idle connection that the hop closed costs nothing but a new one", async () => {
  const sockets: Socket[] = [];
  const { hop, state } = await scriptedHop(
    plain((line, socket) => {
      if (line.startsWith("EHLO")) sockets.push(socket);
      // The first connection answers one message, and breaks when it hears of the second.
      return line.startsWith("MAIL") && socket === sockets[0] && state.connections === 1 && seen++ > 0
        ? hangUp(socket)
        : undefined;
    }),
  );
  let seen = 0;
  const relay = pool();
  assert.equal(codes(await relay.relay(hop, to("a"), text("one\r\n"))), "250");
  assert.equal(codes(await relay.relay(hop, to("a"), text("two\r\n"))), "250");
  assert.equal(state.connections, 2);
});

test("a hop that says farewell to an idle connection has heard nothing of the next message", async () => {
  let mails = 0;
  const { hop, state } = await scriptedHop(
    plain((line, socket) => {
      if (!line.startsWith("MAIL") || ++mails !== 2) return undefined;
      socket.end("421 4.3.2 Closing for maintenance\r\n");
      return "";
    }),
  );
  const relay = pool();
  assert.equal(codes(await relay.relay(hop, to("a"), text("one\r\n"))), "250");
  assert.equal(codes(await relay.relay(hop, to("a"), text("two\r\n"))), "250");
  assert.equal(state.connections, 2);
});

test("a message that cannot be read to its end is never ended", async () => {
  const { hop, heard } = await scriptedHop(plain(() => undefined));
  const broken = async function* (): ByteSource {
    yield Buffer.from("half\r\n");
    yield Buffer.from("more\r\n");
    throw new SecureMailError("CMS_TAG_MISMATCH", "permanent", "tampered");
  };
  await assert.rejects(pool().relay(hop, to("a"), broken()), { code: "CMS_TAG_MISMATCH" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(heard.at(-1), "half");
});

test("a hop that says yes before it has heard the end has not taken the message", async () => {
  const { hop, heard } = await scriptedHop(plain((line) => (line === "first" ? "250 2.0.0 kept" : undefined)));
  const slow = async function* (): ByteSource {
    for (const line of ["first", "second", "third", "fourth"]) {
      yield Buffer.from(`${line}\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  assert.equal(codes(await pool().relay(hop, to("a", "b"), slow())), "451 451");
  assert.ok(!heard.includes("."));
});

test("a CR or LF alone is thrown, and the hop never sees the end of such a message", async () => {
  const { hop, heard } = await scriptedHop(plain(() => undefined));
  for (const message of ["a\nb\r\n", "a\r\n.\nMAIL FROM:<>\r\n", "a\rb\r\n", "a\r"]) {
    await assert.rejects(pool().relay(hop, to("a"), text(message)), { code: "SMTP_BARE_LINE_END" });
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(!heard.includes("."));
});

test("a slow hop holds the message back", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { hop } = await ownHop({
    handle: async ({ message, envelope }) => {
      await released;
      await collect(message);
      return envelope.forwardPaths.map(() => reply(250, "2.0.0", "ok"));
    },
  });
  let given = 0;
  const large = async function* (): ByteSource {
    for (; given < 64; given++) yield Buffer.from(`${"x".repeat(62)}\r\n`.repeat(1024 * 16));
  };
  const relay = new RelayPool("gw.example");
  closing.push(() => relay.close());
  const replies = relay.relay(hop, to("a"), large());
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(given < 40, `${given} MiB were taken though nobody read`);
  release();
  assert.equal(codes(await replies), "250");
});
