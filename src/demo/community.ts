// A throw-away community: an authority that forgets its key, two member domains, their directory. Made once per folder.

import { generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { privateKeyOf } from "../crypto.ts";
import { loadCertificates } from "../keystore.ts";
import { formatLdif, type LdifAttribute } from "../ldif.ts";
import { domainAuthorities } from "../trust.ts";
import { type Certificate, type CertificateTemplate, encodeName, issueCertificate, parseCertificate } from "../x509.ts";

export const communityName = "see.example";

/** Two kinds of keys, as in any community: RSA here, elliptic curves there. */
export const members = [
  { domain: "treasury.example", user: "minister", keys: "rsa" },
  { domain: "parliament.example", user: "clerk", keys: "ec" },
] as const;
export type DemoMember = (typeof members)[number];

export type Community = {
  readonly folder: string;
  readonly root: Certificate;
  readonly rootFile: string;
  readonly directoryFile: string;
};

const day = 86_400_000;
const emailProtection = "1.3.6.1.5.5.7.3.4";

type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
type Authority = { readonly certificate: Certificate; readonly keys: KeyPair };

/** The community that lies in the folder, or a new one. */
export async function openCommunity(folder: string): Promise<Community> {
  const rootFile = path.join(folder, "see-root.pem");
  const directoryFile = path.join(folder, "members.ldif");
  if (!existsSync(directoryFile)) await found(folder, rootFile, directoryFile);
  const [root] = await loadCertificates(rootFile);
  return { folder, root: root as Certificate, rootFile, directoryFile };
}

export function keyFile(folder: string, domain: string, role: "sign" | "encrypt", kind: "pem" | "crt"): string {
  return path.join(folder, domain, `${role}.${kind}`);
}

async function found(folder: string, rootFile: string, directoryFile: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const keys = await makeKeys("ec");
  const authority = {
    certificate: await issue(keys, {
      name: "See Example Root",
      ca: { pathLen: 0 },
      keyUsage: ["keyCertSign", "cRLSign"],
    }),
    keys,
  };
  const entries = await Promise.all(members.map((member) => admit(folder, member, authority)));
  await writeFile(rootFile, pem(authority.certificate));
  // Last, for it says that the folder is complete. The authority's key is nowhere: nobody else can be admitted.
  await writeFile(directoryFile, formatLdif(entries));
}

/** Keys and certificates of one member, and its entry. */
async function admit(folder: string, { domain, keys: kind }: DemoMember, authority: Authority) {
  await mkdir(path.join(folder, domain), { recursive: true, mode: 0o700 });
  const [sign, encrypt] = await Promise.all([makeKeys(kind), makeKeys(kind)]);
  const own = { name: `Postern of ${domain}`, extendedKeyUsage: [emailProtection] };
  const signing = await issue(
    sign,
    { ...own, keyUsage: ["digitalSignature"], emails: [`${domainAuthorities.signing}@${domain}`] },
    authority,
  );
  const encryption = await issue(
    encrypt,
    {
      ...own,
      keyUsage: [kind === "rsa" ? "keyEncipherment" : "keyAgreement"],
      emails: [`${domainAuthorities.encryption}@${domain}`],
    },
    authority,
  );
  await writePair(folder, domain, "sign", sign, signing);
  await writePair(folder, domain, "encrypt", encrypt, encryption);
  return { dn: `cn=${domain},ou=members,o=see`, attributes: entryOf(domain, [signing, encryption]) };
}

function entryOf(domain: string, certificates: readonly Certificate[]): LdifAttribute[] {
  return [
    ...["top", "device", "pkiUser", "posternMember"].map((name): LdifAttribute => ["objectClass", name]),
    ["cn", domain],
    ["mail", `${domainAuthorities.encryption}@${domain}`],
    ["mail", `${domainAuthorities.signing}@${domain}`],
    ["associatedDomain", domain],
    ...certificates.map(({ octets }): LdifAttribute => ["userCertificate;binary", octets]),
    ["posternStatus", "active"],
    ["posternClass", "full"],
    ["posternProfile", "M"],
    ["posternContact", `postmaster@${domain}`],
  ];
}

type Wish = Pick<CertificateTemplate, "ca" | "keyUsage" | "extendedKeyUsage" | "emails"> & { readonly name: string };

async function issue(
  { publicKey, privateKey }: KeyPair,
  { name, ...wish }: Wish,
  authority?: Authority,
): Promise<Certificate> {
  const signer = authority?.keys ?? { publicKey, privateKey };
  const template: CertificateTemplate = {
    ...wish,
    subject: encodeName(["O", "See Example"], ["CN", name]),
    spki: publicKey.export({ format: "der", type: "spki" }),
    // A leading 1 keeps it positive and of full length.
    serial: Buffer.concat([Uint8Array.of(1), randomBytes(15)]),
    notBefore: new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000),
    notAfter: new Date(Math.floor(Date.now() / 1000) * 1000 + 90 * day),
    ...(authority === undefined ? {} : { issuer: authority.certificate }),
  };
  return parseCertificate(await issueCertificate(template, privateKeyOf(signer.privateKey, signer.publicKey)));
}

async function makeKeys(kind: "rsa" | "ec"): Promise<KeyPair> {
  const generate = promisify(generateKeyPair);
  return kind === "rsa" ? generate("rsa", { modulusLength: 2048 }) : generate("ec", { namedCurve: "P-256" });
}

async function writePair(
  folder: string,
  domain: string,
  role: "sign" | "encrypt",
  keys: KeyPair,
  certificate: Certificate,
): Promise<void> {
  const key = keys.privateKey.export({ format: "pem", type: "pkcs8" });
  await writeFile(keyFile(folder, domain, role, "pem"), key, { mode: 0o600 });
  await writeFile(keyFile(folder, domain, role, "crt"), pem(certificate));
}

function pem({ octets }: Certificate): string {
  const lines =
    Buffer.from(octets)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
