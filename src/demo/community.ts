// A throw-away community: an authority, two member domains, their directory. Made once per folder; what the bad days need
// of an authority (a certificate that ran out, new keys) is issued here too.

import { generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { privateKeyOf } from "../crypto.ts";
import { loadCertificates, loadKey } from "../keystore.ts";
import { formatLdif, type LdifAttribute } from "../ldif.ts";
import { domainAuthorities } from "../trust.ts";
import { type Certificate, type CertificateTemplate, encodeName, issueCertificate, parseCertificate } from "../x509.ts";

export const communityName = "see.example";

/** Everybody else: no member, so mail for it and from it is not protected. */
export const world = { domain: "world.example", user: "citizen" } as const;

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

/** Key pairs of a member, by the names of their files. */
export type KeyFileName = "sign" | "encrypt" | "encrypt-old";

const day = 86_400_000;
const emailProtection = "1.3.6.1.5.5.7.3.4";

// Of the throw-away authority. A real one is not left in a folder.
const rootKeyName = "see-root.key";

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

export function keyFile(folder: string, domain: string, role: KeyFileName, kind: "pem" | "crt"): string {
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
  const certificates = await Promise.all(members.map((member) => admit(folder, member, authority)));
  await writeFile(path.join(folder, rootKeyName), privatePem(keys), { mode: 0o600 });
  await writeFile(rootFile, pem(authority.certificate));
  // Last, for it says that the folder is complete.
  await writeDirectory(directoryFile, certificates);
}

/** What opens mail for a member, the present one first. */
export function encryptionKeys({ folder }: Community, { domain }: DemoMember): readonly KeyFileName[] {
  return (["encrypt", "encrypt-old"] as const).filter((role) => existsSync(keyFile(folder, domain, role, "pem")));
}

/**
 * Publishes the present certificates; `instead` stands in place of one member's encryption certificate. Replaced whole,
 * as a directory is by whoever keeps it in order.
 */
export async function publish(
  { folder, directoryFile }: Community,
  instead?: { readonly member: DemoMember; readonly encryption: Certificate },
): Promise<void> {
  const certificatesOf = async (member: DemoMember): Promise<readonly Certificate[]> => {
    const roles = ["sign", ...(instead?.member === member ? [] : ["encrypt" as const])] as const;
    const own = await Promise.all(roles.map((role) => loadCertificates(keyFile(folder, member.domain, role, "crt"))));
    return [...own.flat(), ...(instead?.member === member ? [instead.encryption] : [])];
  };
  await writeDirectory(directoryFile, await Promise.all(members.map(certificatesOf)));
}

/** A certificate of the member's present encryption key that ran out yesterday. */
export async function ranOut(community: Community, member: DemoMember): Promise<Certificate> {
  const { folder } = community;
  const [present] = await loadCertificates(keyFile(folder, member.domain, "encrypt", "crt"));
  const { privateKey } = await loadKey({ key: keyFile(folder, member.domain, "encrypt", "pem") });
  const until = new Date(Date.now() - day);
  const keys = { privateKey, publicKey: (present as Certificate).publicKey };
  return issue(keys, encryptionWish(member, until), await authorityOf(community));
}

/** A new pair of encryption keys for the member; the one it had becomes the old one. The directory knows nothing yet. */
export async function rollKeys(community: Community, member: DemoMember): Promise<void> {
  const keys = await makeKeys(member.keys);
  const certificate = await issue(keys, encryptionWish(member), await authorityOf(community));
  const file = (role: KeyFileName, kind: "pem" | "crt") => keyFile(community.folder, member.domain, role, kind);
  for (const kind of ["pem", "crt"] as const) await rename(file("encrypt", kind), file("encrypt-old", kind));
  await writePair(community.folder, member.domain, "encrypt", keys, certificate);
}

async function authorityOf({ folder, root }: Community): Promise<Authority> {
  const { privateKey } = await loadKey({ key: path.join(folder, rootKeyName) });
  return { certificate: root, keys: { privateKey, publicKey: root.publicKey } };
}

async function writeDirectory(file: string, certificates: readonly (readonly Certificate[])[]): Promise<void> {
  const entries = members.map(({ domain }, index) => ({
    dn: `cn=${domain},ou=members,o=see`,
    attributes: entryOf(domain, certificates[index] ?? []),
  }));
  await writeFile(`${file}.new`, formatLdif(entries));
  await rename(`${file}.new`, file);
}

/** Keys and certificates of one member. */
async function admit(folder: string, member: DemoMember, authority: Authority): Promise<readonly Certificate[]> {
  const { domain, keys: kind } = member;
  await mkdir(path.join(folder, domain), { recursive: true, mode: 0o700 });
  const [sign, encrypt] = await Promise.all([makeKeys(kind), makeKeys(kind)]);
  const signing = await issue(
    sign,
    { name: nameOf(domain), keyUsage: ["digitalSignature"], emails: [`${domainAuthorities.signing}@${domain}`] },
    authority,
  );
  const encryption = await issue(encrypt, encryptionWish(member), authority);
  await writePair(folder, domain, "sign", sign, signing);
  await writePair(folder, domain, "encrypt", encrypt, encryption);
  return [signing, encryption];
}

function encryptionWish({ domain, keys }: DemoMember, notAfter?: Date): Wish {
  return {
    name: nameOf(domain),
    keyUsage: [keys === "rsa" ? "keyEncipherment" : "keyAgreement"],
    emails: [`${domainAuthorities.encryption}@${domain}`],
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

const nameOf = (domain: string): string => `Postern of ${domain}`;

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

type Wish = Pick<CertificateTemplate, "ca" | "keyUsage" | "emails"> & {
  readonly name: string;
  readonly notAfter?: Date;
};

async function issue(
  { publicKey, privateKey }: KeyPair,
  { name, notAfter = new Date(Date.now() + 90 * day), ...wish }: Wish,
  authority?: Authority,
): Promise<Certificate> {
  const signer = authority?.keys ?? { publicKey, privateKey };
  const template: CertificateTemplate = {
    ...wish,
    ...(authority === undefined ? {} : { extendedKeyUsage: [emailProtection] }),
    subject: encodeName(["O", "See Example"], ["CN", name]),
    spki: publicKey.export({ format: "der", type: "spki" }),
    // A leading 1 keeps it positive and of full length.
    serial: Buffer.concat([Uint8Array.of(1), randomBytes(15)]),
    notBefore: wholeSecond(notAfter.getTime() - 90 * day - 3_600_000),
    notAfter: wholeSecond(notAfter.getTime()),
    ...(authority === undefined ? {} : { issuer: authority.certificate }),
  };
  return parseCertificate(await issueCertificate(template, privateKeyOf(signer.privateKey, signer.publicKey)));
}

function wholeSecond(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}

async function makeKeys(kind: "rsa" | "ec"): Promise<KeyPair> {
  const generate = promisify(generateKeyPair);
  return kind === "rsa" ? generate("rsa", { modulusLength: 2048 }) : generate("ec", { namedCurve: "P-256" });
}

async function writePair(
  folder: string,
  domain: string,
  role: KeyFileName,
  keys: KeyPair,
  certificate: Certificate,
): Promise<void> {
  await writeFile(keyFile(folder, domain, role, "pem"), privatePem(keys), { mode: 0o600 });
  await writeFile(keyFile(folder, domain, role, "crt"), pem(certificate));
}

function privatePem({ privateKey }: KeyPair): string {
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

function pem({ octets }: Certificate): string {
  const lines =
    Buffer.from(octets)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
