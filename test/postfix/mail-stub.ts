// A mail server at the end of a way: keeps every message octet for octet, and misbehaves when asked. Written for tests,
// with nothing of ours in it, so that what we send is judged by somebody else.

import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { loopback } from "./ports.ts";

export type Arrival = {
  readonly mail: string;
  readonly reversePath: string;
  readonly forwardPaths: readonly string[];
  /** RCPT commands as they came. */
  readonly rcpt: readonly string[];
  /** As on the wire without the dots of transparency; of large ones the beginning. */
  readonly octets: Buffer;
  readonly length: number;
  /** SHA-256 of the lines on the wire. */
  readonly digest: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** How it misbehaves; undefined: it does not. */
export type Manners = {
  /** The reply to RCPT. */
  readonly recipient?: (address: string) => string | undefined;
  /** What follows the last dot: a reply, or "silent". */
  readonly answer?: (arrival: Arrival) => string | undefined;
  /** Says this and hangs up as soon as it sees this many octets of a message. */
  readonly midData?: { readonly octets: number; readonly reply: string };
  /** Waits before each answer. */
  readonly delayMs?: number;
};

const kept = 4 * 1024 * 1024;

export class MailStub {
  readonly port: number;
  readonly arrivals: Arrival[] = [];
  manners: Manners = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static open(port: number): Promise<MailStub> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => stub.#greet(socket));
      const stub = new MailStub(server, port);
      server.once("error", reject);
      server.listen(port, loopback, () => resolve(stub));
    });
  }

  /** The arrivals for which `wanted` holds, once there are `count`. */
  async arrived(wanted: (arrival: Arrival) => boolean, count: number = 1, ms: number = 20_000): Promise<Arrival[]> {
    const end = AbortSignal.timeout(ms);
    for (;;) {
      const found = this.arrivals.filter(wanted);
      if (found.length >= count) return found;
      if (end.aborted) throw new Error(`${found.length} of ${count} mails arrived in ${ms} ms`);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiting.delete(done);
          end.removeEventListener("abort", done);
          resolve();
        };
        this.#waiting.add(done);
        end.addEventListener("abort", done);
      });
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    void this.#converse(socket).catch(() => socket.destroy());
  }

  async #converse(socket: Socket): Promise<void> {
    const lines = new Lines(socket);
    const say = async (text: string): Promise<void> => {
      if (this.manners.delayMs !== undefined) await sleep(this.manners.delayMs);
      socket.write(`${text}\r\n`);
    };
    await say("220 mail.stub ESMTP");
    let mail = "";
    let rcpt: string[] = [];
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === "EHLO")
        await say("250-mail.stub\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE");
      else if (verb === "MAIL") {
        mail = line;
        rcpt = [];
      } else if (verb === "RCPT") {
        const refusal = this.manners.recipient?.(addressIn(line));
        if (refusal === undefined) rcpt.push(line);
        await say(refusal ?? "250 2.1.5 Ok");
        continue;
      } else if (verb === "DATA") {
        if (rcpt.length === 0) {
          await say("554 5.5.1 No recipients");
          continue;
        }
        await say("354 Go");
        if (!(await this.#take(socket, lines, mail, rcpt, say))) return;
        continue;
      } else if (verb === "QUIT") {
        socket.end("221 Bye\r\n");
        return;
      }
      if (verb !== "EHLO") await say("250 2.0.0 Ok");
    }
  }

  /** False when the conversation ends with this message. */
  async #take(
    socket: Socket,
    lines: Lines,
    mail: string,
    rcpt: readonly string[],
    say: (text: string) => Promise<void>,
  ) {
    const { midData } = this.manners;
    const message = await lines.message(midData?.octets);
    if (message === undefined) {
      if (midData !== undefined) socket.end(`${midData.reply}\r\n`);
      return false;
    }
    const forwardPaths = rcpt.map(addressIn);
    const arrival = { at: Date.now(), mail, reversePath: addressIn(mail), forwardPaths, rcpt, ...message };
    const answer = this.manners.answer?.(arrival);
    if (answer === "silent") return false;
    if (answer === undefined || answer.startsWith("2")) {
      this.arrivals.push(arrival);
      for (const wake of [...this.#waiting]) wake();
    }
    await say(answer ?? "250 2.0.0 Kept");
    return true;
  }
}

function addressIn(command: string): string {
  return /<([^>]*)>/.exec(command)?.[1] ?? "";
}

/** Lines of a socket, and messages up to their last dot. */
class Lines {
  readonly #chunks: AsyncIterator<Buffer>;
  #pending: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#pending.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#pending.toString("latin1", 0, end);
        this.#pending = this.#pending.subarray(end + 2);
        return line;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  /** Undefined when the other side left, or once `most` octets have come. */
  async message(
    most: number = Number.POSITIVE_INFINITY,
  ): Promise<Pick<Arrival, "octets" | "length" | "digest"> | undefined> {
    const hash = createHash("sha256");
    const beginning: Buffer[] = [];
    let length = 0;
    // The end may lie across chunks: its octets stay pending until the next ones come.
    let before: Buffer = Buffer.from("\r\n");
    const take = (octets: Buffer): void => {
      hash.update(octets);
      if (length < kept) beginning.push(Buffer.from(octets));
      length += octets.length;
    };
    for (;;) {
      const seen = Buffer.concat([before, this.#pending]);
      const end = seen.indexOf("\r\n.\r\n");
      if (end >= 0) {
        take(this.#pending.subarray(0, Math.max(end + 2 - before.length, 0)));
        this.#pending = seen.subarray(end + 5);
        return { octets: withoutDots(Buffer.concat(beginning)), length, digest: hash.digest("hex") };
      }
      const ready = Math.max(this.#pending.length - 4, 0);
      const settled = this.#pending.subarray(0, ready);
      take(settled);
      before = Buffer.concat([before, settled]).subarray(-2);
      this.#pending = this.#pending.subarray(ready);
      if (length >= most || !(await this.#more())) return undefined;
    }
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done === true) return false;
    this.#pending = this.#pending.length === 0 ? value : Buffer.concat([this.#pending, value]);
    return true;
  }
}

function withoutDots(octets: Buffer): Buffer {
  return Buffer.from(octets.toString("latin1").replace(/(^|\r\n)\./g, "$1"), "latin1");
}
