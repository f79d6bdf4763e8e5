// What a session is told by whoever listens.

import type { SecureContext } from "node:tls";
import type { ForwardPath } from "./dsn.ts";
import type { Dialect } from "./lmtp.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Reply } from "./reply.ts";
import type { Envelope, HandleTransaction } from "./transaction.ts";

export type SessionLimits = {
  /** Octets of one message. */
  readonly messageSize: number;
  readonly recipients: number;
  /** For one command line, from the first wait to its end (RFC 5321, 4.5.3.2.7 asks for 5 minutes). */
  readonly commandTimeoutMs: number;
  /** For the next octets of a message, once somebody wants them (RFC 5321, 4.5.3.2.5 asks for 3 minutes). */
  readonly blockTimeoutMs: number;
  /** For the whole of one message, from 354 to the last dot. */
  readonly messageTimeoutMs: number;
  /** For all commands of a session; a message in hand is finished first. */
  readonly sessionTimeoutMs: number;
  /** Refused commands in one session before it is ended. */
  readonly faults: number;
  /** Commands between two messages that bring no mail nearer (NOOP, RSET, VRFY and greetings). */
  readonly idleCommands: number;
};

export const defaultLimits: SessionLimits = {
  messageSize: 100 * 1024 * 1024,
  recipients: 1000,
  commandTimeoutMs: 5 * 60_000,
  blockTimeoutMs: 3 * 60_000,
  messageTimeoutMs: 60 * 60_000,
  sessionTimeoutMs: 2 * 60 * 60_000,
  faults: 20,
  idleCommands: 100,
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
  readonly judgeRecipient?: (forwardPath: ForwardPath, envelope: Envelope) => Reply | undefined;
  /**
   * What a CR or LF that stands alone in a message is: a reason for 554, as strangers use it to make one message two,
   * or (from our own hub, by LMTP) an octet like any other. Nowhere does it end a message.
   */
  readonly strayLineEnds?: "refuse" | "data";
  /** Told of everything that went wrong in a handler; the peer only hears 451. */
  readonly onFault: (thrown: unknown) => void;
};

/** What the listener knows of one connection. */
export type SessionPeer = {
  /** IP address, or "" on a Unix socket. */
  readonly address: string;
  /** Its XFORWARD counts. */
  readonly trusted: boolean;
  /** No mail before STARTTLS, with these keys and from these clients. */
  readonly tls?: { readonly context: SecureContext; readonly pins?: readonly string[] };
};
