// What a configuration names, loaded and checked: own keys, anchors, the directory. Commands look at the same world as
// the running gateway.

import { systemClock } from "../clock.ts";
import type { Config, DomainConfig, KeyConfig } from "../config.ts";
import { privateKeyOf } from "../crypto.ts";
import { makeSnapshot, remember, type Snapshot, withGone } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { SecureMailError } from "../errors.ts";
import { type KeyEntry, loadCertificates, loadCrls, loadKey } from "../keystore.ts";
import { membersInFile, readDirectoryFiles } from "../store.ts";
import type { Certificate } from "../x509.ts";
import type { OwnDomain, Trust } from "./passage.ts";

export type World = {
  readonly domains: ReadonlyMap<string, OwnDomain>;
  readonly trust: Trust;
  readonly snapshot: Snapshot;
};

export async function loadWorld(config: Config): Promise<World> {
  return { ...(await loadPeers(config)), domains: await loadDomains(config) };
}

/** The part of the world that needs no key: whom we know, and whom we believe. */
export async function loadPeers(config: Config): Promise<Pick<World, "trust" | "snapshot">> {
  return { snapshot: await loadSnapshot(config), trust: await loadTrust(config) };
}

/** As the gateway sees it that remembers in this store. */
async function loadSnapshot({ directory, domains, store }: Config): Promise<Snapshot> {
  const snapshot = makeSnapshot(1, await readDirectoryFiles(directory.sources.map(({ ldif }) => ldif)));
  const own = new Set(domains.map(({ name }) => name));
  return withGone(snapshot, remember(membersInFile(store), snapshot, systemClock(), own));
}

export async function loadDomains({ domains }: Config): Promise<World["domains"]> {
  return new Map(await Promise.all(domains.map(async (domain) => [domain.name, await loadDomain(domain)] as const)));
}

export async function loadTrust({ trust }: Config): Promise<Trust> {
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
