// A community of member domains in files: an authority, and for each domain its keys, certificates and entry.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { formatLdif, type LdifAttribute } from "../../src/ldif.ts";
import { authority, certify, ecPair, type Party, rsaPair } from "../mint.ts";

const day = 86_400_000;

export type Keys = "rsa" | "ec";
type Member = { readonly domain: string; readonly signing: Party; readonly encryption: Party };

export class TestCommunity {
  readonly folder: string;
  readonly #root: Party;
  readonly #members = new Map<string, Member>();

  private constructor(folder: string, root: Party) {
    this.folder = folder;
    this.#root = root;
  }

  static async found(folder: string): Promise<TestCommunity> {
    mkdirSync(folder, { recursive: true });
    const root = await authority("Root of the laboratory", time(30));
    writeFileSync(path.join(folder, "root.pem"), pem(root));
    return new TestCommunity(folder, root);
  }

  /** Admits a domain, or gives it new keys: sign and encrypt, .pem and .crt, in its folder, and its entry. */
  async admit(domain: string, keys: Keys, changes: { readonly expired?: boolean } = {}): Promise<void> {
    const [signing, encryption] = await Promise.all([
      this.#issue(domain, "sign", keys, 30),
      this.#issue(domain, "encrypt", keys, changes.expired ? -1 : 30),
    ]);
    this.#members.set(domain, { domain, signing, encryption });
    const file = path.join(this.folder, "members.ldif");
    writeFileSync(`${file}.new`, formatLdif([...this.#members.values()].map(entryOf)));
    renameSync(`${file}.new`, file);
  }

  async #issue(domain: string, role: "sign" | "encrypt", keys: Keys, days: number): Promise<Party> {
    const name = role === "sign" ? "domain-signing-authority" : "domain-confidentiality-authority";
    const encryption = keys === "rsa" ? "keyEncipherment" : "keyAgreement";
    const party = await certify(`${role} of ${domain}`, {
      ...time(days),
      issuer: this.#root,
      emails: [`${name}@${domain}`],
      keyUsage: [role === "sign" ? "digitalSignature" : encryption],
      pair: keys === "rsa" ? rsaPair(2048) : ecPair(),
    });
    mkdirSync(path.join(this.folder, domain), { recursive: true });
    writeFileSync(path.join(this.folder, domain, `${role}.crt`), pem(party));
    const key = party.pair.privateKey.export({ format: "pem", type: "pkcs8" });
    writeFileSync(path.join(this.folder, domain, `${role}.pem`), key, { mode: 0o600 });
    return party;
  }
}

function time(days: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(Date.now() - 10 * day), notAfter: new Date(Date.now() + days * day) };
}

function entryOf({ domain, signing, encryption }: Member) {
  const attributes: LdifAttribute[] = [
    ...["top", "device", "pkiUser", "posternMember"].map((name): LdifAttribute => ["objectClass", name]),
    ["cn", domain],
    ["mail", `domain-confidentiality-authority@${domain}`],
    ["mail", `domain-signing-authority@${domain}`],
    ["associatedDomain", domain],
    ...[signing, encryption].map(({ certificate }): LdifAttribute => ["userCertificate;binary", certificate.octets]),
    ["posternStatus", "active"],
    ["posternProfile", "M"],
  ];
  return { dn: `cn=${domain},ou=members,o=lab`, attributes };
}

function pem({ certificate }: Party): string {
  const base64 = Buffer.from(certificate.octets).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
}
