// One server conversation, from greeting to QUIT (RFC 5321; RFC 2033 by the dialect). Strict: what the grammar does
// not know is refused, and what can be read in two ways ends the conversation.

import { isSecureMailError } from "../errors.ts";
import { type Chunk, type Command, type HelloVerb, maxCommandLine, parseCommand, type Refusal } from "./command.ts";
import type { Connection } from "./connection.ts";
import type { ForwardPath } from "./dsn.ts";
import { ChunkedMessage, DottedMessage, type Framing } from "./framing.ts";
import { IncomingMessage } from "./incoming-message.ts";
import { needsUtf8 } from "./mailbox.ts";
import { formatReply, isPositive, type Reply, reply } from "./reply.ts";
import type { SessionOptions, SessionPeer } from "./session-options.ts";
import { secureAsServer } from "./tls.ts";
import type { Envelope, HandleTransaction, Peer } from "./transaction.ts";
import { forwardedBy, type XforwardAttribute, xforwardAttributes } from "./xforward.ts";

type Draft = Envelope & { readonly forwardPaths: ForwardPath[] };

const mailFirst = reply(503, "5.5.1", "MAIL first");
const ok = reply(250, "2.0.0", "Ok");

export class Session {
  readonly #options: SessionOptions;
  readonly #from: SessionPeer;
  readonly #end: number;
  #connection: Connection;
  #secure = false;
  #hello: { readonly verb: string; readonly host: string } | undefined;
  #draft: Draft | undefined;
  readonly #forwarded = new Map<XforwardAttribute, string>();
  #faults = 0;
  #idleCommands = 0;
  #over = false;
  #busy = false;

  constructor(connection: Connection, from: SessionPeer, options: SessionOptions) {
    this.#connection = connection;
    this.#from = from;
    this.#options = options;
    this.#end = performance.now() + options.limits.sessionTimeoutMs;
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
    const { commandTimeoutMs } = this.#options.limits;
    this.#connection.deadline(Math.min(commandTimeoutMs, this.#end - performance.now()));
    const line = await this.#connection.line(maxCommandLine);
    if (line === undefined) this.#over = true;
    for (let next = line && parseCommand(line); next !== undefined; ) next = await this.#perform(next);
  }

  /** Obeys and answers; what interrupted a message in chunks is returned, to be obeyed next. */
  async #perform(command: Command | Refusal): Promise<Command | Refusal | undefined> {
    const barred = this.#barred(command);
    if (command.verb === "BDAT") return this.#receiveChunks(command, barred);
    if (barred !== undefined) this.#conclude(barred);
    else if (command.verb === "DATA") await this.#receiveDotted();
    else if (command.verb === "STARTTLS") await this.#startTls();
    else this.#conclude(this.#obey(command));
    return undefined;
  }

  /** Where TLS is asked for, nothing is done without it (RFC 3207, section 4). */
  #barred({ verb }: Command | Refusal): Reply | undefined {
    if (this.#from.tls === undefined || this.#secure) return undefined;
    if (/^(?:refused|EHLO|HELO|LHLO|NOOP|QUIT|STARTTLS)$/.test(verb)) return undefined;
    return reply(530, "5.7.0", "Say STARTTLS first");
  }

  #obey(command: Exclude<Command, { verb: "DATA" | "BDAT" | "STARTTLS" }> | Refusal): Reply {
    switch (command.verb) {
      case "refused":
        this.#over ||= command.fatal === true;
        return command.answer;
      case "EHLO":
      case "HELO":
      case "LHLO":
        return this.#greet(command.verb, command.host);
      case "MAIL":
        return this.#begin({ reversePath: command.reversePath, forwardPaths: [], parameters: command.parameters });
      case "RCPT": {
        const { forwardPath, dsn } = command;
        const mailbox = forwardPath === "postmaster" ? this.#options.postmaster : forwardPath;
        return this.#addRecipient(dsn === undefined ? mailbox : { ...mailbox, dsn });
      }
      case "XFORWARD":
        return this.#forward(command.attributes);
      case "RSET":
        this.#forget();
        return this.#idle(ok);
      case "NOOP":
        return this.#idle(ok);
      case "VRFY":
        return this.#idle(reply(252, "2.5.2", "Send mail and see"));
      case "QUIT":
        this.#over = true;
        return reply(221, "2.0.0", "Goodbye");
    }
  }

  #greet(verb: HelloVerb, host: string): Reply {
    const { dialect, hostname, limits } = this.#options;
    if (!dialect.hellos.includes(verb)) return reply(500, "5.5.1", `This is ${dialect.name}`);
    this.#hello = { verb, host };
    this.#forget();
    const { tls, trusted } = this.#from;
    const keywords = ["PIPELINING", "8BITMIME", `SIZE ${limits.messageSize}`, "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN"];
    keywords.push("CHUNKING");
    if (trusted) keywords.push(`XFORWARD ${xforwardAttributes.join(" ")}`);
    if (tls !== undefined && !this.#secure) keywords.push("STARTTLS");
    return this.#idle(reply(250, undefined, hostname, ...(verb === "HELO" ? [] : keywords)));
  }

  /** Answers a command that brings no mail nearer; too many of them end the session. */
  #idle(answer: Reply): Reply {
    this.#idleCommands += 1;
    if (this.#idleCommands <= this.#options.limits.idleCommands) return answer;
    this.#over = true;
    return reply(421, "4.7.0", "Too many commands and no mail");
  }

  #forget(): void {
    this.#draft = undefined;
    this.#forwarded.clear();
  }

  /** Each command adds to the ones before, until the next message has had them. */
  #forward(attributes: ReadonlyMap<XforwardAttribute, string | undefined>): Reply {
    if (!this.#from.trusted) return this.#idle(reply(550, "5.7.0", "XFORWARD is not for you"));
    if (this.#draft !== undefined) return reply(503, "5.5.1", "A transaction is open");
    for (const [name, value] of attributes) {
      if (value === undefined) this.#forwarded.delete(name);
      else this.#forwarded.set(name, value);
    }
    return this.#idle(ok);
  }

  #begin(draft: Draft): Reply {
    if (this.#hello === undefined) return reply(503, "5.5.1", "Say hello first");
    if (this.#draft !== undefined) return reply(503, "5.5.1", "A transaction is already open");
    const { messageSize } = this.#options.limits;
    if ((draft.parameters.size ?? 0) > messageSize) return reply(552, "5.3.4", `More than ${messageSize} octets`);
    this.#draft = draft;
    return reply(250, "2.1.0", "Sender ok");
  }

  #addRecipient(forwardPath: ForwardPath): Reply {
    const { limits, judgeRecipient } = this.#options;
    if (this.#draft === undefined) return mailFirst;
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

  /** Why no message may come now. */
  #notReady(): Reply | undefined {
    if (this.#draft === undefined) return mailFirst;
    return this.#draft.forwardPaths.length === 0 ? reply(503, "5.5.1", "No recipient was accepted") : undefined;
  }

  async #receiveDotted(): Promise<void> {
    const fault = this.#notReady();
    if (fault !== undefined) return this.#conclude(fault);
    this.#answer(reply(354, undefined, "End with <CR><LF>.<CR><LF>"));
    const framing = new DottedMessage(this.#connection, this.#options.limits);
    await this.#receive(framing, this.#incoming(framing));
  }

  /** Octets follow whether they are welcome or not: a chunk that is refused is read all the same. */
  async #receiveChunks(first: Chunk, barred: Reply | undefined): Promise<Command | Refusal | undefined> {
    const { limits } = this.#options;
    const fault = barred ?? this.#notReady();
    const framing: ChunkedMessage = new ChunkedMessage(
      this.#connection,
      limits,
      fault === undefined ? first : { ...first, last: true },
      () => message.refusal,
    );
    const message = this.#incoming(framing);
    if (fault === undefined) await this.#receive(framing, message);
    else if (first.size > limits.messageSize) {
      this.#over = true;
      this.#conclude(fault);
    } else {
      await message.drain();
      this.#conclude(fault);
    }
    return framing.interruption;
  }

  #incoming(framing: Framing): IncomingMessage {
    const { limits, strayLineEnds = "refuse" } = this.#options;
    return new IncomingMessage(framing, { maxSize: limits.messageSize, strayLineEnds });
  }

  async #receive(framing: Framing, message: IncomingMessage): Promise<void> {
    const envelope = this.#draft as Draft;
    this.#busy = true;
    // The time of the handler is not the peer's; the message has deadlines of its own while it is waited for.
    this.#connection.deadline(undefined);
    const replies = await this.#handle(envelope, message);
    await message.drain();
    this.#busy = false;
    this.#forget();
    this.#idleCommands = 0;
    // Who gave the message up waits for no answer to it.
    if (framing.state === "given up") return;
    const { refusal } = message;
    const each = refusal === undefined ? replies : envelope.forwardPaths.map(() => refusal);
    this.#conclude(...this.#options.dialect.answersToMessage(each));
  }

  /** One reply per recipient, whatever the handler does. From an exception there is no way to a positive reply. */
  async #handle(envelope: Envelope, message: IncomingMessage): ReturnType<HandleTransaction> {
    const doubt = reply(451, "4.3.0", "Cannot be handled now, try again later");
    try {
      const replies = await this.#options.handle({ envelope, peer: this.#peer(envelope), message: message.source() });
      const { length } = envelope.forwardPaths;
      if (replies.length !== length) throw new Error(`${replies.length} replies for ${length} recipients`);
      if (!message.readWhole && replies.some(isPositive)) throw new Error("a message was accepted before its end");
      return replies;
    } catch (thrown) {
      if (message.refusal === undefined && !isSecureMailError(thrown, "SMTP_GIVEN_UP")) this.#options.onFault(thrown);
      return envelope.forwardPaths.map(() => doubt);
    }
  }

  #peer({ parameters }: Envelope): Peer {
    const { name } = this.#options.dialect;
    const secured = this.#secure ? "S" : "";
    const extended = this.#hello?.verb === "HELO" ? "SMTP" : (`ESMTP${secured}` as const);
    const plain = name === "LMTP" ? (`LMTP${secured}` as const) : extended;
    const protocol = parameters.smtputf8 ? (`UTF8${name}${secured}` as const) : plain;
    return { address: this.#from.address, helo: this.#hello?.host ?? "", protocol, ...forwardedBy(this.#forwarded) };
  }

  async #startTls(): Promise<void> {
    const { tls } = this.#from;
    if (tls === undefined) return this.#conclude(reply(502, "5.5.1", "There is no TLS here"));
    if (this.#secure) return this.#conclude(reply(503, "5.5.1", "TLS is on"));
    if (!this.#connection.quiet) {
      this.#over = true;
      return this.#conclude(reply(501, "5.5.1", "Nothing may follow STARTTLS before the handshake"));
    }
    this.#answer(reply(220, "2.0.0", "Go on"));
    // Written at once: no octet can arrive between these two lines.
    const said = this.#connection.flush();
    this.#busy = true;
    const secured = secureAsServer(this.#connection, tls.context, tls.pins, this.#options.limits.commandTimeoutMs);
    [this.#connection] = await Promise.all([secured, said]);
    this.#busy = false;
    this.#secure = true;
    this.#hello = undefined;
  }

  /** The replies that end a command, and the count of mistakes. */
  #conclude(...answers: readonly Reply[]): void {
    for (const answer of answers) this.#answer(answer);
    if (!answers.some(isCommandFault)) return;
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
    else if (isSecureMailError(thrown, "SMTP_TOO_LARGE")) this.#answer(reply(552, "5.3.4", "Too many chunks"));
    else if (!isSecureMailError(thrown, "SMTP_CONNECTION_LOST")) this.#options.onFault(thrown);
  }
}

/** Syntax and order; a refused sender or recipient is none of the client's mistakes. */
function isCommandFault({ code }: Reply): boolean {
  return code >= 500 && code <= 504;
}
