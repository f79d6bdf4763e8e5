// The two ways in which the octets of a message arrive: between DATA and its last dot (RFC 5321), or in the chunks that
// BDAT announces (RFC 3030). A chunked message is held to the lines that DATA would have let through.

import { latin1 } from "../bytes.ts";
import { type Chunk, type Command, maxCommandLine, parseCommand, type Refusal } from "./command.ts";
import type { Connection } from "./connection.ts";
import { DotReader, LineEnds } from "./message-octets.ts";
import { formatReply, type Reply, reply } from "./reply.ts";
import { smtpError } from "./smtp-error.ts";

export type Framing = {
  /** The next octets of the message, perhaps none; undefined behind its end, and when it was given up. */
  next(): Promise<Uint8Array | undefined>;
  readonly state: "arriving" | "whole" | "given up";
  /** A CR or LF stood alone. */
  readonly bare: boolean;
};

/** LIMIT: Exim sends chunks of 8 kB, so 100 MB come in 12,800; smaller ones only ask for work. */
const maxChunks = 100_000;

/** Deadlines of a message: for the whole, and for each wait. Time that the reader takes counts for the whole only. */
export type Patience = { readonly messageTimeoutMs: number; readonly blockTimeoutMs: number };

class Arrival {
  readonly connection: Connection;
  readonly #blockMs: number;
  readonly #end: number;

  constructor(connection: Connection, { messageTimeoutMs, blockTimeoutMs }: Patience) {
    this.connection = connection;
    this.#blockMs = blockTimeoutMs;
    this.#end = performance.now() + messageTimeoutMs;
  }

  async receive(): Promise<Buffer> {
    this.wait();
    const received = await this.connection.receive();
    this.connection.deadline(undefined);
    if (received === undefined)
      throw smtpError("SMTP_CONNECTION_LOST", "temporary", "the message did not arrive whole");
    return received;
  }

  wait(): void {
    this.connection.deadline(Math.min(this.#blockMs, this.#end - performance.now()));
  }
}

export class DottedMessage implements Framing {
  readonly #arrival: Arrival;
  readonly #dots = new DotReader();

  constructor(connection: Connection, patience: Patience) {
    this.#arrival = new Arrival(connection, patience);
  }

  get state(): Framing["state"] {
    return this.#dots.rest === undefined ? "arriving" : "whole";
  }

  get bare(): boolean {
    return this.#dots.bare;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#dots.rest !== undefined) return undefined;
    const octets = this.#dots.read(await this.#arrival.receive());
    if (this.#dots.rest !== undefined) this.#arrival.connection.unread(this.#dots.rest);
    return octets;
  }
}

export class ChunkedMessage implements Framing {
  state: Framing["state"] = "arriving";
  /** What came in place of the next chunk, to be obeyed when everybody knows that the message was given up. */
  interruption: Command | Refusal | undefined;
  readonly #arrival: Arrival;
  readonly #answer: () => Reply | undefined;
  readonly #lines = new LineEnds();
  #chunk: Chunk;
  #left: number;
  #commands = 1;

  /** `answer` says what is wrong with the message so far, if anything is. */
  constructor(connection: Connection, patience: Patience, first: Chunk, answer: () => Reply | undefined) {
    this.#arrival = new Arrival(connection, patience);
    this.#answer = answer;
    this.#chunk = first;
    this.#left = first.size;
  }

  get bare(): boolean {
    return this.#lines.bare;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.state !== "arriving") return undefined;
    while (this.#left === 0) {
      if (this.#chunk.last) return this.#end();
      if (!(await this.#nextChunk())) return undefined;
    }
    const received = await this.#arrival.receive();
    const octets = received.subarray(0, this.#left);
    this.#arrival.connection.unread(received.subarray(octets.length));
    this.#left -= octets.length;
    this.#lines.look(octets);
    return octets;
  }

  /** The line end that DATA would have asked for, where the last line has none. */
  #end(): Uint8Array {
    this.state = "whole";
    return latin1(this.#lines.end());
  }

  /** Answers for the chunk that is complete and waits for another; false when something else comes. */
  async #nextChunk(): Promise<boolean> {
    const { connection } = this.#arrival;
    connection.say(formatReply(this.#answer() ?? reply(250, "2.0.0", `${this.#chunk.size} octets taken`)));
    for (;;) {
      this.#arrival.wait();
      const line = await connection.line(maxCommandLine);
      connection.deadline(undefined);
      if (line === undefined) throw smtpError("SMTP_CONNECTION_LOST", "temporary", "the message did not arrive whole");
      this.#commands += 1;
      if (this.#commands > maxChunks) throw smtpError("SMTP_TOO_LARGE", "permanent", `more than ${maxChunks} chunks`);
      const command = parseCommand(line);
      if (command.verb === "BDAT") {
        this.#chunk = command;
        this.#left = command.size;
        return true;
      }
      if (command.verb !== "NOOP") return this.#giveUp(command);
      connection.say(formatReply(reply(250, "2.0.0", "Ok")));
    }
  }

  /** Nothing but a new start may follow (RFC 3030, section 2): no second message grows out of half a first one. */
  #giveUp(command: Command | Refusal): false {
    this.state = "given up";
    const isStart = /^(?:RSET|QUIT|EHLO|HELO|LHLO|refused)$/.test(command.verb);
    this.interruption = isStart ? command : { verb: "refused", answer: reply(503, "5.5.1", "BDAT or RSET") };
    return false;
  }
}
