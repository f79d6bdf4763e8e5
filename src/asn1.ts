// ASN.1: the octets under certificates and CMS. Floor 1, no I/O, no clock.
//
// Three tools, and every structure in the house is made of them:
//   BerInput   reads a message as it streams in, BER or DER, cut anywhere; large strings pass through, small
//              elements are handed out whole
//   DerReader  reads such a small element strictly; `toDer` first turns a BER one into DER
//   the writer functions (sequence, oid, octetString ...) give DER elements
export { BerInput, type Encoding, type Steps } from "./asn1/ber-input.ts";
export { type BitString, DerReader } from "./asn1/der-reader.ts";
export * as der from "./asn1/der-writer.ts";
export { type Asn1ErrorCode, asn1ErrorCodes } from "./asn1/errors.ts";
export { maxDepth, maxElementOctets, maxNodes } from "./asn1/limits.ts";
export { encodeOid } from "./asn1/oid.ts";
export { constructedBit, context, tag } from "./asn1/tag.ts";
export { formatInstant } from "./asn1/time.ts";
export { berElements, toDer } from "./asn1/to-der.ts";
