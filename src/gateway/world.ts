// What a configuration names, loaded and checked: own keys, anchors, the directory. Commands look at the same world as
// the running gateway.

import type { Config, DomainConfig, KeyConfig } from "../config.ts";
import { privateKeyOf } from "../crypto.ts";
import { makeSnapshot, type Snapshot } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { SecureMailError } from "../errors.ts";
import { type KeyEntry, loadCertificates, loadCrls, loadKey } from "../keystore.ts";
import { readDirectoryFiles } from "../store.ts";
import type { Certificate } from "../x509.ts";
import type { OwnDomain, Trust } from "./passage.ts";

export type World = {
  readonly domains: ReadonlyMap<string, OwnDomain>;
  readonly trust: Trust;
  readonly snapshot: Snapshot;
};

export async function loadWorld(config: Config): Promise<World> {
  const peers = await loadPeers(config);
  const domains = config.domains.map(async (domain) => [domain.name, await loadDomain(domain)] as const);
  return { domains: new Map(await Promise.all(domains)), ...peers };
}

/** The part of the world that needs no key: whom we know, and whom we believe. */
export async function loadPeers(config: Config): Promise<Pick<World, "trust" | "snapshot">> {
  return { snapshot: await loadSnapshot(config, 1), trust: await loadTrust(config) };
}

export async function loadSnapshot({ directory }: Config, number: number): Promise<Snapshot> {
  return makeSnapshot(number, await readDirectoryFiles(directory.sources.map(({ ldif }) => ldif)));
}

async function loadTrust({ trust }: Config): Promise<Trust> {
  const all = async (files: readonly string[]): Promise<Certificate[]> =>
    (await Promise.all(files.map(loadCertificates))).flat();
  return {
    anchors: await all(trust.anchors),
    intermediates: await all(trust.intermediates),
    crls: (await Promise.all(trust.crls.map(loadCrls))).flat(),
    revocation: trust.revocation,
  };
}

async function loadDomain({ name, signing, encryption }: DomainConfig): Promise<OwnDomain> {
  const domain = parseDomainName(name);
  if (domain === undefined) throw new Error(`${name} was checked by the configuration`);
  const own = await loadOwnKey(signing);
  const decryption = await Promise.all(encryption.map(loadOwnKey));
  return { name: domain, signing: own, decryption };
}

async function loadOwnKey({ key, certificate, passwordFile }: KeyConfig): Promise<OwnDomain["signing"]> {
  const entry: KeyEntry = await loadKey({
    key,
    certificate,
    ...(passwordFile === undefined ? {} : { password: passwordFile }),
  });
  if (entry.certificate === undefined)
    throw new SecureMailError("GATEWAY_KEY", "permanent", `${certificate}: holds no certificate`);
  const { privateKey, chain } = entry;
  return { key: privateKeyOf(privateKey, entry.certificate.publicKey), certificate: entry.certificate, chain };
}
