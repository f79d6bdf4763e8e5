// Key wrap: AES (RFC 3394) and, to read what is old, Triple-DES (RFC 3217).
import { createCipheriv, createDecipheriv } from "node:crypto";
import { der } from "../asn1.ts";
import { type AlgorithmIdentifier, parametersAbsentOrNull } from "./identifier.ts";

export type KeyWrap = {
  readonly name: string;
  readonly oid: string;
  readonly nodeName: string;
  readonly keyOctets: number;
  readonly weak: boolean;
  /** The identifier as written and as it stands in ECC-CMS-SharedInfo. */
  readonly identifier: Uint8Array;
};

const aes = "2.16.840.1.101.3.4.1";

function row(
  name: string,
  oid: string,
  nodeName: string,
  keyOctets: number,
  parameters: readonly Uint8Array[] = [],
): KeyWrap {
  return {
    name,
    oid,
    nodeName,
    keyOctets,
    weak: parameters.length > 0,
    identifier: der.sequence(der.oid(oid), ...parameters),
  };
}

const wraps: readonly KeyWrap[] = [
  row("aes128-wrap", `${aes}.5`, "id-aes128-wrap", 16),
  row("aes192-wrap", `${aes}.25`, "id-aes192-wrap", 24),
  row("aes256-wrap", `${aes}.45`, "id-aes256-wrap", 32),
  row("3des-wrap", "1.2.840.113549.1.9.16.3.6", "id-smime-alg-CMS3DESwrap", 24, [der.nullElement()]),
];

const byOid: ReadonlyMap<string, KeyWrap> = new Map(wraps.map((wrap) => [wrap.oid, wrap]));

/** undefined where it is none that we know, or carries parameters that key wraps do not have (RFC 3565, RFC 3370). */
export function keyWrapOf(identifier: AlgorithmIdentifier): KeyWrap | undefined {
  return parametersAbsentOrNull(identifier) ? byOid.get(identifier.oid) : undefined;
}

/** RFC 8551 2.3: the wrap's key must be as long as the content key. */
export function aesWrapFor(keyOctets: number): KeyWrap {
  return wraps.find((wrap) => wrap.keyOctets === keyOctets && !wrap.weak) ?? (wraps[2] as KeyWrap);
}

// The integrity check value of RFC 3394, 2.2.3.1.
const aesIv: Uint8Array = Buffer.alloc(8, 0xa6);

export function wrapKey(wrap: KeyWrap, kek: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv(wrap.nodeName, kek, wrap.weak ? null : aesIv);
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

/** The key, or undefined where the wrapped form does not verify. */
export function unwrapKey(wrap: KeyWrap, kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  try {
    const cipher = createDecipheriv(wrap.nodeName, kek, wrap.weak ? null : aesIv);
    const key = Buffer.concat([cipher.update(wrapped), cipher.final()]);
    // node:crypto finds nothing wrong with nothing.
    return key.length === 0 ? undefined : key;
  } catch {
    return undefined;
  }
}
