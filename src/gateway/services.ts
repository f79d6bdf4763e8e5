// What the stages work with, made from a configuration: keys, anchors, directory, store, next hops. The daemon has them,
// and every command that works on one message as the daemon would.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../clock.ts";
import { type Config, spillRoom } from "../config.ts";
import type { Snapshot } from "../directory.ts";
import { loadLedgerKey } from "../keystore.ts";
import { RelayPool } from "../smtp.ts";
import {
  type DirectoryWatch,
  type Journal,
  openJournal,
  openStore,
  spillingSpools,
  watchDirectoryFiles,
} from "../store.ts";
import { type Links, loadLinks } from "./links.ts";
import { Membership } from "./membership.ts";
import type { PassageReport, Services } from "./passage.ts";
import { queueId } from "./queue-id.ts";
import { Turns } from "./turns.ts";
import { loadDomains, loadTrust } from "./world.ts";

export type Watchers = {
  readonly report: (report: PassageReport) => void;
  /** Of sessions and handlers; a report of its own says what became of a message. */
  readonly onFault: (thrown: unknown) => void;
  /** The directory's files have changed; messages on their way keep the snapshot they began with. */
  readonly onDirectory?: (snapshot: Snapshot) => void;
};

export type OpenServices = {
  readonly services: Services;
  readonly links: Links;
  close(): Promise<void>;
};

/** `worker` names the journal; without it none is written: commands are not watched by a supervisor. */
export async function openServices(
  config: Config,
  { report, onFault, onDirectory }: Watchers,
  worker?: string,
): Promise<OpenServices> {
  const { hostname, authservId, postmaster, dataDir, limits } = config;
  const spill = path.join(dataDir, "spill");
  await mkdir(spill, { recursive: true, mode: 0o700 });
  const domains = await loadDomains(config);
  const trust = await loadTrust(config);
  const links = await loadLinks(config);
  const ledgerKey = await loadLedgerKey(config.ledgerKey.file, { make: !config.ledgerKey.named });
  let early: DirectoryWatch["entries"] | undefined;
  let takeUp = (changed: DirectoryWatch["entries"]): void => {
    early = changed;
  };
  const directory = await watchDirectory(config, onFault, (changed) => takeUp(changed));
  const store = await openStore({ file: config.store, dataDir, onFault, holdQuota: limits.hold });
  const own = new Set(domains.keys());
  const members = { store: store.members, own, clock: systemClock, alarm: onFault, notes: worker !== undefined };
  const membership = await Membership.open(directory.entries, members);
  takeUp = (changed) => {
    const snapshot = membership.takeUp(changed);
    onDirectory?.(snapshot);
  };
  if (early !== undefined) takeUp(early);
  const journal = worker === undefined ? noJournal : openJournal(dataDir, worker);
  const pool = new RelayPool(hostname);
  const services: Services = {
    hostname,
    authservId,
    postmaster,
    domains,
    trust,
    snapshot: () => membership.snapshot,
    hops: links.hops,
    ...(links.submit && { submit: links.submit }),
    relay: (hop, envelope, message) => pool.relay(hop, envelope, message),
    makeSpool: spillingSpools(spill, { quota: spillRoom(limits, 1) }),
    store,
    journal,
    ledgerKey,
    turns: new Turns(),
    clock: systemClock,
    newId: () => queueId(systemClock()),
    report,
    alarm: onFault,
  };
  return {
    services,
    links,
    async close() {
      directory.close();
      await pool.close();
      journal.close();
      await membership.close();
      await store.close();
    },
  };
}

const noJournal: Journal = {
  begin: () => () => undefined,
  done: () => () => undefined,
  close: () => undefined,
};

function watchDirectory(
  { directory }: Config,
  onFault: Watchers["onFault"],
  onChange: (entries: DirectoryWatch["entries"]) => void,
): Promise<DirectoryWatch> {
  return watchDirectoryFiles(
    directory.sources.map(({ ldif }) => ldif),
    { onChange, onFault },
  );
}
