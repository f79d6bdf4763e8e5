// The message of one transaction while it arrives: a ByteSource for whoever handles it, a verdict for the session.
// How it is framed, by dots (DATA) or by chunks (BDAT), nobody behind this file can tell.

import type { ByteSource } from "../bytes.ts";
import type { Framing } from "./framing.ts";
import { type Reply, reply } from "./reply.ts";
import { smtpError } from "./smtp-error.ts";

export type MessageRules = { readonly maxSize: number; readonly strayLineEnds: "refuse" | "data" };

export class IncomingMessage {
  readonly #framing: Framing;
  readonly #rules: MessageRules;
  #size = 0;
  #handedOut = 0;

  constructor(framing: Framing, rules: MessageRules) {
    this.#framing = framing;
    this.#rules = rules;
  }

  /** Every octet was received and handed out. */
  get readWhole(): boolean {
    return this.#framing.state === "whole" && this.#handedOut === this.#size;
  }

  /** Why the message cannot be accepted whatever its handler says; without any look inside it. */
  get refusal(): Reply | undefined {
    if (this.#bare) return reply(554, "5.6.0", "A CR or LF stands alone in this message; lines end with CR LF");
    if (this.#size > this.#rules.maxSize) return reply(552, "5.3.4", `More than ${this.#rules.maxSize} octets`);
    return undefined;
  }

  async *source(): ByteSource {
    for (let octets = await this.#next(); octets !== undefined; octets = await this.#next()) {
      if (this.#bare) throw smtpError("SMTP_BARE_LINE_END", "permanent", "a CR or LF stands alone in the message");
      if (this.#size > this.#rules.maxSize)
        throw smtpError("SMTP_TOO_LARGE", "permanent", `more than ${this.#rules.maxSize} octets`);
      this.#handedOut += octets.length;
      if (octets.length > 0) yield octets;
    }
    if (this.#framing.state === "given up")
      throw smtpError("SMTP_GIVEN_UP", "temporary", "the sender gave the message up");
  }

  /** Reads what nobody wanted, so that the next command is found. */
  async drain(): Promise<void> {
    while ((await this.#next()) !== undefined);
  }

  get #bare(): boolean {
    return this.#rules.strayLineEnds === "refuse" && this.#framing.bare;
  }

  async #next(): Promise<Uint8Array | undefined> {
    const octets = await this.#framing.next();
    this.#size += octets?.length ?? 0;
    return octets;
  }
}
