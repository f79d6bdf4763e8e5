// STARTTLS (security.md A35): stripped, answered with more than an answer, followed by more than a handshake, or by the
// wrong certificate. Nothing that was said in the clear may count, and no mail may go where TLS was asked for and is not.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { connect, TLSSocket } from "node:tls";
import { sourceOf } from "../../src/bytes.ts";
import { type Hop, type ListenOptions, lmtp, RelayPool } from "../../src/smtp.ts";
import { codes, converse, type KeepingServer, keepingServer } from "../dialogue.ts";
import { tlsParty } from "../tls-parties.ts";

const gateway = await tlsParty("gateway");
const hub = await tlsParty("hub");
const stranger = await tlsParty("stranger");

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

async function serve(changes: Partial<ListenOptions> = {}): Promise<KeepingServer> {
  const server = await keepingServer({ tls: gateway, ...changes });
  closing.push(() => server.close());
  return server;
}

const a = { localPart: "a", domain: "a.example" };
const envelope = { reversePath: a, forwardPaths: [a], parameters: {} };
const mail = "MAIL FROM:<>\r\nRCPT TO:<a@a.example>\r\nDATA\r\nx\r\n.\r\n";

async function relayTo(hop: Hop): Promise<string> {
  const pool = new RelayPool("gw.example");
  const [answer] = await pool.relay(hop, envelope, sourceOf(Buffer.from("x\r\n")));
  await pool.close();
  return `${answer?.code} ${answer?.lines.join(" ")}`;
}

for (const protocol of ["smtp", "lmtp"] as const) {
  test(`mail goes by ${protocol} over TLS between those that know each other's certificate`, async () => {
    const pins = [stranger.pin, hub.pin.toUpperCase().replace(/..(?=.)/g, "$&:")];
    const server = await serve({ tls: { ...gateway, pins }, ...(protocol === "lmtp" ? { dialect: lmtp } : {}) });
    const tls = { ...hub, pins: [gateway.pin] };
    assert.match(await relayTo({ protocol, address: server.address, tls }), /^250/);
    assert.equal(server.received[0]?.peer.protocol, protocol === "smtp" ? "ESMTPS" : "LMTPS");
  });
}

for (const [name, tls] of [
  ["shows no certificate", { pins: [gateway.pin] }],
  ["shows another certificate", { ...stranger, pins: [gateway.pin] }],
  ["wants another server", { ...hub, pins: [hub.pin, stranger.pin] }],
  ["wants no server at all", { ...hub, pins: [] }],
] as const) {
  test(`no mail passes when the client ${name}`, async () => {
    const server = await serve({ tls: { ...gateway, pins: [hub.pin] } });
    assert.match(await relayTo({ protocol: "smtp", address: server.address, tls }), /^451 /);
    assert.deepEqual(server.received, []);
  });
}

test("before TLS nothing is done but greetings, and nothing of it is remembered", async () => {
  const server = await serve({ trusted: ["127.0.0.1"] });
  const dialogue = `EHLO c\r\n${mail}XFORWARD IDENT=evil\r\nVRFY a\r\nRSET\r\nNOOP\r\nBDAT 6 LAST\r\nQUIT\r\nQUIT\r\n`;
  const answered = await converse(server, dialogue.replace("x\r\n.\r\n", ""));
  assert.equal(codes(answered), "220 250 530 530 530 530 530 530 250 530 221");
  const { send, reply } = await startedTls(server, "EHLO evil.example\r\n");
  assert.match(await send("MAIL FROM:<>\r\n"), /^503 5\.5\.1 Say hello first/);
  assert.doesNotMatch(await send("EHLO good.example\r\n"), /STARTTLS/);
  assert.match(await send("STARTTLS\r\n"), /^503/);
  assert.match(await send("MAIL FROM:<>\r\n"), /^250/);
  assert.match(await send("STARTTLS\r\n"), /^503/);
  reply.destroy();
});

test("where there is no TLS, STARTTLS is refused and the session goes on", async () => {
  const server = await keepingServer();
  closing.push(() => server.close());
  assert.equal(
    codes(await converse(server, `EHLO c\r\nSTARTTLS\r\n${mail}QUIT\r\n`)),
    "220 250 502 250 250 354 250 221",
  );
});

const injected = [
  "\r\n",
  "\n",
  "N",
  "NOOP\r\n",
  "RSET\r\n",
  "EHLO evil.example\r\n",
  "MAIL FROM:<evil@a.example>\r\n",
  mail,
  `EHLO evil.example\r\n${mail}`,
  "XFORWARD IDENT=evil\r\n",
  "STARTTLS\r\n",
  "QUIT\r\n",
  "\0",
  "\x16\x03\x01",
  "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
  "BDAT 100000\r\n",
  "x".repeat(3000),
];

test("what follows STARTTLS in the clear ends the session, in one write, in two, or after the answer", async () => {
  const server = await serve({ trusted: ["127.0.0.1"] });
  for (const more of injected) {
    for (const greeting of ["", "EHLO c\r\n"]) {
      const start = `${greeting}STARTTLS\r\n`;
      const answered = await converse(server, `${start}${more}`);
      assert.match(answered, /\r\n501 5\.5\.1 Nothing may follow STARTTLS before the handshake\r\n$/, more);
      for (const chunks of [
        [start, more],
        [start.slice(0, -1), `\n${more}`],
      ]) {
        const late = await converse(server, ...chunks);
        assert.match(codes(late), greeting === "" ? /^220 (501|220)$/ : /^220 250 (501|220)$/, JSON.stringify(more));
      }
    }
  }
  assert.deepEqual(server.received, []);
});

test("octets injected before the handshake of an honest client are not heard behind it", async () => {
  const server = await serve();
  for (const more of ["EHLO evil.example\r\n", `EHLO evil.example\r\n${mail}`]) {
    await assert.rejects(startedTls(server, "EHLO c\r\n", more));
  }
  assert.deepEqual(server.received, []);
});

/** STARTTLS by hand, with `injected` in the same write. */
async function startedTls(server: KeepingServer, before: string, injected = "") {
  assert.ok("port" in server.address);
  const plain = createConnection(server.address);
  plain.write(`${before}STARTTLS\r\n${injected}`);
  let answered = "";
  while (!answered.includes("\r\n220 ")) {
    const [octets] = await Promise.race([once(plain, "data"), once(plain, "close").then(() => [undefined])]);
    if (octets === undefined || /^501/m.test(String(octets))) throw new Error("the session ended");
    answered += octets;
  }
  const socket = connect({ socket: plain, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const send = async (line: string): Promise<string> => {
    socket.write(line);
    return String((await once(socket, "data"))[0]);
  };
  return { send, reply: socket };
}

type Answer = (line: string, socket: Socket) => string | undefined;

/** A hop in the middle: it says what it wants, in the clear until it takes a handshake. */
async function scriptedHop(inClear: Answer, inTls: Answer = () => undefined) {
  const heard: string[] = [];
  const listen = (socket: Socket, answer: Answer): void => {
    socket.on("error", () => undefined);
    socket.on("data", (octets) => {
      for (const line of octets.toString("latin1").split("\r\n").slice(0, -1)) {
        heard.push(line);
        const said = answer(line, socket);
        if (said !== undefined) socket.write(`${said}\r\n`);
      }
    });
  };
  const server = createServer((socket) => {
    socket.write("220 hop\r\n");
    listen(socket, (line, plain) => {
      const said = inClear(line, plain);
      if (said !== "handshake") return said;
      plain.write("220 go\r\n");
      plain.removeAllListeners("data");
      const { certificate: cert, key } = gateway;
      const secure = new TLSSocket(plain, { isServer: true, cert, key });
      secure.on("error", () => undefined);
      listen(secure, inTls);
      return undefined;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const tls = { pins: [gateway.pin] };
  return { heard, hop: { protocol: "smtp", address: { host: "127.0.0.1", port: address.port }, tls } as const };
}

const offer = "250-hop\r\n250-STARTTLS\r\n250-DSN\r\n250 SMTPUTF8";

for (const [name, answer] of [
  ["strips STARTTLS", (line) => (line.startsWith("EHLO") ? "250-hop\r\n250-SIZE\r\n250 XXXXXXXA" : "250 ok")],
  ["knows no EHLO", (line) => (line.startsWith("EHLO") ? "502 what" : "250 ok")],
  ["refuses STARTTLS for now", (line) => (line === "STARTTLS" ? "454 4.7.0 no" : offer)],
  ["refuses STARTTLS", (line) => (line === "STARTTLS" ? "502 no" : offer)],
  ["goes on in the clear", (line) => (line === "STARTTLS" ? "220 go\r\n250-hop\r\n250 SIZE" : offer)],
  ["answers twice", (line) => (line === "STARTTLS" ? "220 go\r\n250 ok" : offer)],
  ["begins another line", (line) => (line === "STARTTLS" ? "220 go\r\n2" : offer)],
  ["ends its answer with a stray LF", (line) => (line === "STARTTLS" ? "220 go\r\n\n" : offer)],
  ["answers before it is asked", (line) => (line.startsWith("EHLO") ? `${offer}\r\n220 go` : "250 ok")],
  ["hangs up on the handshake", (line, socket) => (line === "STARTTLS" ? hangUp(socket) : offer)],
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`no mail goes to a hop that ${name}`, async () => {
    const { hop, heard } = await scriptedHop(answer);
    assert.match(await relayTo(hop), /^451 The next hop cannot be reached/);
    assert.ok(!heard.some((line) => /^(MAIL|RCPT|DATA)/.test(line)), heard.join());
  });
}

function hangUp(socket: Socket): string {
  socket.end("220 go\r\n", () => socket.destroy());
  return "";
}

test("what a hop promised in the clear does not count behind the handshake", async () => {
  const { hop, heard } = await scriptedHop(
    (line) => (line === "STARTTLS" ? "handshake" : offer),
    (line) => (line.startsWith("EHLO") ? "250 hop" : line === "DATA" ? "354 go" : "250 ok"),
  );
  const pool = new RelayPool("gw.example");
  closing.push(() => pool.close());
  const dsn = { notify: "NEVER" } as const;
  const [answer] = await pool.relay(
    hop,
    { ...envelope, forwardPaths: [{ ...a, dsn }] },
    sourceOf(Buffer.from("x\r\n")),
  );
  assert.equal(answer?.code, 250);
  assert.deepEqual(heard.slice(-6), [
    "EHLO gw.example",
    "MAIL FROM:<a@a.example>",
    "RCPT TO:<a@a.example>",
    "DATA",
    "x",
    ".",
  ]);
  const utf8 = { localPart: "ä", domain: "a.example" };
  const [lacking] = await pool.relay(hop, { ...envelope, forwardPaths: [utf8] }, sourceOf(Buffer.from("x\r\n")));
  assert.equal(lacking?.code, 553);
});
