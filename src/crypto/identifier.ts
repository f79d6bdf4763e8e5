// AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY DEFINED BY algorithm OPTIONAL }
import { DerReader, der, tag } from "../asn1.ts";
import { equalOctets } from "../bytes.ts";

export type AlgorithmIdentifier = {
  readonly oid: string;
  /** The parameters element as encoded, where there is one. */
  readonly parameters?: Uint8Array;
};

/** Reads the next element of `reader`; `implicitTag` where the field is tagged IMPLICIT. */
export function readAlgorithmIdentifier(reader: DerReader, implicitTag: number = tag.sequence): AlgorithmIdentifier {
  const fields = reader.enter(implicitTag);
  const oid = fields.oid();
  const parameters = fields.atEnd ? undefined : fields.element();
  fields.end("AlgorithmIdentifier");
  return parameters === undefined ? { oid } : { oid, parameters };
}

export function parseAlgorithmIdentifier(octets: Uint8Array): AlgorithmIdentifier {
  return readAlgorithmIdentifier(new DerReader(octets));
}

export function formatAlgorithmIdentifier(identifier: AlgorithmIdentifier): Uint8Array {
  return identifier.parameters === undefined
    ? der.sequence(der.oid(identifier.oid))
    : der.sequence(der.oid(identifier.oid), identifier.parameters);
}

/** Where a standard says "absent or NULL" (RFC 5754, RFC 4055). */
export function parametersAbsentOrNull({ parameters }: AlgorithmIdentifier): boolean {
  return parameters === undefined || (parameters.length === 2 && parameters[0] === tag.null && parameters[1] === 0);
}

/** RFC 6211, 3: parameters that are absent and NULL ones compare equal. */
export function sameAlgorithm(one: AlgorithmIdentifier, other: AlgorithmIdentifier): boolean {
  if (one.oid !== other.oid) return false;
  if (parametersAbsentOrNull(one)) return parametersAbsentOrNull(other);
  return other.parameters !== undefined && equalOctets(one.parameters as Uint8Array, other.parameters);
}
