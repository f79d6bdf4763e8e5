// Limits of the CMS readers (house rule: each a named constant with its source).

// LIMIT: security A29; one object per destination domain needs one entry for each of its live certificates.
export const maxRecipients = 200;

// LIMIT: security A02.
export const maxSigners = 8;

// LIMIT: node:crypto's HKDF takes 1024 octets of info, where the ukm stands among others; RFC 2631 uses 64.
export const maxUkmOctets = 512;

/** Certificates carried along; a signer brings its chain, seldom more than four. */
export const maxCertificates = 100;
