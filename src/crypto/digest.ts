// Message digests: one row each, by the name that options and reports use.
import { createHash, hash as nodeHash } from "node:crypto";
import { der } from "../asn1.ts";
import { type AlgorithmIdentifier, formatAlgorithmIdentifier, parametersAbsentOrNull } from "./identifier.ts";

export type DigestName = "sha1" | "sha224" | "sha256" | "sha384" | "sha512" | "sha3-256" | "sha3-384" | "sha3-512";

export type Digest = {
  readonly name: DigestName;
  readonly oid: string;
  readonly octets: number;
  /** RFC 8551 2.1: below this nothing counts unless legacy is asked for. */
  readonly weak: boolean;
  /** Value of `micalg` (RFC 8551, 3.5.3.2). */
  readonly micalg: string;
  /** The identifier as we write it: parameters absent (RFC 5754, 2). */
  readonly identifier: Uint8Array;
};

const nist = "2.16.840.1.101.3.4.2";

function row(name: DigestName, oid: string, octets: number, micalg: string, weak: boolean = false): Digest {
  return { name, oid, octets, weak, micalg, identifier: der.sequence(der.oid(oid)) };
}

export const digests: ReadonlyMap<DigestName, Digest> = new Map(
  [
    row("sha1", "1.3.14.3.2.26", 20, "sha-1", true),
    row("sha224", `${nist}.4`, 28, "sha-224"),
    row("sha256", `${nist}.1`, 32, "sha-256"),
    row("sha384", `${nist}.2`, 48, "sha-384"),
    row("sha512", `${nist}.3`, 64, "sha-512"),
    row("sha3-256", `${nist}.8`, 32, "sha3-256"),
    row("sha3-384", `${nist}.9`, 48, "sha3-384"),
    row("sha3-512", `${nist}.10`, 64, "sha3-512"),
  ].map((digest) => [digest.name, digest]),
);

const byOid: ReadonlyMap<string, Digest> = new Map([...digests.values()].map((digest) => [digest.oid, digest]));

export function digestNamed(name: DigestName): Digest {
  return digests.get(name) as Digest;
}

export function digestByOid(oid: string): Digest | undefined {
  return byOid.get(oid);
}

/** The digest an identifier names, undefined where it is none that we know or carries parameters it must not have. */
export function digestOf(identifier: AlgorithmIdentifier): Digest | undefined {
  return parametersAbsentOrNull(identifier) ? byOid.get(identifier.oid) : undefined;
}

/** NULL-parameter form, as hash identifiers inside RSA parameters are written (RFC 4055, 2.1). */
export function digestIdentifierWithNull(digest: Digest): Uint8Array {
  return formatAlgorithmIdentifier({ oid: digest.oid, parameters: der.nullElement() });
}

const oldMicalgs: ReadonlyMap<string, DigestName> = new Map([
  ["sha1", "sha1"],
  ["rsa-sha1", "sha1"],
  ["sha256", "sha256"],
  ["sha384", "sha384"],
  ["sha512", "sha512"],
]);

/** Digests that a `micalg` parameter announces; what it does not know is left out, the CMS object decides. */
export function digestsOfMicalg(micalg: string): Digest[] {
  const names = micalg.split(",").map((name) => name.trim().toLowerCase());
  return [...digests.values()].filter((d) =>
    names.some((name) => name === d.micalg || oldMicalgs.get(name) === d.name),
  );
}

export function digestOctets(digest: Digest, octets: Uint8Array): Uint8Array {
  return nodeHash(digest.name, octets, "buffer");
}

/** A digest over octets that stream by. */
export type RunningDigest = { readonly digest: Digest; update(chunk: Uint8Array): void; final(): Uint8Array };

export function runningDigest(digest: Digest): RunningDigest {
  const hash = createHash(digest.name);
  return {
    digest,
    update: (chunk) => {
      hash.update(chunk);
    },
    final: () => hash.digest(),
  };
}
