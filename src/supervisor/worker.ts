// The worker's side: it beats, has its connections brought, and ends when it is told to or its supervisor is no more.

import type { Server, Socket } from "node:net";
import type { Config } from "../config.ts";
import type { SocketAddress } from "../smtp.ts";
import { failureOf, thrownOf } from "./errors.ts";
import { beatMs, type FromWorker, type ListenerName, type ToWorker, workerVariable } from "./messages.ts";

/** What a worker does, once it has started. */
export type Work = {
  /** What there is to say about what was loaded. */
  readonly lines: readonly string[];
  /** Takes no more connections and ends when the messages in hand are done. */
  close(): Promise<void>;
};

export type Place = {
  readonly worker: string;
  readonly attach: (listener: ListenerName, server: Server) => Promise<SocketAddress>;
};

export type BeginWork = (config: Config, place: Place) => Promise<Work>;

const lastWordsMs = 2000;

/** True in a process that a supervisor started. */
export function isWorker(): boolean {
  return process.connected === true && process.env[workerVariable] !== undefined;
}

/** Resolves when the work is done; what goes wrong before it began is told to the supervisor. */
export function runWorker(begin: BeginWork): Promise<void> {
  // The supervisor alone decides: a terminal or service manager signals the whole group.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  return new Link(begin).done;
}

type Asked = { readonly resolve: (address: SocketAddress) => void; readonly reject: (thrown: unknown) => void };

class Link {
  readonly done: Promise<void>;
  readonly #begin: BeginWork;
  readonly #servers = new Map<ListenerName, Server>();
  readonly #asked = new Map<ListenerName, Asked>();
  readonly #beats = setInterval(() => this.#send({ type: "beat" }), beatMs);
  #work: Promise<Work> | undefined;
  #ending = false;
  #resolve = (): void => undefined;

  constructor(begin: BeginWork) {
    this.#begin = begin;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    process.on("message", (message: ToWorker, socket?: Socket) => this.#hear(message, socket));
    process.once("disconnect", () => this.#end());
  }

  #hear(message: ToWorker, socket: Socket | undefined): void {
    switch (message.type) {
      case "start":
        void this.#start(message.config);
        break;
      case "listening":
        this.#asked.get(message.listener)?.resolve(message.address);
        break;
      case "notListening":
        this.#asked.get(message.listener)?.reject(thrownOf(message.failure));
        break;
      case "connection":
        this.#send({ type: "taken", id: message.id });
        if (socket !== undefined) this.#accept(message.listener, socket);
        break;
      case "drain":
        void this.#end();
        break;
    }
  }

  async #start(config: Config): Promise<void> {
    this.#work = this.#begin(config, {
      worker: String(process.pid),
      attach: (listener, server) => this.#attach(listener, server, config),
    });
    try {
      const { lines } = await this.#work;
      this.#send({ type: "ready", lines });
    } catch (thrown) {
      // What was opened by then keeps the process alive; nothing of it is worth waiting for.
      this.#send({ type: "fault", failure: failureOf(thrown) }, () => process.exit(1));
    }
  }

  #attach(listener: ListenerName, server: Server, config: Config): Promise<SocketAddress> {
    this.#servers.set(listener, server);
    return new Promise((resolve, reject) => {
      this.#asked.set(listener, { resolve, reject });
      this.#send({ type: "listen", listener, address: config.listen[listener].address });
    });
  }

  #accept(listener: ListenerName, socket: Socket): void {
    // As the server's own sockets have it: a client may close its half and still deserves its replies.
    socket.allowHalfOpen = true;
    this.#servers.get(listener)?.emit("connection", socket);
  }

  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    const work = await this.#work?.catch(() => undefined);
    await work?.close();
    clearInterval(this.#beats);
    if (process.connected) process.disconnect?.();
    this.#resolve();
    // Should something be forgotten that keeps the process: nothing is in hand any more.
    setTimeout(() => process.exit(), lastWordsMs).unref();
  }

  #send(message: FromWorker, sent: () => void = () => undefined): void {
    // Without a supervisor there is nobody to tell; `disconnect` ends the work.
    if (process.send !== undefined && process.connected) process.send(message, undefined, {}, sent);
    else sent();
  }
}
