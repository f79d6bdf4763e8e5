// How much dearer can somebody make mail by how he sends it? Through the whole gateway, in CPU time of its process: lines
// that are dots, a message written octet by octet, and good mail beside 500 connections that say nothing. A peer may make
// an octet cost twice as much, not more.

import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { mailOf } from "./corpus.ts";
import { Bench, member, own } from "./corridor.ts";
import { type Figure, format } from "./figure.ts";
import { spreadOf } from "./measure.ts";

const repetitions = 5;
const size = 1_000_000;
const messages = 20;
const idlers = 500;

type Turn = { readonly plain: number; readonly other: number };

export async function run(): Promise<readonly Figure[]> {
  const bench = await Bench.open();
  try {
    await bench.cost("protect", size, 2 * messages);
    const plain = async (): Promise<number> => (await bench.cost("protect", size, messages)).cpuMs;
    const dots = await turns(plain, async () => (await bench.cost("protect", size, messages, 8, dotted)).cpuMs);
    const crumbs = await turns(plain, () => bench.spent(() => crumble(bench)));
    return [
      { ...figure("1 MB of '..' lines, an octet", "of a usual message", dots), must: 0.5, goal: 1 / 1.5 },
      { ...figure("1 MB written octet by octet, an octet", "of a usual message", crumbs), must: 0.5, goal: 1 / 1.5 },
      await besideIdlers(bench),
    ];
  } finally {
    await bench.close();
  }
}

async function turns(plain: () => Promise<number>, other: () => Promise<number>): Promise<readonly Turn[]> {
  const measured: Turn[] = [];
  for (let turn = 0; turn < repetitions; turn += 1) measured.push({ plain: await plain(), other: await other() });
  return measured;
}

/** How many times as dear the other is can be read as its inverse. */
function figure(work: string, against: string, measured: readonly Turn[]): Figure {
  const [other, plain] = (["other", "plain"] as const).map((which) =>
    format(spreadOf(measured.map((turn) => turn[which])).median, "ms"),
  );
  return {
    work,
    against,
    unit: "x",
    measured: spreadOf(measured.map((turn) => turn.plain / turn.other)),
    detail: `${other} / ${plain}`,
  };
}

/** Lines of one dot, which are two on the way. */
function dotted(octets: number): Buffer {
  const head = mailOf(0).whole;
  return Buffer.concat([head, Buffer.from(".\r\n".repeat(Math.ceil((octets - head.length) / 3)))]);
}

/** Every octet a write of its own. */
async function crumble(bench: Bench): Promise<void> {
  const { whole } = mailOf(size);
  const letter = whole.toString("latin1").replace("ada@a.example", `ada@${own}`);
  const dialogue = [
    ...["LHLO hub.bench.example", `MAIL FROM:<ada@${own}>`, `RCPT TO:<minister@${member}>`, "DATA"],
    ...[`X-Number: ${performance.now()}`, `${letter}.`, "QUIT", ""],
  ].join("\r\n");
  const socket = await connected(bench);
  let heard = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    heard += text;
  });
  for (const octet of Buffer.from(dialogue, "latin1")) {
    if (!socket.write(Uint8Array.of(octet))) await once(socket, "drain");
  }
  await once(socket, "close");
  if (!/^354 .*\r\n250 /m.test(heard)) throw new Error(`answered ${heard}`);
}

async function besideIdlers(bench: Bench): Promise<Figure> {
  const [without, beside]: [number[], number[]] = [[], []];
  const small = async (p99s: number[]): Promise<number> => {
    const { cpuMs, p99Ms } = await bench.cost("protect", 2048, 2000);
    p99s.push(p99Ms);
    return cpuMs;
  };
  await small([]);
  const measured = await turns(
    () => small(without),
    async () => {
      const idle = await Promise.all(Array.from({ length: idlers }, () => connected(bench)));
      try {
        return await small(beside);
      } finally {
        for (const socket of idle) socket.destroy();
      }
    },
  );
  const found = figure(`2 kB beside ${idlers} idle connections`, "the same without them", measured);
  const [p99, usual] = [beside, without].map((p99s) => spreadOf(p99s).median.toFixed(0));
  return { ...found, detail: `${found.detail}; p99 ${p99} ms / ${usual} ms` };
}

async function connected({ inside }: Bench): Promise<Socket> {
  const socket = createConnection(inside);
  socket.setNoDelay(true);
  await once(socket, "connect");
  return socket.resume();
}
