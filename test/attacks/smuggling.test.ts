// SMTP smuggling (security.md A32, A33): what one server reads as text another reads as the end of a message and the
// commands of the next. As many messages go on as came in, whatever stands between them and wherever the network cuts.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { sourceOf } from "../../src/bytes.ts";
import { type Hop, lmtp, RelayPool } from "../../src/smtp.ts";
import { codes, converse, type KeepingServer, keepingServer } from "../dialogue.ts";

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

/** All rows of up to five of CR, LF, a dot and one other sign that have a dot and a line end; the honest end is none. */
const sequences = [...rows(5)].filter((row) => /\./.test(row) && /[\r\n]/.test(row) && !row.includes("\r\n.\r\n"));

function* rows(length: number): Generator<string> {
  if (length === 0) return;
  for (const first of ["\r", "\n", ".", "\0"]) {
    yield first;
    for (const rest of rows(length - 1)) yield first + rest;
  }
}

const start = "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n";
const inner = "MAIL FROM:<evil@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nsmuggled\r\n.\r\n";

/** What follows the sequence is read as text up to its own end, then "QUIT" is obeyed. */
const smuggling = (sequence: string): string => `text${sequence}${inner}`;

async function serve(changes: Parameters<typeof keepingServer>[0]): Promise<KeepingServer> {
  const server = await keepingServer(changes);
  closing.push(() => server.close());
  return server;
}

test("there are more than 300 sequences to try", () => assert.ok(sequences.length > 300, `${sequences.length}`));

test("no sequence ends a message from the network; with a stray CR or LF it is refused", async () => {
  const server = await serve({});
  for (const sequence of sequences) {
    const before = server.received.length;
    const answered = await converse(server, `EHLO c\r\n${start}${smuggling(sequence)}QUIT\r\n`);
    const stray = /\r(?!\n)|(?<!\r)\n/.test(sequence);
    const first = server.received[before];
    assert.equal(codes(answered), `220 250 250 250 354 ${stray ? "554" : "250"} 221`, JSON.stringify(sequence));
    assert.equal(server.received.length, stray ? before : before + 1);
    if (!stray) assert.match(first?.message ?? "", /^text[\s\S]*DATA\r\nsmuggled\r\n$/);
  }
});

test("no sequence ends a message from the hub, where it is text", async () => {
  const server = await serve({ dialect: lmtp, strayLineEnds: "data" });
  for (const sequence of sequences) {
    const answered = await converse(server, `LHLO c\r\n${start}${smuggling(sequence)}QUIT\r\n`);
    assert.equal(codes(answered), "220 250 250 250 354 250 221", JSON.stringify(sequence));
    assert.match(server.received.at(-1)?.message ?? "", /^text[\s\S]*DATA\r\nsmuggled\r\n$/);
  }
  assert.equal(server.received.length, sequences.length);
});

test("it makes no difference where the network cuts", async () => {
  const server = await serve({});
  for (const sequence of ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r\n", "\r\n\0.\r\n", "\r\n\r.\r\n"]) {
    const octets = Buffer.from(`EHLO c\r\n${start}${smuggling(sequence)}QUIT\r\n`);
    const from = octets.indexOf("text");
    for (let at = from; at < from + 16; at++) {
      for (const end of [at + 1, at + 2, at + 3]) {
        const answered = await converse(server, octets.subarray(0, at), octets.subarray(at, end), octets.subarray(end));
        const stray = sequence !== "\r\n\0.\r\n";
        assert.equal(codes(answered), `220 250 250 250 354 ${stray ? "554" : "250"} 221`);
      }
    }
  }
  assert.ok(server.received.every(({ message }) => message.startsWith("text\r\n\0.\r\nMAIL FROM")));
});

test("chunks carry no sequence on", async () => {
  const server = await serve({});
  for (const sequence of sequences) {
    const text = smuggling(sequence);
    const half = text.length >> 1;
    const chunks = `BDAT ${half}\r\n${text.slice(0, half)}BDAT ${text.length - half} LAST\r\n${text.slice(half)}`;
    const answered = await converse(server, `EHLO c\r\n${start.replace("DATA\r\n", "")}${chunks}QUIT\r\n`);
    const stray = /\r(?!\n)|(?<!\r)\n/.test(sequence);
    assert.match(codes(answered), stray ? /^220 250 250 250 (250 554|554 554) 221$/ : /250 250 221$/);
  }
  assert.ok(server.received.every(({ message }) => message.endsWith("smuggled\r\n.\r\n")));
});

test("no sequence in a message that goes on makes two of it, even for a server that takes every end", async () => {
  const sink = await lenientSink();
  const pool = new RelayPool("gw.example");
  closing.push(() => pool.close());
  const a = { localPart: "a", domain: "a.example" };
  const envelope = { reversePath: a, forwardPaths: [a], parameters: {} };
  for (const sequence of sequences) {
    const stray = /\r(?!\n)|(?<!\r)\n/.test(sequence);
    const text = Buffer.from(smuggling(sequence));
    for (const cut of [text.length, 4, 5, 6, 7]) {
      const relayed = pool.relay(sink.hop, envelope, sourceOf(text.subarray(0, cut), text.subarray(cut)));
      const before = sink.messages.length;
      if (stray) await assert.rejects(relayed, { code: "SMTP_BARE_LINE_END" });
      else assert.equal((await relayed)[0]?.code, 250);
      assert.equal(sink.messages.length - before, stray ? 0 : 1, JSON.stringify(sequence));
    }
  }
  // The honest end within a message is text like any other.
  await pool.relay(sink.hop, envelope, sourceOf(Buffer.from(smuggling("\r\n.\r\n"))));
  assert.match(sink.messages.at(-1) ?? "", /^text\r\n\.\.\r\nMAIL FROM/);
});

/** A server that takes CR, LF and CRLF for a line end, as none should: what reaches it must not hold two messages. */
async function lenientSink(): Promise<{ readonly hop: Hop; readonly messages: string[] }> {
  const messages: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.setNoDelay(true);
    socket.write("220 sink\r\n");
    let pending = "";
    let inside = false;
    socket.on("data", (octets) => {
      pending += octets.toString("latin1");
      for (;;) {
        const end = inside ? /(?:^|\r\n|\r|\n)\.(?:\r\n|\r(?=[^\n])|\n)/.exec(pending) : /\r\n|\r|\n/.exec(pending);
        if (end === null) return;
        const line = pending.slice(0, end.index);
        pending = pending.slice(end.index + end[0].length);
        if (inside) messages.push(line);
        const data = !inside && line === "DATA";
        socket.write(data ? "354 go\r\n" : line.startsWith("EHLO") ? "250-sink\r\n250 PIPELINING\r\n" : "250 ok\r\n");
        inside = data;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { hop: { protocol: "smtp", address: { host: "127.0.0.1", port: address.port } }, messages };
}
