// SMTP and LMTP: how mail comes in and goes on. Floor 3.
//
// Our own strict sessions for both roles, because the message's way is the core of the house. What they hold to:
//
// - Only CRLF.CRLF ends a message. A bare CR or LF in a command ends the conversation, in a message it is refused with
//   554 when it comes and thrown (`SMTP_BARE_LINE_END`) when it should go: what two programs read differently is how
//   one message becomes two.
// - Addresses and parameters are parsed into values and built anew from them; nothing of a command is ever copied.
// - A message is a stream with back-pressure from the next hop to the sender's socket. Nothing here holds one whole.
// - Every wait has a deadline. A refusal, an exception, a lost connection: each recipient gets its reply, and the
//   reply for a doubt is 451. No exception leads to 250.
// - What one hop says of another is asked for by name: XFORWARD counts from `trusted` peers only, TLS is between two who
//   pinned each other's certificate, and whatever was said before its handshake is forgotten.
// - Nobody is waited for without end, and nobody takes more connections than his share (`connections`, `perPeer`).
//
// One message in:   listen(address, { dialect, handle, ... })  ->  handle({ envelope, peer, message }): Reply per recipient
// One message out:  new RelayPool(hostname).relay(hop, envelope, message): Reply per recipient
//
// Spoken in both roles: PIPELINING, 8BITMIME, SMTPUTF8, SIZE, DSN, ENHANCEDSTATUSCODES, STARTTLS; as a server CHUNKING and
// XFORWARD too. A message in chunks is held to what DATA would have let through.

export { askHop } from "./smtp/ask-hop.ts";
export { type ForwardPath, type NotifyWhen, type RecipientDsn, wantsFailure } from "./smtp/dsn.ts";
export { type Dialect, lmtp, smtp } from "./smtp/lmtp.ts";
export { formatMailbox, type Mailbox, needsUtf8, parseMailbox, sameMailbox } from "./smtp/mailbox.ts";
export type { MailParameters } from "./smtp/parameters.ts";
export { RelayPool } from "./smtp/relay-pool.ts";
export type { Hop, RelayTimeouts } from "./smtp/relay-session.ts";
export { describeInDetail, describeReply, isPermanent, isPositive, type Reply, reply } from "./smtp/reply.ts";
export { type ListenOptions, listen, type MailServer, type SocketAddress } from "./smtp/server.ts";
export { defaultLimits, type SessionLimits, type SessionOptions } from "./smtp/session-options.ts";
export type { SmtpErrorCode } from "./smtp/smtp-error.ts";
export type { HopTls, ListenTls, TlsIdentity } from "./smtp/tls.ts";
export type { Envelope, HandleTransaction, Origin, Peer, Transaction } from "./smtp/transaction.ts";
