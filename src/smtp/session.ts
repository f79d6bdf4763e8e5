// One server conversation, from greeting to QUIT (RFC 5321; RFC 2033 by the dialect). Strict: what the grammar does
// not know is refused, and what can be read in two ways ends the conversation.

import { isSecureMailError } from "../errors.ts";
import { type Command, type HelloVerb, maxCommandLine, parseCommand, type Refusal } from "./command.ts";
import type { Connection } from "./connection.ts";
import { IncomingMessage } from "./incoming-message.ts";
import type { Dialect } from "./lmtp.ts";
import { type Mailbox, needsUtf8 } from "./mailbox.ts";
import { formatReply, isPositive, type Reply, reply } from "./reply.ts";
import type { Envelope, HandleTransaction, Peer } from "./transaction.ts";

export type SessionLimits = {
  /** Octets of one message. */
  readonly messageSize: number;
  readonly recipients: number;
  /** For one command line, from the first wait to its end (RFC 5321, 4.5.3.2.7 asks for 5 minutes). */
  readonly commandTimeoutMs: number;
  /** For the whole of one message, from 354 to the last dot. */
  readonly messageTimeoutMs: number;
  /** Refused commands in one session before it is ended. */
  readonly faults: number;
};

export const defaultLimits: SessionLimits = {
  messageSize: 100 * 1024 * 1024,
  recipients: 1000,
  commandTimeoutMs: 5 * 60_000,
  messageTimeoutMs: 60 * 60_000,
  faults: 20,
};

export type SessionOptions = {
  readonly dialect: Dialect;
  /** Our name in greeting and replies. */
  readonly hostname: string;
  /** Whom `RCPT TO:<postmaster>` means. */
  readonly postmaster: Mailbox;
  readonly limits: SessionLimits;
  readonly handle: HandleTransaction;
  /** Answers for a recipient from what is known before the message; undefined accepts. */
  readonly judgeRecipient?: (forwardPath: Mailbox, envelope: Envelope) => Reply | undefined;
  /**
   * What a CR or LF that stands alone in a message is: a reason for 554, as strangers use it to make one message two,
   * or (from our own hub, by LMTP) an octet like any other. Nowhere does it end a message.
   */
  readonly strayLineEnds?: "refuse" | "data";
  /** Told of everything that went wrong in a handler; the peer only hears 451. */
  readonly onFault: (thrown: unknown) => void;
};

type Draft = Envelope & { readonly forwardPaths: Mailbox[] };

export class Session {
  readonly #connection: Connection;
  readonly #options: SessionOptions;
  readonly #address: string;
  #hello: { readonly verb: string; readonly host: string } | undefined;
  #draft: Draft | undefined;
  #faults = 0;
  #over = false;
  #busy = false;

  constructor(connection: Connection, address: string, options: SessionOptions) {
    this.#connection = connection;
    this.#address = address;
    this.#options = options;
  }

  /** Returns when the conversation is over, however it ended. */
  async run(): Promise<void> {
    try {
      this.#answer(reply(220, undefined, `${this.#options.hostname} ${this.#options.dialect.name} Postern`));
      while (!this.#over) await this.#turn();
    } catch (thrown) {
      this.#partWith(thrown);
    }
    this.#connection.end();
  }

  /** Asks the session to end: at once when it waits for a command, else after the message in hand. */
  stop(): void {
    this.#over = true;
    if (this.#busy) return;
    this.#answer(reply(421, "4.3.2", "Closing for maintenance"));
    this.#connection.end();
  }

  async #turn(): Promise<void> {
    this.#connection.deadline(this.#options.limits.commandTimeoutMs);
    const line = await this.#connection.line(maxCommandLine);
    if (line === undefined) {
      this.#over = true;
      return;
    }
    const command = parseCommand(line);
    const answers = command.verb === "DATA" ? await this.#receiveMessage() : [this.#obey(command)];
    for (const answer of answers) this.#answer(answer);
    if (answers.some(isCommandFault)) this.#countFault();
  }

  #obey(command: Exclude<Command, { verb: "DATA" }> | Refusal): Reply {
    switch (command.verb) {
      case "refused":
        return command.answer;
      case "EHLO":
      case "HELO":
      case "LHLO":
        return this.#greet(command.verb, command.host);
      case "MAIL":
        return this.#begin({ reversePath: command.reversePath, forwardPaths: [], parameters: command.parameters });
      case "RCPT":
        return this.#addRecipient(
          command.forwardPath === "postmaster" ? this.#options.postmaster : command.forwardPath,
        );
      case "RSET":
        this.#draft = undefined;
        return reply(250, "2.0.0", "Forgotten");
      case "NOOP":
        return reply(250, "2.0.0", "Ok");
      case "VRFY":
        return reply(252, "2.5.2", "Send mail and see");
      case "QUIT":
        this.#over = true;
        return reply(221, "2.0.0", "Goodbye");
    }
  }

  #greet(verb: HelloVerb, host: string): Reply {
    const { dialect, hostname, limits } = this.#options;
    if (!dialect.hellos.includes(verb)) return reply(500, "5.5.1", `This is ${dialect.name}`);
    this.#hello = { verb, host };
    this.#draft = undefined;
    const keywords = ["PIPELINING", "8BITMIME", `SIZE ${limits.messageSize}`, "ENHANCEDSTATUSCODES", "SMTPUTF8"];
    return reply(250, undefined, hostname, ...(verb === "HELO" ? [] : keywords));
  }

  #begin(draft: Draft): Reply {
    if (this.#hello === undefined) return reply(503, "5.5.1", "Say hello first");
    if (this.#draft !== undefined) return reply(503, "5.5.1", "A transaction is already open");
    const { messageSize } = this.#options.limits;
    if ((draft.parameters.size ?? 0) > messageSize) return reply(552, "5.3.4", `More than ${messageSize} octets`);
    this.#draft = draft;
    return reply(250, "2.1.0", "Sender ok");
  }

  #addRecipient(forwardPath: Mailbox): Reply {
    const { limits, judgeRecipient } = this.#options;
    if (this.#draft === undefined) return reply(503, "5.5.1", "MAIL first");
    if (this.#draft.forwardPaths.length >= limits.recipients) {
      return reply(452, "4.5.3", "Too many recipients; send the rest in another transaction");
    }
    if (needsUtf8(forwardPath) && !this.#draft.parameters.smtputf8) {
      return reply(553, "5.6.7", "This address needs SMTPUTF8");
    }
    const judged = judgeRecipient?.(forwardPath, this.#draft);
    if (judged !== undefined && !isPositive(judged)) return judged;
    this.#draft.forwardPaths.push(forwardPath);
    return reply(250, "2.1.5", "Recipient ok");
  }

  async #receiveMessage(): Promise<readonly Reply[]> {
    const { dialect, limits } = this.#options;
    const envelope = this.#draft;
    if (envelope === undefined) return [reply(503, "5.5.1", "MAIL first")];
    if (envelope.forwardPaths.length === 0) return [reply(503, "5.5.1", "No recipient was accepted")];
    this.#draft = undefined;
    this.#answer(reply(354, undefined, "End with <CR><LF>.<CR><LF>"));
    this.#connection.deadline(limits.messageTimeoutMs);
    const message = new IncomingMessage(this.#connection, limits.messageSize);
    this.#busy = true;
    const replies = await this.#handle(envelope, message);
    await message.drain();
    this.#busy = false;
    const { refusal } = message;
    return dialect.answersToMessage(refusal === undefined ? replies : envelope.forwardPaths.map(() => refusal));
  }

  /** One reply per recipient, whatever the handler does. From an exception there is no way to a positive reply. */
  async #handle(envelope: Envelope, message: IncomingMessage): Promise<readonly Reply[]> {
    const doubt = reply(451, "4.3.0", "Cannot be handled now, try again later");
    try {
      const replies = await this.#options.handle({ envelope, peer: this.#peer(envelope), message: message.source() });
      const { length } = envelope.forwardPaths;
      if (replies.length !== length) throw new Error(`${replies.length} replies for ${length} recipients`);
      if (!message.readWhole && replies.some(isPositive)) throw new Error("a message was accepted before its end");
      return replies;
    } catch (thrown) {
      if (message.refusal === undefined) this.#options.onFault(thrown);
      return envelope.forwardPaths.map(() => doubt);
    }
  }

  #peer({ parameters }: Envelope): Peer {
    const { name } = this.#options.dialect;
    const extended = this.#hello?.verb === "HELO" ? "SMTP" : "ESMTP";
    const protocol = parameters.smtputf8 ? (`UTF8${name}` as const) : name === "LMTP" ? "LMTP" : extended;
    return { address: this.#address, helo: this.#hello?.host ?? "", protocol };
  }

  #countFault(): void {
    this.#faults += 1;
    if (this.#faults < this.#options.limits.faults) return;
    this.#answer(reply(421, "4.7.0", "Too many refused commands"));
    this.#over = true;
  }

  #answer(answer: Reply): void {
    this.#connection.say(formatReply(answer));
  }

  #partWith(thrown: unknown): void {
    if (isSecureMailError(thrown, "SMTP_TIMEOUT")) this.#answer(reply(421, "4.4.2", "Timeout"));
    else if (isSecureMailError(thrown, "SMTP_LINE_TOO_LONG")) this.#answer(reply(500, "5.5.2", "Line too long"));
    else if (isSecureMailError(thrown, "SMTP_BARE_LINE_END")) this.#answer(reply(501, "5.5.2", "Lines end with CR LF"));
    else if (!isSecureMailError(thrown, "SMTP_CONNECTION_LOST")) this.#options.onFault(thrown);
  }
}

/** Syntax and order; a refused sender or recipient is none of the client's mistakes. */
function isCommandFault({ code }: Reply): boolean {
  return code >= 500 && code <= 504;
}
