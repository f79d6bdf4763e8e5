// Mail dialogues for tests: a server of ours that keeps what it is given, and a client that says exactly what it is told.

import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { collect } from "../src/bytes.ts";
import {
  defaultLimits,
  type Envelope,
  formatMailbox,
  type ListenOptions,
  listen,
  type MailServer,
  type Peer,
  type Reply,
  reply,
  smtp,
  type Transaction,
} from "../src/smtp.ts";

export type Received = { readonly envelope: Envelope; readonly peer: Peer; readonly message: string };
export type KeepingServer = MailServer & { readonly received: Received[]; readonly faults: unknown[] };

/** Says 250 to each recipient, unless `changes` has another handler. */
export async function keepingServer(changes: Partial<ListenOptions> = {}): Promise<KeepingServer> {
  const received: Received[] = [];
  const faults: unknown[] = [];
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "gw.example",
      postmaster: { localPart: "postmaster", domain: "own.example" },
      limits: defaultLimits,
      onFault: (thrown) => faults.push(thrown),
      handle: async ({ envelope, peer, message }: Transaction): Promise<readonly Reply[]> => {
        const octets = Buffer.from(await collect(message)).toString("latin1");
        received.push({ envelope, peer, message: octets });
        return envelope.forwardPaths.map((path) => reply(250, "2.0.0", `kept for ${formatMailbox(path)}`));
      },
      ...changes,
    },
  );
  return { ...server, received, faults };
}

/** Sends the chunks one by one, then closes our half; resolves with all that was answered when the server has closed. */
export async function converse(server: MailServer, ...chunks: readonly (string | Uint8Array)[]): Promise<string> {
  assert.ok("port" in server.address);
  const socket = createConnection({ ...server.address, allowHalfOpen: true });
  socket.setNoDelay(true);
  let answered = "";
  socket.on("data", (octets) => {
    answered += octets.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.on("error", () => socket.destroy());
  for (const chunk of chunks) {
    socket.write(typeof chunk === "string" ? Buffer.from(chunk, "latin1") : chunk);
    await turn();
    await turn();
  }
  socket.end();
  await closed;
  return answered;
}

/** The codes of the replies, in their order. */
export function codes(answered: string): string {
  return answered
    .split("\r\n")
    .filter((line) => line[3] === " ")
    .map((line) => line.slice(0, 3))
    .join(" ");
}
