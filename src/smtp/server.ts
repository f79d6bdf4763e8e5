// Listens, and gives each connection a session.

import { BlockList, createServer, isIPv6, type Server, type Socket } from "node:net";
import { Connection, partFrom } from "./connection.ts";
import { formatReply, type Reply, reply } from "./reply.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session-options.ts";
import { type ListenTls, secureContext } from "./tls.ts";

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

/** LIMIT: connections beyond `connections` that are told so; more are dropped without a word. */
const maxToldBusy = 100;

export async function listen(address: SocketAddress, options: ListenOptions): Promise<MailServer> {
  const { accept, trusted = [], tls } = options;
  const accepted = accept === undefined ? undefined : networks(accept);
  const believed = networks(trusted);
  const secured = tls === undefined ? {} : { tls: { context: secureContext(tls), ...pinsOf(tls) } };
  const door = new Door(options);
  const sessions = new Map<Session, Promise<void>>();
  // A client may close its half after QUIT, or after the last dot, and still deserves its replies.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = remoteAddress(socket);
    const refusal =
      accepted !== undefined && peer !== "" && !holds(accepted, peer) ? stranger : door.admit(peer, socket);
    if (refusal !== undefined) {
      socket.on("error", () => undefined);
      partFrom(socket, formatReply(refusal));
      return;
    }
    const from = { address: peer, trusted: peer === "" ? trusted.includes("unix") : holds(believed, peer), ...secured };
    const session = new Session(new Connection(socket), from, options);
    sessions.set(
      session,
      session.run().finally(() => sessions.delete(session)),
    );
  });
  if (options.connections !== undefined) server.maxConnections = options.connections + maxToldBusy;
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

const stranger = reply(554, "5.7.1", "Not for you");

/** Counts who is in. */
class Door {
  readonly #most: number;
  readonly #mostOfOne: number;
  readonly #byPeer = new Map<string, number>();
  #all = 0;

  constructor({ connections, perPeer }: ListenOptions) {
    this.#most = connections ?? Number.POSITIVE_INFINITY;
    this.#mostOfOne = perPeer ?? Number.POSITIVE_INFINITY;
  }

  /** Why this connection may not stay; else it is counted until it closes. */
  admit(peer: string, socket: Socket): Reply | undefined {
    const ofPeer = this.#byPeer.get(peer) ?? 0;
    if (this.#all >= this.#most) return reply(421, "4.7.0", "Too many connections, try again later");
    if (ofPeer >= this.#mostOfOne) return reply(421, "4.7.0", "Too many connections from your address");
    this.#all += 1;
    this.#byPeer.set(peer, ofPeer + 1);
    socket.once("close", () => this.#leave(peer));
    return undefined;
  }

  #leave(peer: string): void {
    this.#all -= 1;
    const left = (this.#byPeer.get(peer) ?? 1) - 1;
    if (left === 0) this.#byPeer.delete(peer);
    else this.#byPeer.set(peer, left);
  }
}

function pinsOf({ pins }: ListenTls): { readonly pins?: readonly string[] } {
  return pins === undefined ? {} : { pins };
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
    if (text === "unix") continue;
    const [address = "", bits] = text.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function holds(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function remoteAddress({ remoteAddress: address = "" }: Socket): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, "");
}
