// A running gateway: what its configuration names is loaded and checked, then it listens. The way of a message is not
// here but in ../gateway.ts.

import { mkdir } from "node:fs/promises";
import type { Server } from "node:net";
import path from "node:path";
import { systemClock } from "../clock.ts";
import type { Config, ListenConfig } from "../config.ts";
import { makeSnapshot, type Snapshot } from "../directory.ts";
import { SecureMailError } from "../errors.ts";
import {
  defaultLimits,
  type HandleTransaction,
  listen,
  lmtp,
  type MailServer,
  parseMailbox,
  RelayPool,
  reply,
  type SessionOptions,
  type SocketAddress,
  smtp,
} from "../smtp.ts";
import { type DirectoryWatch, type DirectoryWatchers, spillingSpools, watchDirectoryFiles } from "../store.ts";
import { loadLinks } from "./links.ts";
import type { PassageReport, Services, Side } from "./passage.ts";
import { queueId } from "./queue-id.ts";
import { loadWorld } from "./world.ts";

export type RunningGateway = {
  readonly listening: Readonly<Record<Side, SocketAddress>>;
  readonly snapshot: () => Snapshot;
  /** Takes no more connections, ends sessions after the message in hand. */
  close(): Promise<void>;
};

export type Watchers = {
  readonly report: (report: PassageReport) => void;
  /** Of sessions and handlers; a report of its own says what became of a message. */
  readonly onFault: (thrown: unknown) => void;
  /** The directory's files have changed; messages on their way keep the snapshot they began with. */
  readonly onDirectory?: (snapshot: Snapshot) => void;
};

/** Where a gateway runs that is one worker of several. */
export type Workplace = {
  /** Its name among them, which its journal has. */
  readonly worker: string;
  /** Brings the connections of one side; the listening sockets are the supervisor's. */
  readonly attach: (side: Side, server: Server) => Promise<SocketAddress>;
};

/** `corridorOf` makes the handler of one side's listener. */
export async function start(
  config: Config,
  corridorOf: (side: Side, services: Services) => HandleTransaction,
  { report, onFault, onDirectory }: Watchers,
  place?: Workplace,
): Promise<RunningGateway> {
  const spill = path.join(config.dataDir, "spill");
  await mkdir(spill, { recursive: true, mode: 0o700 });
  const pool = new RelayPool(config.hostname);
  const { domains, trust } = await loadWorld(config);
  const { hops, tls } = await loadLinks(config);
  let snapshot: Snapshot;
  const directory = await watchDirectory(config, onFault, (entries) => {
    snapshot = makeSnapshot(snapshot.number + 1, entries);
    onDirectory?.(snapshot);
  });
  snapshot = makeSnapshot(1, directory.entries);
  const services: Services = {
    hostname: config.hostname,
    authservId: config.authservId,
    domains,
    trust,
    snapshot: () => snapshot,
    hops,
    relay: (hop, envelope, message) => pool.relay(hop, envelope, message),
    makeSpool: spillingSpools(spill),
    clock: systemClock,
    newId: () => queueId(systemClock()),
    report,
  };
  const open = (side: Side): Promise<MailServer> =>
    listen(config.listen[side].address, {
      ...sessionOptions(config, side, services),
      ...tls[side],
      ...(place && { attach: (server) => place.attach(side, server) }),
      handle: corridorOf(side, services),
      onFault,
    });
  const inside = await open("inside");
  const outside = await open("outside");
  return {
    listening: { inside: inside.address, outside: outside.address },
    snapshot: () => snapshot,
    async close() {
      directory.close();
      await Promise.all([inside.close(), outside.close()]);
      await pool.close();
    },
  };
}

function watchDirectory(
  { directory }: Config,
  onFault: Watchers["onFault"],
  onChange: DirectoryWatchers["onChange"],
): Promise<DirectoryWatch> {
  const files = directory.sources.map(({ ldif }) => ldif);
  return watchDirectoryFiles(files, { onChange, onFault });
}

function sessionOptions(
  config: Config,
  side: Side,
  { domains }: Services,
): Omit<SessionOptions, "handle" | "onFault"> & { accept: readonly string[] } {
  const { protocol, accept }: ListenConfig = config.listen[side];
  const { messageSize, recipients } = config.limits;
  const postmaster = parseMailbox(config.postmaster);
  if (postmaster === undefined)
    throw new SecureMailError("GATEWAY_KEY", "permanent", "postmaster is not a mail address");
  // Without a mail server in front nobody else keeps strangers from relaying through us.
  const closed = protocol === "smtp" && side === "outside";
  return {
    dialect: protocol === "smtp" ? smtp : lmtp,
    hostname: config.hostname,
    postmaster,
    accept,
    // TODO(#3): limits.connections and limits.perPeer.
    limits: { ...defaultLimits, messageSize, recipients },
    ...(closed
      ? {
          judgeRecipient: ({ domain }) =>
            domains.has(domain) ? undefined : reply(550, "5.7.1", "Not a domain served here"),
        }
      : {}),
  };
}
