// What does the mail road itself cost, without any S/MIME? One process that listens and relays, as the gateway does, is
// given mail by a second and hands it to a third; its CPU time counts. Aim: 0.14 ms for a message of 2 kB. And how much
// dearer can somebody make an octet by how he writes: lines that are dots, an octet at a time, 500 idle connections beside?

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { sourceOf } from "../src/bytes.ts";
import { defaultLimits, type Hop, listen, RelayPool, reply, type SocketAddress, smtp } from "../src/smtp.ts";

export type Row = {
  readonly work: string;
  readonly messages: number;
  readonly microsecondsEach: number;
  readonly nanosecondsPerOctet: number;
};

const atOnce = 20;
const line = `${"0123456789 ".repeat(6)}abcdef\r\n`;
const mail = (octets: number, of: string = line): Buffer =>
  Buffer.from(`Subject: bench\r\n\r\n${of.repeat(Math.ceil(octets / of.length))}`);

export async function run(): Promise<readonly Row[]> {
  const sink = await start("sink");
  const road = await start("road", JSON.stringify(sink.hop));
  const pool = new RelayPool("source.example");
  const relayed = (work: string, messages: number, octets: Buffer): Promise<Row> =>
    measure(road.child, work, messages, octets.length, () => relayAll(pool, road.hop, messages, octets));
  try {
    await relayed("warm up", 20_000, mail(2048));
    const rows = [await relayed("2 kB", 20_000, mail(2048)), await relayed("1 MB", 200, mail(1_000_000))];
    rows.push(await relayed("1 MB of '..' lines", 200, mail(1_000_000, "..\r\n")));
    rows.push(await relayed("1 MB of empty lines", 200, mail(1_000_000, "\r\n")));
    const crumbs = mail(50_000);
    rows.push(
      await measure(road.child, "50 kB, an octet at a time", 4, crumbs.length, () => crumble(road.hop, crumbs, 4)),
    );
    const idle = await Promise.all(Array.from({ length: 500 }, () => connected(road.hop.address)));
    rows.push(await relayed("2 kB beside 500 idle connections", 20_000, mail(2048)));
    for (const socket of idle) socket.destroy();
    return rows;
  } finally {
    await pool.close();
    for (const { child } of [road, sink]) child.kill();
  }
}

async function relayAll(pool: RelayPool, hop: Hop, messages: number, octets: Buffer): Promise<void> {
  let left = messages;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const [answer] = await pool.relay(hop, envelope, sourceOf(octets));
      if (answer?.code !== 250) throw new Error(`answered ${answer?.code}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

const a = { localPart: "a", domain: "a.example" };
const envelope = { reversePath: a, forwardPaths: [a], parameters: {} };

/** Every octet a write of its own. */
async function crumble(hop: Hop, octets: Buffer, messages: number): Promise<void> {
  const socket = await connected(hop.address);
  const dialogue = `EHLO c\r\n${"MAIL FROM:<>\r\nRCPT TO:<a@a.example>\r\nDATA\r\n".concat(`${octets.toString("latin1")}.\r\n`).repeat(messages)}QUIT\r\n`;
  for (const octet of Buffer.from(dialogue, "latin1")) {
    if (!socket.write(Uint8Array.of(octet))) await once(socket, "drain");
  }
  await once(socket, "close");
}

async function connected(address: SocketAddress): Promise<Socket> {
  const socket = createConnection(address);
  socket.setNoDelay(true);
  socket.resume();
  await once(socket, "connect");
  return socket;
}

async function measure(
  child: ChildProcess,
  work: string,
  messages: number,
  octets: number,
  task: () => Promise<void>,
): Promise<Row> {
  const before = await cpuOf(child);
  await task();
  const spent = (await cpuOf(child)) - before;
  return {
    work,
    messages,
    microsecondsEach: spent / messages,
    nanosecondsPerOctet: (spent * 1000) / messages / octets,
  };
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send("cpu");
  return (await once(child, "message"))[0] as number;
}

async function start(...role: readonly string[]): Promise<{ readonly child: ChildProcess; readonly hop: Hop }> {
  const child = fork(fileURLToPath(import.meta.url), role);
  const [address] = (await once(child, "message")) as [SocketAddress];
  return { child, hop: { protocol: "smtp", address } };
}

async function play(role: string, next: string | undefined): Promise<void> {
  const pool = new RelayPool("road.example");
  const hop = next === undefined ? undefined : (JSON.parse(next) as Hop);
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: `${role}.example`,
      postmaster: a,
      limits: defaultLimits,
      onFault: (thrown) => process.stderr.write(`${thrown}\n`),
      handle: async ({ envelope, message }) => {
        if (hop !== undefined) return pool.relay(hop, envelope, message);
        for await (const _ of message);
        return envelope.forwardPaths.map(() => reply(250, "2.0.0", "ok"));
      },
    },
  );
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.send?.(server.address);
}

if (process.send !== undefined && import.meta.main) await play(process.argv[2] ?? "", process.argv[3]);
else if (import.meta.main) {
  for (const { work, microsecondsEach, nanosecondsPerOctet } of await run()) {
    process.stdout.write(
      `${work}: ${microsecondsEach.toFixed(1)} us a message, ${nanosecondsPerOctet.toFixed(2)} ns an octet\n`,
    );
  }
}
