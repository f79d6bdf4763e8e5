// Chains that must not be believed (security A04, A14, A67), each wrong in one thing.

import { der, encodeOid } from "../../src/asn1.ts";
import { type PathCode, type PathOptions, type PathVerdict, type ReasonCode, verifyPath } from "../../src/trust.ts";
import type { Certificate } from "../../src/x509.ts";
import { authority, certify, ecPair, now, type Party, replaced, revoke, rsaPair, tampered } from "../mint.ts";

const emailProtection = "1.3.6.1.5.5.7.3.4";
const serverAuth = "1.3.6.1.5.5.7.3.1";
export const day = (date: string): Date => new Date(`${date}T00:00:00Z`);
const unknownCritical = { oid: "1.3.6.1.4.1.1466.1", critical: true, value: der.nullElement() };

export const root: Party = await authority("Root");
export const issuing: Party = await authority("Issuing", { issuer: root });
const signing = { keyUsage: ["digitalSignature"], extendedKeyUsage: [emailProtection] } as const;
export const leafOf = (issuer: Party, order: object = {}): Promise<Party> =>
  certify("Leaf", { ...signing, issuer, ...order });

export type Chain = {
  readonly what: string;
  readonly code: PathCode;
  readonly reason: ReasonCode;
  /** Whose fault it is; the leaf's where not said. */
  readonly at?: string;
  readonly build: () => Promise<{
    leaf: Party;
    under?: readonly Party[];
    anchors?: readonly Party[];
    options?: Partial<PathOptions>;
  }>;
};

/** root, an intermediate made to order, and a leaf. */
async function withIntermediate(order: object, leafOrder: object = {}): ReturnType<Chain["build"]> {
  const intermediate = await authority("Middle", { issuer: root, ...order });
  return { leaf: await leafOf(intermediate, leafOrder), under: [intermediate] };
}

async function withRoot(order: object): ReturnType<Chain["build"]> {
  const own = await authority("Own root", order);
  return { leaf: await leafOf(own), under: [], anchors: [own] };
}

const withLeaf = async (order: object): ReturnType<Chain["build"]> => ({ leaf: await leafOf(issuing, order) });

/** Judged as the trust anchor `root` and the intermediate `issuing` would, unless the chain brings others. */
export async function judge({ build }: Pick<Chain, "build">, changes: Partial<PathOptions> = {}): Promise<PathVerdict> {
  const { leaf, under = [issuing], anchors = [root], options = {} } = await build();
  const certificates = (parties: readonly Party[]): readonly Certificate[] =>
    parties.map(({ certificate }) => certificate);
  const [trusted, intermediates] = [certificates(anchors), certificates(under)];
  return verifyPath(leaf.certificate, {
    anchors: trusted,
    intermediates,
    at: now,
    purpose: "signing",
    ...options,
    ...changes,
  });
}

export const untrusted: readonly Omit<Chain, "code">[] = [
  { what: "a self-signed leaf", reason: "NOT_ANCHOR", build: async () => ({ leaf: await certify("Leaf", signing) }) },
  {
    what: "an unknown authority whose certificate came along",
    reason: "NOT_ANCHOR",
    at: "CN=Stranger",
    build: async () => {
      const stranger = await authority("Stranger");
      return { leaf: await leafOf(stranger), under: [stranger] };
    },
  },
  {
    what: "an unknown authority whose certificate is missing",
    reason: "NO_ISSUER",
    build: async () => ({ leaf: await leafOf(await authority("Stranger")), under: [] }),
  },
  {
    what: "a missing intermediate",
    reason: "NO_ISSUER",
    build: async () => ({ leaf: await leafOf(issuing), under: [] }),
  },
  {
    what: "a stranger under the root's name",
    reason: "SIGNATURE",
    build: async () => ({ leaf: await leafOf(await authority("Root")), under: [] }),
  },
  {
    what: "a stranger under the root's name who sends his certificate along",
    reason: "NOT_ANCHOR",
    at: "CN=Root",
    build: async () => {
      const stranger = await authority("Root");
      return { leaf: await leafOf(stranger), under: [stranger] };
    },
  },
  {
    what: "a changed signature of the leaf",
    reason: "SIGNATURE",
    build: async () => ({ leaf: tampered(await leafOf(issuing)) }),
  },
  {
    what: "a changed signature of the intermediate",
    reason: "SIGNATURE",
    at: "CN=Middle",
    build: async () => {
      const intermediate = tampered(await authority("Middle", { issuer: root }));
      return { leaf: await leafOf(intermediate), under: [intermediate] };
    },
  },
  {
    what: "an address changed after signing",
    reason: "SIGNATURE",
    build: async () => {
      const leaf = await leafOf(issuing, { emails: ["domain-signing-authority@a.example"] });
      return { leaf: replaced(leaf, Buffer.from("@a.example"), Buffer.from("@b.example")) };
    },
  },
  {
    what: "the signature of an RSA key where the issuer has an EC key",
    reason: "SIGNATURE",
    build: async () => {
      const impostor = await authority("Impostor", { pair: rsaPair(2048) });
      return {
        leaf: await leafOf({ ...impostor, certificate: issuing.certificate }, { scheme: "rsa-v15-sha256" }),
      };
    },
  },
  {
    what: "a signature algorithm that nobody knows",
    reason: "ALGORITHM",
    build: async () => {
      const [from, to] = ["1.2.840.10045.4.3.2", "1.2.840.10045.4.3.99"].map(encodeOid) as [Uint8Array, Uint8Array];
      return { leaf: replaced(await leafOf(issuing), from, to) };
    },
  },
  {
    what: "an end entity as issuer",
    reason: "NOT_CA",
    at: "CN=Bob",
    build: async () => {
      const bob = await certify("Bob", { ...signing, issuer: issuing });
      return { leaf: await leafOf(bob), under: [bob, issuing] };
    },
  },
  {
    what: "an intermediate that says it is no authority",
    reason: "NOT_CA",
    at: "CN=Middle",
    build: async () => {
      const value = der.sequence(der.boolean(false));
      const middle = await certify("Middle", {
        issuer: root,
        keyUsage: ["keyCertSign"],
        extensions: [{ oid: "2.5.29.19", critical: true, value }],
      });
      return { leaf: await leafOf(middle), under: [middle] };
    },
  },
  {
    what: "an intermediate without basicConstraints",
    reason: "NOT_CA",
    at: "CN=Middle",
    build: async () => {
      const middle = await certify("Middle", { issuer: root, keyUsage: ["keyCertSign"] });
      return { leaf: await leafOf(middle), under: [middle] };
    },
  },
  {
    what: "a root without basicConstraints",
    reason: "NOT_CA",
    at: "CN=Own root",
    build: async () => {
      const own = await certify("Own root", { keyUsage: ["keyCertSign"] });
      return { leaf: await leafOf(own), under: [], anchors: [own] };
    },
  },
  {
    what: "an intermediate that may not sign certificates",
    reason: "KEY_USAGE",
    at: "CN=Middle",
    build: () => withIntermediate({ keyUsage: ["cRLSign"] }),
  },
  {
    what: "a root that may not sign certificates",
    reason: "KEY_USAGE",
    at: "CN=Own root",
    build: () => withRoot({ keyUsage: ["digitalSignature"] }),
  },
  {
    what: "an authority below one that allows none",
    reason: "PATH_LENGTH",
    at: "CN=Middle",
    build: async () => {
      const middle = await authority("Middle", { issuer: root, ca: { pathLen: 0 } });
      const lower = await authority("Lower", { issuer: middle });
      return { leaf: await leafOf(lower), under: [middle, lower] };
    },
  },
  {
    what: "two authorities below one that allows one",
    reason: "PATH_LENGTH",
    at: "CN=Middle",
    build: async () => {
      const middle = await authority("Middle", { issuer: root, ca: { pathLen: 1 } });
      const lower = await authority("Lower", { issuer: middle });
      const lowest = await authority("Lowest", { issuer: lower });
      return { leaf: await leafOf(lowest), under: [lowest, lower, middle] };
    },
  },
  {
    what: "an authority below a root that allows none",
    reason: "PATH_LENGTH",
    at: "CN=Own root",
    build: async () => {
      const own = await authority("Own root", { ca: { pathLen: 0 } });
      const middle = await authority("Middle", { issuer: own });
      return { leaf: await leafOf(middle), under: [middle], anchors: [own] };
    },
  },
  {
    what: "a leaf for encryption that signs",
    reason: "KEY_USAGE",
    build: () => withLeaf({ keyUsage: ["keyEncipherment"] }),
  },
  {
    what: "a leaf for signing certificates that signs mail",
    reason: "KEY_USAGE",
    build: () => withLeaf({ keyUsage: ["keyCertSign"] }),
  },
  {
    what: "a leaf for signing that is to encrypt",
    reason: "KEY_USAGE",
    build: async () => ({ leaf: await leafOf(issuing), options: { purpose: "encryption" } }),
  },
  {
    what: "a leaf for TLS servers",
    reason: "EXTENDED_KEY_USAGE",
    build: () => withLeaf({ extendedKeyUsage: [serverAuth] }),
  },
  {
    what: "a leaf for two other purposes",
    reason: "EXTENDED_KEY_USAGE",
    build: () => withLeaf({ extendedKeyUsage: [serverAuth, "1.3.6.1.5.5.7.3.3"] }),
  },
  {
    what: "an authority for TLS",
    reason: "EXTENDED_KEY_USAGE",
    at: "CN=Middle",
    build: () => withIntermediate({ extendedKeyUsage: [serverAuth] }),
  },
  {
    what: "a leaf for TLS that is itself an anchor",
    reason: "EXTENDED_KEY_USAGE",
    build: async () => {
      const leaf = await certify("Leaf", { extendedKeyUsage: [serverAuth] });
      return { leaf, anchors: [leaf] };
    },
  },
  {
    what: "an unknown critical extension in the leaf",
    reason: "CONSTRAINT",
    build: () => withLeaf({ extensions: [unknownCritical] }),
  },
  {
    what: "an unknown critical extension in the intermediate",
    reason: "CONSTRAINT",
    at: "CN=Middle",
    build: () => withIntermediate({ extensions: [unknownCritical] }),
  },
  {
    what: "an unknown critical extension in the root",
    reason: "CONSTRAINT",
    at: "CN=Own root",
    build: () => withRoot({ extensions: [unknownCritical] }),
  },
  {
    what: "name constraints",
    reason: "CONSTRAINT",
    at: "CN=Middle",
    build: () => withIntermediate({ extensions: [{ oid: "2.5.29.30", critical: true, value: der.sequence() }] }),
  },
  {
    what: "name constraints that somebody forgot to mark critical",
    reason: "CONSTRAINT",
    at: "CN=Middle",
    build: () => withIntermediate({ extensions: [{ oid: "2.5.29.30", critical: false, value: der.sequence() }] }),
  },
  {
    what: "policy constraints",
    reason: "CONSTRAINT",
    at: "CN=Middle",
    build: () => withIntermediate({ extensions: [{ oid: "2.5.29.36", critical: false, value: der.sequence() }] }),
  },
  {
    what: "an authority's key with exponent 1",
    reason: "KEY",
    build: () => withIntermediate({ spki: rsaSpki(2048, 1) }, { scheme: "ecdsa-sha256" }),
  },
  {
    what: "an authority's key of 16,384 bits",
    reason: "KEY",
    build: () => withIntermediate({ spki: rsaSpki(16384, 65537) }),
  },
  { what: "a leaf's key of 16,384 bits", reason: "KEY", build: () => withLeaf({ spki: rsaSpki(16384, 65537) }) },
];

export const otherwise: readonly Chain[] = [
  {
    what: "an expired leaf",
    code: "EXPIRED",
    reason: "EXPIRED",
    build: () => withLeaf({ notAfter: day("2026-05-01") }),
  },
  {
    what: "a leaf that expired a second ago",
    code: "EXPIRED",
    reason: "EXPIRED",
    build: () => withLeaf({ notAfter: new Date(now.getTime() - 1000) }),
  },
  {
    what: "an expired intermediate",
    code: "EXPIRED",
    reason: "EXPIRED",
    at: "CN=Middle",
    build: () => withIntermediate({ notAfter: day("2026-05-01") }),
  },
  {
    what: "an expired root",
    code: "EXPIRED",
    reason: "EXPIRED",
    at: "CN=Own root",
    build: () => withRoot({ notAfter: day("2026-05-01") }),
  },
  {
    what: "a leaf of tomorrow",
    code: "NOT_YET_VALID",
    reason: "NOT_YET_VALID",
    build: () => withLeaf({ notBefore: day("2026-06-02") }),
  },
  {
    what: "an intermediate of tomorrow",
    code: "NOT_YET_VALID",
    reason: "NOT_YET_VALID",
    at: "CN=Middle",
    build: () => withIntermediate({ notBefore: day("2026-06-02") }),
  },
  {
    what: "a root of tomorrow",
    code: "NOT_YET_VALID",
    reason: "NOT_YET_VALID",
    at: "CN=Own root",
    build: () => withRoot({ notBefore: day("2026-06-02") }),
  },
  { what: "an RSA-1024 leaf", code: "WEAK", reason: "WEAK", build: () => withLeaf({ pair: rsaPair(1024) }) },
  {
    what: "an RSA-1024 authority",
    code: "WEAK",
    reason: "WEAK",
    at: "CN=Middle",
    build: () => withIntermediate({ pair: rsaPair(1024) }),
  },
  {
    what: "an RSA-1024 root",
    code: "WEAK",
    reason: "WEAK",
    at: "CN=Own root",
    build: () => withRoot({ pair: rsaPair(1024) }),
  },
  {
    what: "a leaf on a curve of 192 bits",
    code: "WEAK",
    reason: "WEAK",
    build: () => withLeaf({ pair: ecPair("prime192v1") }),
  },
  { what: "a leaf signed with SHA-1", code: "WEAK", reason: "WEAK", build: () => withLeaf({ scheme: "ecdsa-sha1" }) },
  {
    what: "an authority signed with SHA-1",
    code: "WEAK",
    reason: "WEAK",
    at: "CN=Middle",
    build: () => withIntermediate({ scheme: "ecdsa-sha1" }),
  },
  {
    what: "a revoked leaf",
    code: "REVOKED",
    reason: "REVOKED",
    build: async () => {
      const leaf = await leafOf(issuing);
      return { leaf, options: { crls: [await revoke(issuing, { revoked: [leaf.certificate] })] } };
    },
  },
  {
    what: "a revoked intermediate",
    code: "REVOKED",
    reason: "REVOKED",
    at: "CN=Middle",
    build: async () => {
      const middle = await authority("Middle", { issuer: root });
      const crls = [await revoke(middle), await revoke(root, { revoked: [middle.certificate] })];
      return { leaf: await leafOf(middle), under: [middle], options: { crls } };
    },
  },
  {
    what: "a leaf revoked in a list that is out of date",
    code: "REVOKED",
    reason: "REVOKED",
    build: async () => {
      const leaf = await leafOf(issuing);
      const crl = await revoke(issuing, {
        revoked: [leaf.certificate],
        nextUpdate: day("2026-05-30"),
        thisUpdate: day("2026-05-20"),
      });
      return { leaf, options: { crls: [crl] } };
    },
  },
];

function rsaSpki(bits: number, exponent: number): Uint8Array {
  const exponentOctets = Buffer.from(exponent.toString(16).padStart(6, "0"), "hex");
  const key = der.sequence(der.unsignedInteger(Buffer.alloc(bits / 8, 0xff)), der.unsignedInteger(exponentOctets));
  return der.sequence(der.sequence(der.oid("1.2.840.113549.1.1.1"), der.nullElement()), der.bitString(key));
}
