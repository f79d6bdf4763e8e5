// The line between the two gateways. It carries octets to the next gateway, lets one see what an eavesdropper would,
// and on request changes one of them.

import { createConnection, createServer, type Server, type Socket } from "node:net";
import type { SocketAddress } from "../smtp.ts";
import { loopback } from "./ports.ts";

/** What an eavesdropper keeps; enough for any letter of the demo. */
const maxKept = 1024 * 1024;

/** How far behind the header of a protected message an octet is changed: in the ciphertext of every letter here. */
const depth = 1500;
const headerEnd = "filename=smime.p7m\r\n\r\n";

export class Link {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #kept = "";
  #armed = false;
  /** The octets last changed, as "before -> after". */
  changed: string | undefined;

  private constructor(target: SocketAddress) {
    this.#server = createServer((from) => this.#carry(from, createConnection(target)));
  }

  static async open(port: number, target: SocketAddress): Promise<Link> {
    const link = new Link(target);
    await new Promise<void>((resolve, reject) => {
      link.#server.once("error", reject);
      link.#server.listen(port, loopback, resolve);
    });
    return link;
  }

  /** One octet of the next protected message will be changed. */
  arm(): void {
    this.#armed = true;
    this.changed = undefined;
    this.forget();
  }

  /** What passed towards the other gateway since `forget`. */
  get overheard(): string {
    return this.#kept;
  }

  forget(): void {
    this.#kept = "";
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #carry(from: Socket, to: Socket): void {
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
    from.on("data", (octets) => to.write(this.#pass(octets as Buffer)));
    to.pipe(from);
  }

  #pass(octets: Buffer): Buffer {
    const before = this.#kept.length;
    this.#kept += octets.toString("latin1").slice(0, maxKept - before);
    const header = this.#kept.indexOf(headerEnd);
    if (!this.#armed || header === -1) return octets;
    const at = header + headerEnd.length + depth - before;
    if (at >= octets.length) return octets;
    const place = /[A-Za-z0-9]/.exec(octets.toString("latin1", Math.max(at, 0)))?.index;
    if (place === undefined) return octets;
    const found = Math.max(at, 0) + place;
    const altered = Buffer.from(octets);
    altered[found] = octets[found] === 0x41 ? 0x42 : 0x41;
    this.changed = `${String.fromCharCode(octets[found] as number)} -> ${String.fromCharCode(altered[found])}`;
    this.#armed = false;
    return altered;
  }
}
