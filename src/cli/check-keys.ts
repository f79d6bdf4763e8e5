// The keys of our own domains and what speaks for them: halves, names, dates, paths, and what the directory says of us.

import { stat } from "node:fs/promises";
import type { Config, DomainConfig, KeyConfig } from "../config.ts";
import type { Snapshot } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { isSecureMailError } from "../errors.ts";
import type { Trust } from "../gateway.ts";
import { belongTogether, type KeyEntry, loadKey } from "../keystore.ts";
import { type DomainRole, domainAuthorities, isBoundToDomain, verifyPath } from "../trust.ts";
import type { Certificate } from "../x509.ts";
import { keyObjectText } from "./certificate-card.ts";
import { day, plural } from "./columns.ts";
import { type Finding, fault, good, warning } from "./finding.ts";
import { exit } from "./options.ts";

const dayMs = 86_400_000;
/** Long enough to have a certificate renewed by people. */
const soonMs = 30 * dayMs;

export type Peers = { readonly trust: Trust; readonly snapshot: Snapshot };

export async function checkKeys({ domains }: Config, peers: Peers, now: Date): Promise<readonly Finding[]> {
  return (await Promise.all(domains.map((domain) => checkDomain(domain, peers, now)))).flat();
}

async function checkDomain(domain: DomainConfig, peers: Peers, now: Date): Promise<readonly Finding[]> {
  const { name, signing, encryption } = domain;
  const [present, ...older] = encryption;
  const keys = await Promise.all([
    checkKey(`${name} signing`, signing, { name, role: "signing" }, peers, now),
    ...(present === undefined
      ? []
      : [checkKey(`${name} encryption`, present, { name, role: "encryption" }, peers, now)]),
    // An older key only has to open what is still on its way.
    ...older.map((key, at) => checkKey(`${name} encryption, older key ${at + 1}`, key, undefined, peers, now)),
  ]);
  const own = keys.slice(1).flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  const complete = own.length === encryption.length;
  return [...keys.flatMap(({ findings }) => findings), ...(complete ? ownEntry(name, own, peers) : [])];
}

type Checked = { readonly entry?: KeyEntry; readonly findings: readonly Finding[] };
type Use = { readonly name: string; readonly role: DomainRole };

async function checkKey(
  label: string,
  { key, certificate: file, passwordFile }: KeyConfig,
  use: Use | undefined,
  { trust }: Peers,
  now: Date,
): Promise<Checked> {
  let entry: KeyEntry;
  try {
    entry = await loadKey({
      key,
      certificate: file,
      ...(passwordFile === undefined ? {} : { password: passwordFile }),
    });
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    const status = thrown.code === "KEY_FILE" ? exit.unavailable : exit.configuration;
    return {
      findings: [fault("keys", `${label}: ${thrown.message}`, `postern key show ${key} tells what it holds`, status)],
    };
  }
  const { certificate } = entry;
  if (certificate === undefined) {
    const findings = [
      fault("keys", `${label}: ${file} holds no certificate`, "name the file that does", exit.configuration),
    ];
    return { findings };
  }
  const objections = use === undefined ? [] : objectionsTo(certificate, label, use, trust, now);
  const kept = await checkPrivacy(label, key);
  const fine = good("keys", `${label}: ${keyObjectText(certificate.publicKey)}, until ${day(certificate.notAfter)}`);
  return { entry, findings: [...(objections.length === 0 ? [fine] : objections), ...kept] };
}

function objectionsTo(
  certificate: Certificate,
  label: string,
  { name, role }: Use,
  trust: Trust,
  now: Date,
): Finding[] {
  const { notBefore, notAfter, extensions } = certificate;
  const findings: Finding[] = [];
  const renew = "have it renewed; the new key goes in front, the old one stays behind it for a month";
  if (notAfter <= now) findings.push(fault("keys", `${label}: its certificate ended on ${day(notAfter)}`, renew));
  else if (notBefore > now)
    findings.push(
      fault(
        "keys",
        `${label}: its certificate begins on ${day(notBefore)}`,
        "wait for that day, or use the old key until then",
      ),
    );
  else if (notAfter.getTime() - now.getTime() < soonMs) {
    const left = Math.floor((notAfter.getTime() - now.getTime()) / dayMs);
    findings.push(
      warning("keys", `${label}: its certificate ends in ${plural(left, "day")}, on ${day(notAfter)}`, renew),
    );
  }
  const wanted = role === "signing" ? ["digitalSignature", "nonRepudiation"] : ["keyEncipherment", "keyAgreement"];
  if (extensions.keyUsage !== undefined && !extensions.keyUsage.some((usage) => wanted.includes(usage)))
    findings.push(
      fault(
        "keys",
        `${label}: the key usage of its certificate is not for ${role}`,
        "have one issued that is",
        exit.configuration,
      ),
    );
  if (!isBoundToDomain(certificate, name, role))
    findings.push(
      warning(
        "keys",
        `${label}: its certificate does not name ${domainAuthorities[role]}@${name}`,
        "other houses will not take it for this domain, unless they exchanged it by hand",
      ),
    );
  const path = verifyPath(certificate, { ...trust, at: now, purpose: role });
  if (path.code !== "OK" && path.code !== "EXPIRED" && path.code !== "NOT_YET_VALID")
    findings.push(
      warning(
        "keys",
        `${label}: by our own anchors its certificate is ${path.code} (${path.reasons[0]?.detail ?? "no path"})`,
        "houses with the same anchors will not believe it",
      ),
    );
  return findings;
}

async function checkPrivacy(label: string, key: string): Promise<readonly Finding[]> {
  const { mode } = await stat(key);
  if ((mode & 0o007) === 0) return [];
  return [warning("keys", `${label}: everybody on this machine can read ${key}`, `chmod o= ${key}`)];
}

/** Others encrypt to what the directory says of us: all of it must open here. */
function ownEntry(name: string, own: readonly KeyEntry[], { snapshot, trust }: Peers): readonly Finding[] {
  const domain = parseDomainName(name);
  const found = domain === undefined ? undefined : snapshot.find(domain);
  if (found === undefined || trust.anchors.length === 0) return [];
  const theirs = found.member.certificates.filter(
    (certificate) => isBoundToDomain(certificate, name, "encryption") && certificate.notAfter > new Date(),
  );
  const lost = theirs.filter((certificate) => !own.some(({ privateKey }) => belongTogether(privateKey, certificate)));
  const listed = theirs.some(({ sha256 }) => sha256 === own[0]?.certificate?.sha256);
  return [
    ...lost.map(({ sha256 }) =>
      fault(
        "keys",
        `${name}: the directory tells others to encrypt to ${sha256.slice(0, 16)}, whose key is not here`,
        "add that key under encryption, or have the certificate taken out of the entry",
      ),
    ),
    ...(listed || theirs.length === 0
      ? []
      : [
          warning("keys", `${name}: the directory does not have our present encryption certificate`, "have it entered"),
        ]),
  ];
}
