// The message of one transaction while it arrives: a ByteSource for whoever handles it, a verdict for the session.

import type { ByteSource } from "../bytes.ts";
import type { Connection } from "./connection.ts";
import { DotReader } from "./message-octets.ts";
import { type Reply, reply } from "./reply.ts";
import { smtpError } from "./smtp-error.ts";

export class IncomingMessage {
  readonly #connection: Connection;
  readonly #maxSize: number;
  readonly #dots = new DotReader();
  #size = 0;
  #handedOut = 0;

  constructor(connection: Connection, maxSize: number) {
    this.#connection = connection;
    this.#maxSize = maxSize;
  }

  /** Every octet was received and handed out. */
  get readWhole(): boolean {
    return this.#dots.rest !== undefined && this.#handedOut === this.#size;
  }

  /** Why the message cannot be accepted whatever its handler says; without any look inside it. */
  get refusal(): Reply | undefined {
    if (this.#dots.bare) return reply(554, "5.6.0", "A CR or LF stands alone in this message; lines end with CR LF");
    if (this.#size > this.#maxSize) return reply(552, "5.3.4", `More than ${this.#maxSize} octets`);
    return undefined;
  }

  async *source(): ByteSource {
    for (let octets = await this.#next(); octets !== undefined; octets = await this.#next()) {
      if (this.#dots.bare) throw smtpError("SMTP_BARE_LINE_END", "permanent", "a CR or LF stands alone in the message");
      if (this.#size > this.#maxSize)
        throw smtpError("SMTP_TOO_LARGE", "permanent", `more than ${this.#maxSize} octets`);
      this.#handedOut += octets.length;
      if (octets.length > 0) yield octets;
    }
  }

  /** Reads what nobody wanted, so that the next command is found. */
  async drain(): Promise<void> {
    while ((await this.#next()) !== undefined);
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#dots.rest !== undefined) return undefined;
    const received = await this.#connection.receive();
    if (received === undefined)
      throw smtpError("SMTP_CONNECTION_LOST", "temporary", "the message did not arrive whole");
    const octets = this.#dots.read(received);
    this.#size += octets.length;
    if (this.#dots.rest !== undefined) {
      this.#connection.deadline(undefined);
      this.#connection.unread(this.#dots.rest);
    }
    return octets;
  }
}
