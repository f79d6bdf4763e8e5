// Mail as it stands on the wire. Floor 1: pure, knows errors and bytes only.
//
// A letter passes this house unopened wherever that is possible. Header fields are kept octet for octet; parts of a
// multipart are spans of the octets that came; a transfer encoding is taken off only where somebody looks inside.
// Whatever two honest readers could read in two ways is named (`ambiguities`) and not guessed at.
//
//   header           fields verbatim; splitting a block, finding fields, their text
//   field-writer     the one place where new fields are made
//   entity           a header and the body that streams on behind it
//   media-type       Content-Type, parameters (RFC 2231 in parameters), Content-Transfer-Encoding
//   transfer-encoding  base64 (base64-decoder, base64-writer), quoted-printable, the identities
export { base64Length, base64Writer, encodeBase64 } from "./mime/base64-writer.ts";
export type { Entity } from "./mime/entity.ts";
export { formatEntity, readEntity } from "./mime/entity.ts";
export { encodeWords, formatField } from "./mime/field-writer.ts";
export type { HeaderBlock, HeaderField } from "./mime/header.ts";
export { fieldNamed, fieldsNamed, fieldText, formatHeader, isContentField, maxHeaderSize } from "./mime/header.ts";
export type { MediaType } from "./mime/media-type.ts";
export { mediaTypeOf, parseMediaType, transferEncodingOf } from "./mime/media-type.ts";
export type { MimeErrorCode } from "./mime/mime-error.ts";
export { quotedPrintableWriter } from "./mime/quoted-printable.ts";
export type { TransferDecoder } from "./mime/transfer-encoding.ts";
export { decodeTransfer, transferDecoder } from "./mime/transfer-encoding.ts";
