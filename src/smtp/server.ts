// Listens, and gives each connection a session.

import { createServer, type Server, type Socket } from "node:net";
import { Connection } from "./connection.ts";
import { Session, type SessionOptions } from "./session.ts";

/** Where to listen, or where a hop listens. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export type MailServer = {
  /** Where it listens; the port is the real one where 0 was asked for. */
  readonly address: SocketAddress;
  /** Takes no more connections, ends idle sessions and waits for the messages in hand. */
  close(): Promise<void>;
};

export async function listen(address: SocketAddress, options: SessionOptions): Promise<MailServer> {
  const sessions = new Map<Session, Promise<void>>();
  // A client may close its half after QUIT, or after the last dot, and still deserves its replies.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const session = new Session(new Connection(socket), remoteAddress(socket), options);
    sessions.set(
      session,
      session.run().finally(() => sessions.delete(session)),
    );
  });
  await opened(server, address);
  server.on("error", options.onFault);
  return {
    address: actualAddress(server, address),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions.keys()) session.stop();
      await Promise.all(sessions.values());
      await closed;
    },
  };
}

function opened(server: Server, address: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function actualAddress(server: Server, asked: SocketAddress): SocketAddress {
  const bound = server.address();
  return bound === null || typeof bound === "string" ? asked : { host: bound.address, port: bound.port };
}

function remoteAddress({ remoteAddress: address = "" }: Socket): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, "");
}
