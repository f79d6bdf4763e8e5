// The listening sockets, which are the supervisor's: they stay open when a worker dies or a new set takes over, and are
// gone with the supervisor. Connections are accepted here, not read, and handed to the workers in turn.
//
// node:cluster would do the handing over too, but loses a connection that is on its way to a worker that hangs or dies:
// nobody serves it and nobody closes it. Here a connection belongs to the supervisor until the worker has taken it.

import { lstat, rm } from "node:fs/promises";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { SocketAddress } from "../smtp.ts";
import { supervisorError } from "./errors.ts";
import type { ListenerName } from "./messages.ts";

/** A connection that no worker has taken yet. */
export type Arrival = { readonly id: number; readonly key: string; readonly socket: Socket };

/** Who takes connections; false where it cannot now. */
export type Taker = { take(arrival: Arrival, listener: ListenerName): boolean };

type Listener = { readonly server: Server; readonly address: SocketAddress };

// LIMIT: as many as the system's own queue of a listening socket; more only come while no worker is up.
const maxWaiting = 512;

export class Listeners {
  readonly #open = new Map<string, Promise<Listener>>();
  readonly #onFault: (thrown: unknown) => void;
  #waiting: Arrival[] = [];
  #takers: readonly Taker[] = [];
  #names: ReadonlyMap<string, ListenerName> = new Map();
  #turn = 0;
  #ids = 0;

  constructor(onFault: (thrown: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Where `address` is listened on, from now on at the latest. Connections wait until somebody takes them. */
  async open(name: ListenerName, address: SocketAddress): Promise<SocketAddress> {
    const key = keyOf(name, address);
    let listener = this.#open.get(key);
    if (listener === undefined) {
      listener = this.#listen(key, address);
      this.#open.set(key, listener);
      listener.catch(() => this.#open.delete(key));
    }
    return (await listener).address;
  }

  /** From now on `takers` get the connections of these addresses. */
  handTo(takers: readonly Taker[], addresses: ReadonlyMap<ListenerName, SocketAddress>): void {
    this.#takers = takers;
    this.#names = new Map([...addresses].map(([name, address]) => [keyOf(name, address), name]));
    this.offer();
  }

  /** Closes what nobody serves: of those who were replaced, and of those who did not come to serve. */
  closeOthers(): void {
    for (const [key, listener] of this.#open) {
      if (this.#names.has(key)) continue;
      this.#open.delete(key);
      listener.then(({ server }) => server.close()).catch(() => undefined);
    }
    for (const { key, socket } of this.#waiting) if (!this.#open.has(key)) socket.destroy();
  }

  /** Hands over what waits, as far as somebody takes it. */
  offer(): void {
    this.#waiting = this.#waiting.filter((arrival) => !arrival.socket.destroyed && !this.#give(arrival));
  }

  /** A worker died before it took this one: the next shall have it. */
  giveBack(arrival: Arrival): void {
    this.#waiting.unshift(arrival);
  }

  close(): void {
    this.handTo([], new Map());
    this.closeOthers();
  }

  #give(arrival: Arrival): boolean {
    const listener = this.#names.get(arrival.key);
    if (listener === undefined) return false;
    for (let tried = 0; tried < this.#takers.length; tried += 1) {
      this.#turn = (this.#turn + 1) % this.#takers.length;
      if (this.#takers[this.#turn]?.take(arrival, listener)) return true;
    }
    return false;
  }

  async #listen(key: string, address: SocketAddress): Promise<Listener> {
    if ("path" in address) await removeStaleSocket(address.path);
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      if (this.#waiting.length >= maxWaiting) socket.destroy();
      else {
        this.#waiting.push({ id: ++this.#ids, key, socket });
        this.offer();
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(cannotListen(address, cause)));
      server.listen(address, resolve);
    });
    server.removeAllListeners("error").on("error", this.#onFault);
    const bound = server.address();
    return {
      server,
      address: bound === null || typeof bound === "string" ? address : { host: bound.address, port: bound.port },
    };
  }
}

/** Two listeners on port 0 are two; otherwise the address is the listener, whatever it is called. */
function keyOf(name: ListenerName, address: SocketAddress): string {
  if ("path" in address) return address.path;
  return `${address.host} ${address.port === 0 ? name : address.port}`;
}

/** A socket file outlives a process that was killed; nobody answers behind it. Other files are not ours to remove. */
export async function removeStaleSocket(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
  if (isSocket && !(await isAnswered(path))) await rm(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (thrown: NodeJS.ErrnoException) => resolve(thrown.code !== "ECONNREFUSED"));
  });
}

function cannotListen(address: SocketAddress, cause: NodeJS.ErrnoException): Error {
  const where = "path" in address ? address.path : `${address.host}:${address.port}`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there",
    EACCES: "this user may not; ports below 1024 need CAP_NET_BIND_SERVICE",
    EADDRNOTAVAIL: "it is no address of this machine",
    ENOTFOUND: "the name has no address",
    ENOENT: "the folder of the socket is not there",
  };
  const reason = reasons[cause.code ?? ""] ?? cause.message;
  return supervisorError("SUPERVISOR_LISTEN", "temporary", `cannot listen on ${where}: ${reason} (${cause.code})`, {
    cause,
  });
}
