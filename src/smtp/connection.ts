// One mail connection, either role: octets in with back-pressure and a deadline, octets out when the other side can
// take them. Knows nothing of SMTP but that commands and replies are lines that end with CRLF.

import type { Socket } from "node:net";
import { concat } from "../bytes.ts";
import { smtpError } from "./smtp-error.ts";

/** LIMIT: what may wait unread before the socket is paused; two full reads of libuv. */
const maxUnread = 128 * 1024;

/** How long a peer may take to close its half when the conversation is over. */
const maxFarewellMs = 5000;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const never = Number.POSITIVE_INFINITY;

export class Connection {
  readonly #socket: Socket;
  readonly #arrived: Buffer[] = [];
  #unread = 0;
  #said = "";
  #ended = false;
  #failure: Error | undefined;
  #next: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the deadline is over, and when the timer will look. */
  #due = never;
  #looks = never;
  readonly #listen = (octets: Buffer): void => this.#arrive(octets);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", this.#listen);
    socket.on("drain", () => this.#stir());
    socket.on("end", () => {
      this.#ended = true;
      this.#stir();
    });
    socket.on("error", (error) => this.#fail(smtpError("SMTP_CONNECTION_LOST", "temporary", error.message, error)));
    socket.on("close", () => {
      this.#ended = true;
      this.#fail(smtpError("SMTP_CONNECTION_LOST", "temporary", "the connection was closed"));
    });
  }

  /** False once the other side has spoken or left: an idle client connection has nothing to read. */
  get quiet(): boolean {
    return this.#unread === 0 && !this.#ended && this.#failure === undefined;
  }

  /**
   * From now on everything up to the next call must be done within `ms`; undefined: no deadline.
   *
   * Deadlines are set many times a message and hardly ever met, so the timer only looks when the earliest one that it
   * knew of is over.
   */
  deadline(ms: number | undefined): void {
    this.#due = ms === undefined ? never : performance.now() + ms;
    if (this.#due < this.#looks) this.#setTimer();
  }

  /** The socket, from which nothing more is read here: for a handshake. */
  release(): Socket {
    this.deadline(undefined);
    clearTimeout(this.#timer);
    this.#socket.off("data", this.#listen);
    return this.#socket;
  }

  /** The next octets as they came, or undefined when the other side has ended. What was said goes out first. */
  async receive(): Promise<Buffer | undefined> {
    await this.flush();
    while (this.#arrived.length === 0) {
      if (this.#ended) return undefined;
      if (this.#failure !== undefined) throw this.#failure;
      await this.#stirred();
    }
    return this.#take();
  }

  /** Gives back octets that belong to what comes next. */
  unread(octets: Buffer): void {
    if (octets.length === 0) return;
    this.#arrived.unshift(octets);
    this.#unread += octets.length;
  }

  /**
   * The next line without its CRLF, or undefined when the other side has ended between two lines.
   *
   * A bare LF ends the conversation: after it nobody can say what the other side means by a line.
   */
  async line(maxLength: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let size = 0; ; ) {
      const octets = this.#arrived.length > 0 ? this.#take() : await this.receive();
      if (octets === undefined) {
        if (size === 0) return undefined;
        throw smtpError("SMTP_CONNECTION_LOST", "temporary", "the connection ended within a line");
      }
      const end = octets.indexOf(lineFeed);
      parts.push(end < 0 ? octets : octets.subarray(0, end));
      size += end < 0 ? octets.length : end + 1;
      if (size > maxLength)
        throw smtpError("SMTP_LINE_TOO_LONG", "permanent", `a line of more than ${maxLength} octets`);
      if (end < 0) continue;
      this.unread(octets.subarray(end + 1));
      const line = concat(parts) as Buffer;
      if (line.at(-1) !== carriageReturn)
        throw smtpError("SMTP_BARE_LINE_END", "permanent", "a line ended with LF alone");
      return line.subarray(0, -1);
    }
  }

  /** Says something, at the latest before the next wait. */
  say(text: string): void {
    this.#said += text;
  }

  /** Writes octets and waits until there is room for more, or the other side has something to say. */
  async write(octets: Uint8Array): Promise<void> {
    await this.flush();
    await this.#put(octets, () => this.quiet);
  }

  async flush(): Promise<void> {
    if (this.#said === "") return;
    const said = this.#said;
    this.#said = "";
    await this.#put(said);
  }

  /** Lets what was written go out, then closes; nothing is read any more. */
  end(): void {
    partFrom(this.release(), this.#said);
  }

  destroy(): void {
    this.release().destroy();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    this.#looks = this.#due;
    this.#timer = setTimeout(() => this.#look(), Math.max(0, this.#due - performance.now()));
    // The socket keeps the process alive, or nobody does.
    this.#timer.unref();
  }

  #look(): void {
    this.#looks = never;
    if (this.#due === never) return;
    // Timers may come a little early.
    if (performance.now() < this.#due - 1) this.#setTimer();
    else this.#fail(smtpError("SMTP_TIMEOUT", "temporary", "not finished in its time"));
  }

  #take(): Buffer {
    const octets = this.#arrived.shift() as Buffer;
    this.#unread -= octets.length;
    if (this.#unread < maxUnread && this.#socket.isPaused()) this.#socket.resume();
    return octets;
  }

  #arrive(octets: Buffer): void {
    this.#arrived.push(octets);
    this.#unread += octets.length;
    if (this.#unread >= maxUnread) this.#socket.pause();
    this.#stir();
  }

  async #put(octets: Uint8Array | string, mayWait: () => boolean = () => true): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (typeof octets === "string" ? this.#socket.write(octets, "utf8") : this.#socket.write(octets)) return;
    while (this.#socket.writableNeedDrain && mayWait()) {
      await this.#stirred();
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  /** Resolves at the next event, for everybody who waits. */
  #stirred(): Promise<void> {
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  #stir(): void {
    this.#next?.resolve();
    this.#next = undefined;
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#stir();
  }
}

/** Says the last words and closes; a peer that never reads or never leaves does not keep the socket. */
export function partFrom(socket: Socket, words: string): void {
  if (socket.writable) socket.end(words);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), maxFarewellMs);
  timer.unref();
  socket.once("close", () => clearTimeout(timer));
}
