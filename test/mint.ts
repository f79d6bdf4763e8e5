// Certificates and CRLs for tests of paths, right and wrong ones, made by our own writer: it can make what openssl will not.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { der } from "../src/asn1.ts";
import { type PrivateKey, privateKeyOf, type SignatureScheme, signatureSchemes } from "../src/crypto.ts";
import {
  type Certificate,
  type CertificateTemplate,
  type Crl,
  encodeName,
  issueCertificate,
  parseCertificate,
  parseCrl,
} from "../src/x509.ts";

export const now: Date = new Date("2026-06-01T12:00:00Z");

export type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** A certificate and the key to issue others with. */
export type Party = { readonly certificate: Certificate; readonly key: PrivateKey; readonly pair: KeyPair };

export type Order = Partial<Omit<CertificateTemplate, "issuer">> & {
  readonly issuer?: Party;
  readonly scheme?: string;
  readonly pair?: KeyPair;
};
export function ecPair(namedCurve: string = "P-256"): KeyPair {
  return generateKeyPairSync("ec", { namedCurve });
}

export function rsaPair(modulusLength: number): KeyPair {
  return generateKeyPairSync("rsa", { modulusLength });
}

let serials = 0;

/** An end entity, unless `order` says otherwise; the subject is CN=`name`. */
export async function certify(name: string, order: Order = {}): Promise<Party> {
  const { issuer, scheme, pair = ecPair(), ...changes } = order;
  const key = privateKeyOf(pair.privateKey, pair.publicKey);
  const template: CertificateTemplate = {
    subject: encodeName(["CN", name]),
    spki: pair.publicKey.export({ format: "der", type: "spki" }),
    serial: Uint8Array.of(1, ++serials >> 8, serials & 0xff),
    notBefore: new Date("2026-01-01T00:00:00Z"),
    notAfter: new Date("2027-01-01T00:00:00Z"),
    ...(issuer === undefined ? {} : { issuer: issuer.certificate }),
    ...changes,
  };
  const octets = await issueCertificate(template, issuer?.key ?? key, schemeNamed(scheme));
  return { certificate: parseCertificate(octets), key, pair };
}

/** A certification authority. */
export function authority(name: string, order: Order = {}): Promise<Party> {
  return certify(name, { ca: {}, keyUsage: ["keyCertSign", "cRLSign"], ...order });
}

export type CrlOrder = {
  readonly revoked?: readonly Certificate[];
  readonly revocationDate?: Date;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  /** Of the list, as encoded. */
  readonly extensions?: readonly Uint8Array[];
  readonly key?: PrivateKey;
};

/** A full CRL of `issuer`, current at `now` and listing `revoked`. */
export async function revoke(issuer: Party, order: CrlOrder = {}): Promise<Crl> {
  const { revoked = [], revocationDate = new Date("2026-05-01T00:00:00Z"), key = issuer.key } = order;
  const { thisUpdate = new Date("2026-06-01T00:00:00Z"), nextUpdate = new Date("2026-06-08T00:00:00Z") } = order;
  const scheme = signatureSchemes.get("ecdsa-sha256") as SignatureScheme;
  const entries = revoked.map(({ serial }) => der.sequence(der.element(2, serial), der.time(revocationDate)));
  const tbs = der.sequence(
    ...[der.integer(1), scheme.identifier, issuer.certificate.subjectName],
    ...[der.time(thisUpdate), der.time(nextUpdate)],
    ...(entries.length > 0 ? [der.sequence(...entries)] : []),
    ...(order.extensions === undefined ? [] : [der.explicit(0, der.sequence(...order.extensions))]),
  );
  return parseCrl(der.sequence(tbs, scheme.identifier, der.bitString(await key.sign(scheme, tbs))));
}

/** The same certificate with the last octet of `piece` changed wherever it is found last. */
export function tampered(party: Party, piece: Uint8Array = party.certificate.signature): Party {
  const octets = Buffer.from(party.certificate.octets);
  const at = octets.lastIndexOf(piece) + piece.length - 1;
  octets[at] = (octets[at] as number) ^ 1;
  return { ...party, certificate: parseCertificate(octets) };
}

/** All places where `from` stands hold `to`, which is as long. */
export function replaced(party: Party, from: Uint8Array, to: Uint8Array): Party {
  const octets = Buffer.from(party.certificate.octets);
  for (let at = octets.indexOf(from); at >= 0; at = octets.indexOf(from, at + 1)) octets.set(to, at);
  return { ...party, certificate: parseCertificate(octets) };
}

/** The same name and key in a certificate of version 1, which has no extensions. */
export async function versionOne(party: Party, issuer: Party = party): Promise<Party> {
  const { serial, subjectName, notBefore, notAfter, spki } = party.certificate;
  const scheme = signatureSchemes.get("ecdsa-sha256") as SignatureScheme;
  const validity = der.sequence(der.time(notBefore), der.time(notAfter));
  const names = [issuer.certificate.subjectName, validity, subjectName];
  const tbs = der.sequence(der.element(2, serial), scheme.identifier, ...names, spki);
  const signature = der.bitString(await issuer.key.sign(scheme, tbs));
  return { ...party, certificate: parseCertificate(der.sequence(tbs, scheme.identifier, signature)) };
}

function schemeNamed(name: string | undefined): SignatureScheme | undefined {
  return name === undefined ? undefined : signatureSchemes.get(name);
}
