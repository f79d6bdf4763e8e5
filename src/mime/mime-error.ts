// The failures of the MIME rooms. Floor 1, see ../mime.ts.
import { type Place, SecureMailError } from "../errors.ts";

export type MimeErrorCode =
  | "MIME_MALFORMED" // the octets are not the structure they claim to be
  | "MIME_LIMIT" // well formed perhaps, but more than one message may have
  | "MIME_AMBIGUOUS" // a header or structure that two readers may understand differently
  | "MIME_UNSUPPORTED" // a transfer encoding that nobody here can read
  | "MIME_FIELD"; // a name or value that no header field of ours may carry

export function malformed(what: string, place: Place): SecureMailError<MimeErrorCode> {
  return new SecureMailError("MIME_MALFORMED", "permanent", what, place);
}

export function overLimit(what: string, place: Place = {}): SecureMailError<MimeErrorCode> {
  return new SecureMailError("MIME_LIMIT", "permanent", what, place);
}

export function ambiguous(what: string): SecureMailError<MimeErrorCode> {
  return new SecureMailError("MIME_AMBIGUOUS", "permanent", what);
}
