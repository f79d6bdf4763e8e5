// Slow and silent peers (security.md D7, A71): they cost a connection for a while and nobody else anything.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { type ByteSource, sourceOf } from "../../src/bytes.ts";
import { defaultLimits, type Hop, type ListenOptions, lmtp, RelayPool, type SessionLimits } from "../../src/smtp.ts";
import { codes, converse, type KeepingServer, keepingServer } from "../dialogue.ts";

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

async function serve(limits: Partial<SessionLimits>, changes: Partial<ListenOptions> = {}): Promise<KeepingServer> {
  const server = await keepingServer({ limits: { ...defaultLimits, ...limits }, ...changes });
  closing.push(() => server.close());
  return server;
}

async function connected(server: KeepingServer): Promise<Socket> {
  assert.ok("port" in server.address);
  const socket = createConnection(server.address);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

async function allSaid(socket: Socket): Promise<string> {
  let said = "";
  socket.on("data", (octets) => {
    said += octets;
  });
  if (!socket.closed) await once(socket, "close");
  return said;
}

const a = { localPart: "a", domain: "a.example" };
const envelope = { reversePath: a, forwardPaths: [a], parameters: {} };
const start = "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@a.example>\r\n";
const mail = `${start}DATA\r\nx\r\n.\r\nQUIT\r\n`;

test("connections beyond the limits are told so and closed, and there is room again when others leave", async () => {
  const server = await serve({}, { connections: 3, perPeer: 2 });
  const first = [await connected(server), await connected(server)];
  for (const socket of first) await once(socket, "data");
  assert.equal(await converse(server, mail), "421 4.7.0 Too many connections from your address\r\n");
  assert.ok("port" in server.address);
  const elsewhere = createConnection({ ...server.address, localAddress: "127.0.0.2" });
  await once(elsewhere, "data");
  assert.equal(await converse(server, mail), "421 4.7.0 Too many connections, try again later\r\n");
  for (const socket of [...first, elsewhere]) socket.destroy();
  await wait(50);
  assert.equal(codes(await converse(server, mail)), "220 250 250 250 354 250 221");
});

for (const [name, limits, drip] of [
  ["drips a command", { commandTimeoutMs: 150 }, ["EHLO ", "c"]],
  ["drips a message", { messageTimeoutMs: 150 }, [`${start}DATA\r\n`, "x\r\n"]],
  ["drips a chunk", { messageTimeoutMs: 150 }, [`${start}BDAT 1000\r\n`, "x\r\n"]],
  ["drips chunks", { messageTimeoutMs: 150 }, [`${start}`, "BDAT 1\r\nx"]],
  ["stops in a message", { blockTimeoutMs: 150 }, [`${start}DATA\r\nx`, ""]],
  ["drips commands for ever", { sessionTimeoutMs: 150 }, ["EHLO c\r\n", "NOOP\r\n"]],
] as const) {
  test(`who ${name} hears 421 in time`, async () => {
    const server = await serve(limits);
    const socket = await connected(server);
    const said = allSaid(socket);
    socket.write(drip[0]);
    const dripping = setInterval(() => drip[1] !== "" && socket.write(drip[1]), 15);
    const began = performance.now();
    while (!socket.readableEnded && performance.now() - began < 5000) await wait(10);
    clearInterval(dripping);
    socket.end();
    assert.match(await said, /\r\n421 4\.4\.2 Timeout\r\n$/);
    assert.ok(performance.now() - began < 20_000);
    assert.deepEqual(server.received, []);
  });
}

test("commands that bring no mail nearer end the session, mail between them does not", async () => {
  const server = await serve({ idleCommands: 5 });
  assert.equal(codes(await converse(server, "EHLO c\r\n".repeat(9))), `220${" 250".repeat(5)} 421`);
  const patient = `RSET\r\nNOOP\r\n${start.replace("EHLO c\r\n", "")}DATA\r\nx\r\n.\r\n`;
  assert.match(codes(await converse(server, `EHLO c\r\n${patient.repeat(4)}QUIT\r\n`)), / 221$/);
  assert.equal(server.received.length, 4);
});

test("who never reads our replies is let go", async () => {
  const server = await serve({ commandTimeoutMs: 300, idleCommands: 1e9, faults: 1e9 });
  const socket = await connected(server);
  socket.pause();
  const sending = setInterval(() => socket.write("EHLO c\r\n".repeat(8000)), 1);
  const began = performance.now();
  while (!socket.destroyed && performance.now() - began < 10_000) await wait(20);
  clearInterval(sending);
  assert.ok(socket.destroyed, "the socket stayed");
});

test("500 drip and 500 idle beside good mail: it passes, and everything is given back", async () => {
  const server = await serve({ commandTimeoutMs: 4000, messageTimeoutMs: 4000 }, { dialect: lmtp });
  const pool = new RelayPool("gw.example");
  const hop: Hop = { protocol: "lmtp", address: server.address };
  const relay = async (): Promise<number> => {
    const began = performance.now();
    assert.equal((await pool.relay(hop, envelope, sourceOf(Buffer.from("x\r\n".repeat(700)))))[0]?.code, 250);
    return performance.now() - began;
  };
  for (let n = 0; n < 200; n++) await relay();
  const before = descriptors();
  const idle = await Promise.all(Array.from({ length: 500 }, () => connected(server)));
  const slow = await Promise.all(Array.from({ length: 500 }, () => connected(server)));
  for (const [n, socket] of slow.entries()) socket.write(n % 2 === 0 ? "LHLO " : `${start.replace("E", "L")}DATA\r\n`);
  for (const socket of [...idle, ...slow]) socket.resume();
  const drip = setInterval(() => slow.forEach((socket) => void (socket.writable && socket.write("x"))), 200);
  const times: number[] = [];
  while (times.length < 300) times.push(await relay());
  clearInterval(drip);
  const slowest = times.sort((x, y) => x - y)[Math.floor(times.length * 0.99)] as number;
  // Nobody waits for the dripping ones' deadline; how long it takes is a question for the benchmarks.
  assert.ok(slowest < 4000, `${slowest} ms`);
  const everybody = [...idle, ...slow];
  for (let n = 0; n < 100 && everybody.some(({ readableEnded }) => !readableEnded); n++) await wait(100);
  assert.ok(
    everybody.every(({ readableEnded }) => readableEnded),
    "not everybody was sent away",
  );
  for (const socket of everybody) socket.destroy();
  await wait(200);
  assert.ok(descriptors() <= before + 2, `${descriptors()} after ${before}`);
  await pool.close();
});

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

const patience = { connectMs: 2000, commandMs: 300, blockMs: 300, messageMs: 2000, answerMs: 300 };

/** A hop that takes everything up to the message, and then does with its connection what the test wants. */
async function hopThat(onMessage: (socket: Socket, octets: Buffer) => void): Promise<Hop> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write("220 hop\r\n");
    let inMessage = false;
    socket.on("data", (octets) => {
      if (inMessage) return onMessage(socket, octets as Buffer);
      for (const line of octets.toString("latin1").split("\r\n").slice(0, -1)) {
        inMessage ||= line === "DATA";
        socket.write(
          line === "DATA" ? "354 go\r\n" : line.startsWith("EHLO") ? "250-hop\r\n250 PIPELINING\r\n" : "250 ok\r\n",
        );
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { protocol: "smtp", address: { host: "127.0.0.1", port: address.port } };
}

async function* large(): ByteSource {
  const block = Buffer.from(`${"x".repeat(62)}\r\n`.repeat(1024));
  for (let n = 0; n < 512; n++) yield block;
}

for (const [name, onMessage, expected] of [
  ["says 421 and reads no further", (socket) => void socket.pause().write("421 4.3.2 going\r\n"), /^451 /],
  ["says 250 before the end", (socket) => void socket.write("250 2.0.0 fine\r\n"), /^451 /],
  ["says 552 before the end", (socket) => void socket.write("552 5.3.4 enough\r\n"), /^451 /],
  ["closes its half", (socket) => void socket.end(), /^451 /],
  ["resets", (socket) => void socket.resetAndDestroy(), /^451 /],
  ["reads no further", (socket) => void socket.pause(), /^451 /],
  ["reads, and never answers", () => undefined, /^451 /],
] as const satisfies readonly (readonly [string, (socket: Socket, octets: Buffer) => void, RegExp])[]) {
  test(`a hop that in the middle of a message ${name} means 451, soon`, async () => {
    const hop = await hopThat(onMessage);
    const pool = new RelayPool("gw.example", patience);
    const began = performance.now();
    const [answer] = await pool.relay(hop, envelope, large());
    assert.match(`${answer?.code} ${answer?.lines.join(" ")}`, expected);
    assert.ok(performance.now() - began < 20_000);
    await pool.close();
  });
}

test("a hop that reads a little now and then does not hold a message for ever", async () => {
  const hop = await hopThat((socket) => {
    socket.pause();
    setTimeout(() => socket.resume(), 100).unref();
  });
  const pool = new RelayPool("gw.example", { ...patience, messageMs: 600 });
  const [answer] = await pool.relay(hop, envelope, large());
  assert.equal(answer?.code, 451);
  await pool.close();
});

test("64 at a time need 64 connections, and no more while they go on", async () => {
  const server = await serve({});
  const addresses = new Set<number>();
  let connections = 0;
  const counting = createServer((socket) => {
    connections += 1;
    assert.ok("port" in server.address);
    const onward = createConnection(server.address);
    for (const each of [socket, onward]) each.setNoDelay(true).on("error", () => each.destroy());
    socket.pipe(onward).pipe(socket);
    addresses.add(socket.remotePort ?? 0);
  });
  counting.listen(0, "127.0.0.1");
  await once(counting, "listening");
  const address = counting.address();
  assert.ok(address !== null && typeof address === "object");
  const pool = new RelayPool("gw.example");
  let left = 1280;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (left-- > 0) {
        const hop: Hop = { protocol: "smtp", address: { host: "127.0.0.1", port: address.port } };
        assert.equal((await pool.relay(hop, envelope, sourceOf(Buffer.from("x\r\n"))))[0]?.code, 250);
      }
    }),
  );
  assert.equal(server.received.length, 1280);
  assert.ok(connections <= 70, `${connections}`);
  await pool.close();
  counting.close();
});
