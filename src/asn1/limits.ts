// Limits of every ASN.1 reader here (house rule: each a named constant with its source).

// LIMIT: the deepest honest message seen in interoperability tests has 9 levels; security A65.
export const maxDepth = 64;

/** Elements in one object. Segments of a streamed string do not count: a sender may cut as finely as it likes. */
export const maxNodes = 200_000;

/** Octets of one element that has to be held whole: a set of certificates, of signers, of recipients. */
export const maxElementOctets: number = 2 * 1024 * 1024;

/** Octets of one object identifier's contents. */
export const maxOidOctets = 128;
