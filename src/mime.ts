// Mail as it stands on the wire. Floor 1: pure, knows errors, bytes and domain names only.
//
// A letter passes this house unopened wherever that is possible. Header fields are kept octet for octet; parts of a
// multipart are spans of the octets that came; a transfer encoding is taken off only where somebody looks inside.
// Whatever two honest readers could read in two ways is named (`ambiguities`) and not guessed at.
//
//   header           fields verbatim; splitting a block, finding fields, their text
//   field-writer     the one place where new fields are made; encoded-word for text beyond ASCII
//   trace            Received and its like
//   address          the domain in From that no two readers can differ about; addresses of the envelope
//   entity           a header and the body that streams on behind it
//   media-type       Content-Type, parameters (RFC 2231 in parameters), Content-Transfer-Encoding
//   ambiguity        what makes the structure of an entity uncertain
//   transfer-encoding  base64 (base64-decoder, base64-writer), quoted-printable, the identities
//   multipart        parts as exact spans of the body
//   tree             the structure of a whole message; walk: all its entities in one pass
//   report           reports about delivery (report-writer writes them)
//   line-ends        files whose lines end in LF; mend-line-ends: stray CR and LF in what is handed on
export type { Address } from "./mime/address.ts";
export { fromDomain } from "./mime/address.ts";
export { ambiguities } from "./mime/ambiguity.ts";
export { base64Length, base64Writer } from "./mime/base64-writer.ts";
export type { Entity } from "./mime/entity.ts";
export { formatEntity, parseEntity, readEntity } from "./mime/entity.ts";
export { formatField } from "./mime/field-writer.ts";
export type { HeaderBlock, HeaderField } from "./mime/header.ts";
export { fieldNamed, fieldsNamed, fieldText, formatHeader, isContentField, maxHeaderSize } from "./mime/header.ts";
export { withCrlf } from "./mime/line-ends.ts";
export type { MediaType } from "./mime/media-type.ts";
export { mediaTypeOf, parseMediaType, transferEncodingOf } from "./mime/media-type.ts";
export { mendHeader, mendLineEnds } from "./mime/mend-line-ends.ts";
export type { MimeErrorCode } from "./mime/mime-error.ts";
export type { MultipartEvent } from "./mime/multipart.ts";
export { formatBoundary, formatDelimiters, scanMultipart } from "./mime/multipart.ts";
export type { DeliveryReport, ReportedRecipient, TypedAddress } from "./mime/report.ts";
export { readReport } from "./mime/report.ts";
export type { ReportToWrite } from "./mime/report-writer.ts";
export { formatReport } from "./mime/report-writer.ts";
export { formatReceived } from "./mime/trace.ts";
export type { TransferDecoder } from "./mime/transfer-encoding.ts";
export { decodeTransfer, transferDecoder } from "./mime/transfer-encoding.ts";
export type { MimeTree } from "./mime/tree.ts";
export { readTree } from "./mime/tree.ts";
export { decodedText } from "./mime/walk.ts";
