// What can go wrong on a mail connection.

import { type Fault, SecureMailError } from "../errors.ts";

export type SmtpErrorCode =
  | "SMTP_TIMEOUT" // the other side did not answer, or did not finish, in its time
  | "SMTP_CONNECTION_LOST" // it went away before it was done
  | "SMTP_LINE_TOO_LONG" // a command or reply line that does not end
  | "SMTP_BARE_LINE_END" // CR without LF, or LF without CR: what one hop reads as data is a command to another
  | "SMTP_GIVEN_UP" // the sender began a message in chunks and thought better of it
  | "SMTP_TLS" // no handshake, or not with the certificate that is pinned
  | "SMTP_TOO_LARGE" // more octets than the limit for one message
  | "SMTP_REPLY_MALFORMED" // what the next hop answered is not a reply
  | "SMTP_HOP_UNUSABLE"; // the next hop refused the session, or lacks an extension that this mail needs

export function smtpError(code: SmtpErrorCode, fault: Fault, message: string, cause?: unknown): SecureMailError {
  return new SecureMailError<SmtpErrorCode>(code, fault, message, cause === undefined ? {} : { cause });
}
