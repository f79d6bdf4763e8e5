// A community of member domains in files: an authority, and for each domain its keys, certificates and entry.

import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { formatLdif, type LdifAttribute } from "../../src/ldif.ts";
import { authority, certify, ecPair, type Party, rsaPair } from "../mint.ts";

const day = 86_400_000;

export type Keys = "rsa" | "ec";

/** Writes root.pem, members.ldif and for each domain sign and encrypt, .pem and .crt. */
export async function foundCommunity(folder: string, domains: ReadonlyMap<string, Keys>): Promise<void> {
  const time = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + 30 * day) };
  const root = await authority("Root of the laboratory", time);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "root.pem"), pem(root));
  const entries = [];
  for (const [domain, keys] of domains) {
    const admitted = await Promise.all(
      (["sign", "encrypt"] as const).map(async (role) => {
        const name = role === "sign" ? "domain-signing-authority" : "domain-confidentiality-authority";
        const encryption = keys === "rsa" ? "keyEncipherment" : "keyAgreement";
        const party = await certify(`${role} of ${domain}`, {
          ...time,
          issuer: root,
          emails: [`${name}@${domain}`],
          keyUsage: [role === "sign" ? "digitalSignature" : encryption],
          pair: keys === "rsa" ? rsaPair(2048) : ecPair(),
        });
        mkdirSync(path.join(folder, domain), { recursive: true });
        writeFileSync(path.join(folder, domain, `${role}.crt`), pem(party));
        const key = party.pair.privateKey.export({ format: "pem", type: "pkcs8" });
        writeFileSync(path.join(folder, domain, `${role}.pem`), key, { mode: 0o600 });
        return party;
      }),
    );
    entries.push({ dn: `cn=${domain},ou=members,o=lab`, attributes: entryOf(domain, admitted) });
  }
  writeFileSync(path.join(folder, "members.ldif"), formatLdif(entries));
}

function entryOf(domain: string, parties: readonly Party[]): LdifAttribute[] {
  return [
    ...["top", "device", "pkiUser", "posternMember"].map((name): LdifAttribute => ["objectClass", name]),
    ["cn", domain],
    ["mail", `domain-confidentiality-authority@${domain}`],
    ["mail", `domain-signing-authority@${domain}`],
    ["associatedDomain", domain],
    ...parties.map(({ certificate }): LdifAttribute => ["userCertificate;binary", certificate.octets]),
    ["posternStatus", "active"],
    ["posternProfile", "M"],
  ];
}

function pem({ certificate }: Party): string {
  const base64 = Buffer.from(certificate.octets).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
}
