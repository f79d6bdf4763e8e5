// What a session hands on: the envelope, checked, and the message as a stream of octets.

import type { ByteSource } from "../bytes.ts";
import type { ForwardPath } from "./dsn.ts";
import type { Mailbox } from "./mailbox.ts";
import type { MailParameters } from "./parameters.ts";
import type { Reply } from "./reply.ts";

export type Envelope = {
  /** undefined: the null reverse path `<>` of bounces and reports. */
  readonly reversePath: Mailbox | undefined;
  readonly forwardPaths: readonly ForwardPath[];
  readonly parameters: MailParameters;
};

/** Who gave us the mail, for trace fields and logs. */
export type Peer = {
  /** IP address, or "" on a Unix socket. */
  readonly address: string;
  readonly helo: string;
  /** The word for the Received field (RFC 3848, RFC 6531). */
  readonly protocol: "SMTP" | `${"E" | "UTF8"}SMTP${"" | "S"}` | `${"" | "UTF8"}LMTP${"" | "S"}`;
  /** What the peer calls this message in its own queue (XFORWARD IDENT, from trusted peers only). */
  readonly queueId?: string;
  /** Whom the peer had it from (the rest of XFORWARD, from trusted peers only). */
  readonly origin?: Origin;
};

/** What a trusted peer knows of its own client; what it does not know is left out. */
export type Origin = {
  readonly name?: string;
  readonly address?: string;
  readonly port?: number;
  readonly helo?: string;
  readonly protocol?: string;
  readonly source?: "LOCAL" | "REMOTE";
};

export type Transaction = {
  readonly envelope: Envelope;
  readonly peer: Peer;
  /**
   * The message, dots taken off. Throws a SecureMailError when the message turns out to be unacceptable or does not
   * arrive whole; whoever passes octets on must not finish them then.
   */
  readonly message: ByteSource;
};

/** Answers for each recipient, in the order of `envelope.forwardPaths`. */
export type HandleTransaction = (transaction: Transaction) => Promise<readonly Reply[]>;
