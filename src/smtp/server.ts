// Listens, and gives each connection a session.

import { BlockList, createServer, isIPv6, type Server, type Socket } from "node:net";
import { Connection } from "./connection.ts";
import { Session, type SessionOptions } from "./session.ts";
import type { ListenTls } from "./tls.ts";

/** Where to listen, or where a hop listens. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export type MailServer = {
  /** Where it listens; the port is the real one where 0 was asked for. */
  readonly address: SocketAddress;
  /** Takes no more connections, ends idle sessions and waits for the messages in hand. */
  close(): Promise<void>;
};

export type ListenOptions = SessionOptions & {
  /** Addresses and networks that may connect; anybody unless given. A Unix socket is guarded by its permissions. */
  readonly accept?: readonly string[];
  /** Addresses and networks whose XFORWARD counts; a peer on a Unix socket is "unix". Nobody unless given. */
  readonly trusted?: readonly string[];
  /** Connections at once, in all and from one address. */
  readonly connections?: number;
  readonly perPeer?: number;
  readonly tls?: ListenTls;
  /** Brings connections to the server in place of a socket of its own, and says where they come from. */
  readonly attach?: (server: Server) => Promise<SocketAddress>;
};

export async function listen(address: SocketAddress, options: ListenOptions): Promise<MailServer> {
  const accepted = options.accept === undefined ? undefined : networks(options.accept);
  const sessions = new Map<Session, Promise<void>>();
  // A client may close its half after QUIT, or after the last dot, and still deserves its replies.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = remoteAddress(socket);
    if (accepted !== undefined && peer !== "" && !accepted.check(peer, isIPv6(peer) ? "ipv6" : "ipv4")) {
      socket.on("error", () => undefined);
      socket.end("554 5.7.1 Not for you\r\n");
      return;
    }
    const session = new Session(new Connection(socket), peer, options);
    sessions.set(
      session,
      session.run().finally(() => sessions.delete(session)),
    );
  });
  const attached = options.attach === undefined ? undefined : await options.attach(server);
  if (attached === undefined) await opened(server, address);
  server.on("error", options.onFault);
  return {
    address: attached ?? actualAddress(server, address),
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

function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", bits] = text.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function remoteAddress({ remoteAddress: address = "" }: Socket): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, "");
}
