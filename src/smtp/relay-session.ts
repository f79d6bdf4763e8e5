// One client conversation with the next hop, SMTP or LMTP: greeting, then any number of messages, commands pipelined.
//
// What the hop says is a Reply per recipient. When the hop says nothing that counts, the reply is a 451 of our own:
// whoever gave us the mail keeps it. Only a message that cannot be read, or must not be passed on, is thrown.

import { createConnection, type Socket } from "node:net";
import { type ByteSource, concat, noOctets } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { Connection } from "./connection.ts";
import { type ForwardPath, formatMailDsn, formatRecipientDsn } from "./dsn.ts";
import { formatMailbox, needsUtf8 } from "./mailbox.ts";
import { DotWriter } from "./message-octets.ts";
import {
  describeReply,
  isLastReplyLine,
  isPositive,
  maxReplyLine,
  maxReplyLines,
  parseReply,
  type Reply,
  reply,
} from "./reply.ts";
import type { SocketAddress } from "./server.ts";
import { smtpError } from "./smtp-error.ts";
import { type HopTls, secureAsClient } from "./tls.ts";
import type { Envelope } from "./transaction.ts";

export type Hop = {
  readonly protocol: "smtp" | "lmtp";
  readonly address: SocketAddress;
  readonly tls?: HopTls;
};

export type RelayTimeouts = {
  readonly connectMs: number;
  /** For the greeting and each group of commands. */
  readonly commandMs: number;
  /** Without progress while the message is sent. */
  readonly blockMs: number;
  /** For the whole of one message, while it is sent. */
  readonly messageMs: number;
  /** For the answer to the last dot. */
  readonly answerMs: number;
};

/** RFC 5321, 4.5.3.2, but for connecting, where the hop is a neighbour. */
export const defaultTimeouts: RelayTimeouts = {
  connectMs: 30_000,
  commandMs: 5 * 60_000,
  blockMs: 3 * 60_000,
  messageMs: 60 * 60_000,
  answerMs: 10 * 60_000,
};

export class RelaySession {
  #connection: Connection;
  readonly #hop: Hop;
  readonly #timeouts: RelayTimeouts;
  readonly #keywords = new Map<string, string>();
  #usable = true;
  /** Messages begun in this session. */
  messages = 0;
  /** The hop has answered something in the present transaction. */
  #answered = false;
  /** It broke because the hop kept silent, and another session would wait as long. */
  #late = false;
  /** What went wrong is the message's, not the hop's. */
  #messageFailed = false;

  private constructor(connection: Connection, hop: Hop, timeouts: RelayTimeouts) {
    this.#connection = connection;
    this.#hop = hop;
    this.#timeouts = timeouts;
  }

  /** Connects and greets; throws a SecureMailError when the hop is not there or does not want us. */
  static async open(hop: Hop, hostname: string, timeouts: RelayTimeouts): Promise<RelaySession> {
    const session = new RelaySession(await connected(hop, timeouts.connectMs), hop, timeouts);
    try {
      await session.#hello(hostname);
    } catch (thrown) {
      session.destroy();
      throw hopUnusable(thrown);
    }
    return session;
  }

  /** What it said to EHLO: keywords in upper case, with their values. */
  get keywords(): ReadonlyMap<string, string> {
    return this.#keywords;
  }

  /** True when another message may follow. */
  get usable(): boolean {
    return this.#usable && this.#connection.quiet;
  }

  /** True when the session broke before the hop took notice of the message, so that it may be offered to another one. */
  get unheard(): boolean {
    return !this.#usable && !this.#answered && !this.#late;
  }

  /** Offers one message; one reply per recipient, in their order. */
  async deliver(envelope: Envelope, message: ByteSource): Promise<readonly Reply[]> {
    this.messages += 1;
    this.#answered = false;
    const answers = new Map<ForwardPath, Reply>();
    const lack = this.#lack(envelope);
    if (lack !== undefined) return envelope.forwardPaths.map(() => lack);
    try {
      const accepted = await this.#offer(envelope, answers);
      if (accepted !== undefined) await this.#send(accepted, message, answers);
    } catch (thrown) {
      this.#usable = false;
      this.#connection.destroy();
      if (this.#messageFailed || !isSecureMailError(thrown)) throw thrown;
      this.#late = isSecureMailError(thrown, "SMTP_TIMEOUT");
      const doubt = { ...reply(451, "4.4.2", "The next hop was lost"), detail: `Lost the next hop: ${thrown.message}` };
      return envelope.forwardPaths.map((forwardPath) => answers.get(forwardPath) ?? doubt);
    }
    this.#connection.deadline(undefined);
    return envelope.forwardPaths.map((forwardPath) => answers.get(forwardPath) as Reply);
  }

  quit(): void {
    if (this.usable) this.#connection.say("QUIT\r\n");
    this.#usable = false;
    this.#connection.end();
  }

  destroy(): void {
    this.#usable = false;
    this.#connection.destroy();
  }

  /** Greets; with TLS twice, and nothing of the first time counts. */
  async #hello(hostname: string): Promise<void> {
    this.#connection.deadline(this.#timeouts.commandMs);
    this.#require(await this.#reply());
    await this.#introduce(hostname);
    if (this.#hop.tls !== undefined) {
      await this.#startTls(this.#hop.tls);
      this.#keywords.clear();
      await this.#introduce(hostname);
    }
    this.#connection.deadline(undefined);
  }

  async #startTls(tls: HopTls): Promise<void> {
    if (!this.#keywords.has("STARTTLS")) throw new Error("it offers no STARTTLS");
    this.#requireQuiet();
    this.#connection.say("STARTTLS\r\n");
    this.#require(await this.#reply());
    this.#requireQuiet();
    this.#connection = await secureAsClient(this.#connection, tls, this.#timeouts.commandMs);
    this.#connection.deadline(this.#timeouts.commandMs);
  }

  async #introduce(hostname: string): Promise<void> {
    this.#connection.say(`${this.#hop.protocol === "lmtp" ? "LHLO" : "EHLO"} ${hostname}\r\n`);
    const answer = await this.#reply();
    if (isPositive(answer)) {
      for (const line of answer.lines.slice(1)) {
        const [keyword = "", ...values] = line.split(" ");
        this.#keywords.set(keyword.toUpperCase(), values.join(" "));
      }
    } else if (this.#hop.protocol === "smtp") {
      this.#connection.say(`HELO ${hostname}\r\n`);
      this.#require(await this.#reply());
    } else this.#require(answer);
  }

  /** What was said before it was asked for, somebody else may have said. */
  #requireQuiet(): void {
    if (!this.#connection.quiet) throw new Error("it said more than it was asked before the handshake");
  }

  #require(answer: Reply): void {
    if (isPositive(answer)) return;
    throw new Error(`it said ${describeReply(answer)}`);
  }

  /** What this mail needs and the hop does not have: conversion is not ours to do. */
  #lack({ reversePath, forwardPaths, parameters }: Envelope): Reply | undefined {
    const utf8 =
      parameters.smtputf8 || [reversePath, ...forwardPaths].some((path) => path !== undefined && needsUtf8(path));
    if (utf8 && !this.#keywords.has("SMTPUTF8")) return reply(553, "5.6.7", "The next hop does not take SMTPUTF8");
    if (parameters.body === "8BITMIME" && !this.#keywords.has("8BITMIME")) {
      return reply(554, "5.6.3", "The next hop does not take 8-bit content");
    }
    return undefined;
  }

  /** MAIL, RCPT and DATA; the recipients that wait for the message, or undefined when none does. */
  async #offer(envelope: Envelope, answers: Map<ForwardPath, Reply>): Promise<readonly ForwardPath[] | undefined> {
    const { forwardPaths } = envelope;
    const pipelining = this.#keywords.has("PIPELINING");
    this.#connection.deadline(this.#timeouts.commandMs);
    this.#connection.say(this.#mailCommand(envelope));
    const rcptCommand = (path: ForwardPath): string => this.#rcptCommand(path);
    if (pipelining) this.#connection.say(`${forwardPaths.map(rcptCommand).join("")}DATA\r\n`);
    const sender = await this.#reply();
    // 421 is a farewell: it speaks of the session, and may have been on its way before our MAIL was.
    this.#answered = sender.code !== 421;
    if (!isPositive(sender)) for (const path of forwardPaths) answers.set(path, asRefusal(sender));
    if (!isPositive(sender) && !pipelining) return undefined;
    const accepted: ForwardPath[] = [];
    for (const path of forwardPaths) {
      if (!pipelining) this.#connection.say(rcptCommand(path));
      const answer = await this.#reply();
      if (isPositive(answer)) accepted.push(path);
      else if (!answers.has(path)) answers.set(path, asRefusal(answer));
    }
    if (!pipelining) {
      if (accepted.length === 0) return this.#reset();
      this.#connection.say("DATA\r\n");
    }
    return this.#begun(await this.#reply(), accepted, answers);
  }

  async #begun(
    answer: Reply,
    accepted: readonly ForwardPath[],
    answers: Map<ForwardPath, Reply>,
  ): Promise<readonly ForwardPath[] | undefined> {
    if (answer.code === 354) {
      if (accepted.length > 0) return accepted;
      // A hop that wants a message for nobody gets an empty one (RFC 2920, 3.1).
      this.#connection.say(".\r\n");
      await this.#reply();
      return undefined;
    }
    for (const path of accepted) answers.set(path, asRefusal(answer));
    return this.#reset();
  }

  async #reset(): Promise<undefined> {
    this.#connection.say("RSET\r\n");
    await this.#reply();
  }

  async #send(accepted: readonly ForwardPath[], message: ByteSource, answers: Map<ForwardPath, Reply>): Promise<void> {
    const end = performance.now() + this.#timeouts.messageMs;
    for await (const octets of this.#dotted(message)) {
      // A hop that speaks now does not want the rest, and whatever it says is no answer to a message.
      if (!this.#connection.quiet) return this.#breakOff(accepted, answers);
      this.#connection.deadline(Math.min(this.#timeouts.blockMs, end - performance.now()));
      await this.#connection.write(octets);
      // The deadline is the hop's; how long the message takes to come is the business of who sends it.
      this.#connection.deadline(undefined);
    }
    this.#connection.deadline(this.#timeouts.answerMs);
    if (this.#hop.protocol === "lmtp") for (const path of accepted) answers.set(path, asFinal(await this.#reply()));
    else {
      const answer = asFinal(await this.#reply());
      for (const path of accepted) answers.set(path, answer);
    }
  }

  async #breakOff(accepted: readonly ForwardPath[], answers: Map<ForwardPath, Reply>): Promise<void> {
    this.#connection.deadline(this.#timeouts.commandMs);
    const { lines } = await this.#reply();
    for (const path of accepted) answers.set(path, reply(451, "4.4.2", "The next hop broke off:", ...lines));
    this.destroy();
  }

  async *#dotted(message: ByteSource): ByteSource {
    const dots = new DotWriter();
    try {
      // The end goes out with the last octets: one write for a small message.
      let last: Uint8Array = noOctets;
      for await (const chunk of message) {
        if (last.length > 0) yield last;
        last = dots.write(chunk);
      }
      yield concat([last, dots.end()]);
    } catch (thrown) {
      this.#messageFailed = true;
      throw thrown;
    }
  }

  #mailCommand({ reversePath, parameters: { body, size, smtputf8, ...dsn } }: Envelope): string {
    const parameters = [
      size !== undefined && this.#keywords.has("SIZE") ? ` SIZE=${size}` : "",
      body !== undefined && this.#keywords.has("8BITMIME") ? ` BODY=${body}` : "",
      smtputf8 ? " SMTPUTF8" : "",
      this.#keywords.has("DSN") ? formatMailDsn(dsn) : "",
    ];
    return oneLine(`MAIL FROM:<${reversePath === undefined ? "" : formatMailbox(reversePath)}>${parameters.join("")}`);
  }

  #rcptCommand(forwardPath: ForwardPath): string {
    const { dsn } = forwardPath;
    const parameters = dsn !== undefined && this.#keywords.has("DSN") ? formatRecipientDsn(dsn) : "";
    return oneLine(`RCPT TO:<${formatMailbox(forwardPath)}>${parameters}`);
  }

  async #reply(): Promise<Reply> {
    const lines: string[] = [];
    do {
      if (lines.length >= maxReplyLines) throw smtpError("SMTP_REPLY_MALFORMED", "temporary", "a reply without end");
      const line = await this.#connection.line(maxReplyLine);
      if (line === undefined) throw smtpError("SMTP_CONNECTION_LOST", "temporary", "the connection was closed");
      lines.push(line.toString("latin1"));
    } while (!isLastReplyLine(lines.at(-1) as string));
    const answer = parseReply(lines);
    if (answer.code === 421) this.#usable = false;
    return answer;
  }
}

/**
 * Anything but a clear refusal is a doubt: a positive or 3yz reply where none may be counts as 451, and so does 421,
 * which speaks of the hop's session and not of ours.
 */
function asRefusal(answer: Reply): Reply {
  if (answer.code === 421) return { ...answer, code: 451 };
  return answer.code >= 400 ? answer : { ...answer, code: 451, enhancedStatus: "4.3.0" };
}

function asFinal(answer: Reply): Reply {
  return isPositive(answer) ? answer : asRefusal(answer);
}

/** Parsed values make no second line; whoever made an address without parsing it shall not either. */
function oneLine(command: string): string {
  for (let at = 0; at < command.length; at++) {
    if (command.charCodeAt(at) < 0x20 || command.charCodeAt(at) === 0x7f) throw new Error("a control in a command");
  }
  return `${command}\r\n`;
}

async function connected({ address }: Hop, timeoutMs: number): Promise<Connection> {
  const socket = createConnection(address);
  try {
    await arrived(socket, timeoutMs);
  } catch (thrown) {
    socket.destroy();
    throw hopUnusable(thrown);
  }
  return new Connection(socket);
}

function hopUnusable(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return smtpError("SMTP_HOP_UNUSABLE", "temporary", `Cannot reach the next hop: ${reason}`, cause);
}

function arrived(socket: Socket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no connection after ${timeoutMs} ms`)), timeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      resolve();
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
