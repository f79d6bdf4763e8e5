// A running gateway: what its configuration names is loaded and checked, then it listens. The way of a message is not
// here but in ../gateway.ts.

import type { Server } from "node:net";
import type { Config } from "../config.ts";
import type { Snapshot } from "../directory.ts";
import { SecureMailError } from "../errors.ts";
import {
  defaultLimits,
  type HandleTransaction,
  type ListenOptions,
  listen,
  lmtp,
  type MailServer,
  parseMailbox,
  type SocketAddress,
  smtp,
} from "../smtp.ts";
import type { Services, Side } from "./passage.ts";
import { recipientJudge } from "./recipient-judge.ts";
import { openServices, type Watchers } from "./services.ts";

export type RunningGateway = {
  readonly listening: Readonly<Record<Side, SocketAddress>>;
  readonly snapshot: () => Snapshot;
  /** Takes no more connections, ends sessions after the message in hand. */
  close(): Promise<void>;
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
  watchers: Watchers,
  place?: Workplace,
): Promise<RunningGateway> {
  const { services, links, close } = await openServices(config, watchers, place?.worker ?? `process-${process.pid}`);
  const open = (side: Side): Promise<MailServer> =>
    listen(config.listen[side].address, {
      ...sessionOptions(config, side, services),
      ...links.tls[side],
      ...(place && { attach: (server) => place.attach(side, server) }),
      handle: corridorOf(side, services),
      onFault: watchers.onFault,
    });
  const servers: MailServer[] = [];
  const closeAll = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
    await close();
  };
  try {
    const inside = await open("inside");
    servers.push(inside);
    const outside = await open("outside");
    servers.push(outside);
    const listening = { inside: inside.address, outside: outside.address };
    return { listening, snapshot: services.snapshot, close: closeAll };
  } catch (thrown) {
    await closeAll();
    throw thrown;
  }
}

function sessionOptions(
  config: Config,
  side: Side,
  services: Services,
): Omit<ListenOptions, "handle" | "onFault" | "tls"> {
  const { protocol, accept } = config.listen[side];
  const { messageSize, recipients, connections, perPeer } = config.limits;
  const postmaster = parseMailbox(config.postmaster);
  if (postmaster === undefined)
    throw new SecureMailError("GATEWAY_KEY", "permanent", "postmaster is not a mail address");
  const behindHub = protocol === "lmtp";
  return {
    dialect: behindHub ? lmtp : smtp,
    hostname: config.hostname,
    postmaster,
    accept,
    // The hub tells what it calls a message; who is let in from the world by SMTP tells nothing that counts.
    trusted: behindHub || side === "inside" ? [...accept, "unix"] : [],
    strayLineEnds: behindHub ? "data" : "refuse",
    limits: { ...defaultLimits, messageSize, recipients },
    connections,
    perPeer,
    judgeRecipient: recipientJudge(side, protocol, services),
  };
}
