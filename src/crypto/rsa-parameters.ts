// Parameters of RSASSA-PSS and RSAES-OAEP (RFC 4055). Defaults are SHA-1; writers leave defaults out.
import { context, DerReader, der } from "../asn1.ts";
import { type Digest, digestIdentifierWithNull, digestNamed, digestOf } from "./digest.ts";
import { CryptoError } from "./errors.ts";
import { type AlgorithmIdentifier, parseAlgorithmIdentifier } from "./identifier.ts";
import { algorithmName } from "./names.ts";

const mgf1 = "1.2.840.113549.1.1.8";
const pSpecified = "1.2.840.113549.1.1.9";

export type PssParameters = { readonly hash: Digest; readonly mgfHash: Digest; readonly saltLength: number };

export function parsePssParameters({ parameters }: AlgorithmIdentifier): PssParameters {
  if (parameters === undefined) throw new CryptoError("CRYPTO_PARAMETERS", "RSASSA-PSS without parameters");
  const fields = new DerReader(parameters).sequence();
  const hash = readHash(fields, 0);
  const mgfHash = readMgf(fields, 1);
  const saltLength = fields.optional(context(2))?.integer() ?? 20;
  const trailer = fields.optional(context(3))?.integer() ?? 1;
  fields.end("RSASSA-PSS-params");
  if (trailer !== 1) throw new CryptoError("CRYPTO_PARAMETERS", `RSASSA-PSS trailer field ${trailer}`);
  return { hash, mgfHash, saltLength };
}

/** Hash and MGF1 hash alike, the salt as long as the hash (RFC 4055, 3.1). */
export function formatPssParameters(hash: Digest): Uint8Array {
  return der.sequence(...hashFields(hash), der.explicit(2, der.integer(hash.octets)));
}

export type OaepParameters = { readonly hash: Digest; readonly mgfHash: Digest; readonly label: Uint8Array };

export function parseOaepParameters({ parameters }: AlgorithmIdentifier): OaepParameters {
  if (parameters === undefined) throw new CryptoError("CRYPTO_PARAMETERS", "RSAES-OAEP without parameters");
  const fields = new DerReader(parameters).sequence();
  const hash = readHash(fields, 0);
  const mgfHash = readMgf(fields, 1);
  const source = fields.optional(context(2));
  fields.end("RSAES-OAEP-params");
  if (source === undefined) return { hash, mgfHash, label: new Uint8Array(0) };
  const identifier = parseAlgorithmIdentifier(source.element());
  if (identifier.oid !== pSpecified || identifier.parameters === undefined) {
    throw new CryptoError("CRYPTO_UNSUPPORTED", `OAEP label source ${identifier.oid}`);
  }
  return { hash, mgfHash, label: new DerReader(identifier.parameters).octetString() };
}

export function formatOaepParameters(hash: Digest, mgfHash: Digest): Uint8Array {
  return der.sequence(...hashFields(hash, mgfHash));
}

function hashFields(hash: Digest, mgfHash: Digest = hash): Uint8Array[] {
  const fields: Uint8Array[] = [];
  if (hash.name !== "sha1") fields.push(der.explicit(0, digestIdentifierWithNull(hash)));
  if (mgfHash.name !== "sha1")
    fields.push(der.explicit(1, der.sequence(der.oid(mgf1), digestIdentifierWithNull(mgfHash))));
  return fields;
}

function readHash(fields: DerReader, number: number): Digest {
  const field = fields.optional(context(number));
  return field === undefined ? digestNamed("sha1") : requireDigest(parseAlgorithmIdentifier(field.element()));
}

function readMgf(fields: DerReader, number: number): Digest {
  const field = fields.optional(context(number));
  if (field === undefined) return digestNamed("sha1");
  const { oid, parameters } = parseAlgorithmIdentifier(field.element());
  if (oid !== mgf1 || parameters === undefined) throw new CryptoError("CRYPTO_UNSUPPORTED", `mask generation ${oid}`);
  return requireDigest(parseAlgorithmIdentifier(parameters));
}

function requireDigest(identifier: AlgorithmIdentifier): Digest {
  const digest = digestOf(identifier);
  if (digest === undefined) throw new CryptoError("CRYPTO_UNSUPPORTED", `hash ${algorithmName(identifier.oid)}`);
  return digest;
}
