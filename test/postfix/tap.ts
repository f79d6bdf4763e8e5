// A line between two servers. It keeps what passes, as an observer would, and can go silent, slow or dead.

import { createConnection, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { loopback } from "./ports.ts";

export type Mood =
  | { readonly kind: "pass" }
  /** What arrives is taken and never answered. */
  | { readonly kind: "silent" }
  /** So long for each piece, either way. */
  | { readonly kind: "slow"; readonly ms: number }
  /** After so many octets from the client it is told this instead of what the server says, and cut off. */
  | { readonly kind: "cut"; readonly octets: number; readonly reply: string };

/** LIMIT: what an observer keeps of each line. */
const mostKept = 96 * 1024 * 1024;

export class Tap {
  readonly port: number;
  mood: Mood = { kind: "pass" };
  /** Connections so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #heard: Buffer[] = [];
  #size = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static open(port: number, target: number): Promise<Tap> {
    return new Promise((resolve, reject) => {
      const server = createServer((from) => tap.#carry(from, createConnection(target, loopback)));
      const tap = new Tap(server, port);
      server.once("error", reject);
      server.listen(port, loopback, () => resolve(tap));
    });
  }

  /** All that passed, either way. */
  heard(): Buffer {
    return Buffer.concat(this.#heard);
  }

  forget(): void {
    this.#heard = [];
    this.#size = 0;
  }

  /** Ends all conversations, as a machine does that loses power. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.drop();
    await closed;
  }

  #carry(from: Socket, to: Socket): void {
    this.connections += 1;
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.end();
      });
    }
    void this.#copy(from, to, from).catch(() => from.destroy());
    void this.#copy(to, from, from).catch(() => to.destroy());
  }

  async #copy(source: Socket, sink: Socket, client: Socket): Promise<void> {
    let octets = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      octets += chunk.length;
      this.#keep(chunk);
      if (this.mood.kind === "silent") continue;
      if (this.mood.kind === "slow") await sleep(this.mood.ms);
      if (this.mood.kind === "cut" && source === client && octets >= this.mood.octets) {
        client.end(`${this.mood.reply}\r\n`);
        sink.destroy();
        return;
      }
      if (!sink.write(chunk))
        await new Promise((resolve) => {
          sink.once("drain", resolve);
          sink.once("close", resolve);
        });
    }
    sink.end();
  }

  #keep(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size <= mostKept) this.#heard.push(Buffer.from(chunk));
  }
}
