// What would happen to a message, for `postern probe`: the daemon's own stages over a world in which nothing is sent and
// nothing is kept.

import { randomBytes } from "node:crypto";
import { memorySpool } from "../bytes.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Found } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { loadLedgerKey } from "../keystore.ts";
import type { Store } from "../store.ts";
import { type JudgedCertificate, judgeCertificates } from "./judge-peer.ts";
import { loadLinks } from "./links.ts";
import type { Accepted, Findings, Group, Prepared, Services, Side } from "./passage.ts";
import { queueId } from "./queue-id.ts";
import { Turns } from "./turns.ts";
import { loadWorld } from "./world.ts";

/** One group of recipients, and what decided about it. */
export type Foreseen = {
  readonly group: Group;
  readonly findings: Findings;
  /** Where it would go; left out where it would go nowhere. */
  readonly towards?: Side;
  /** The directory's entry for the other house, which its certificates are judged by. */
  readonly found?: Found;
  readonly judged: readonly JudgedCertificate[];
};

/** Services that cannot send and have no memory. */
export async function dryServices(config: Config): Promise<Services> {
  const { hostname, authservId, postmaster } = config;
  const { domains, trust, snapshot } = await loadWorld(config);
  const { hops, submit } = await loadLinks(config);
  const nothing = (): never => {
    throw new Error("a dry run sends and keeps nothing");
  };
  return {
    ...{ hostname, authservId, postmaster, domains, trust, hops },
    ...(submit && { submit }),
    snapshot: () => snapshot,
    relay: nothing,
    makeSpool: memorySpool,
    // All that a decision asks of the store is whether it was taken before.
    store: { plans: { find: async () => undefined, keep: nothing } } as unknown as Store,
    journal: { begin: nothing, done: nothing, close: nothing },
    // Who may not read the gateway's own key cannot tell its probes and loops from others: that is all.
    ledgerKey: await loadLedgerKey(config.ledgerKey.file, { make: false }).catch(() => randomBytes(32)),
    turns: new Turns(),
    clock: systemClock,
    newId: () => queueId(systemClock()),
    report: nothing,
    alarm: nothing,
  };
}

/** `peer` is the domain whose entry decided: the recipient's for what leaves, From's for what comes in. */
export function foreseen(
  { snapshot, at }: Accepted,
  group: Group,
  prepared: Prepared,
  peer: string | undefined,
  { trust }: Services,
): Foreseen {
  const name = parseDomainName(peer ?? "");
  const found = name === undefined ? undefined : snapshot.find(name);
  return {
    group,
    findings: prepared.findings,
    ...(prepared.kind === "send" ? { towards: prepared.towards } : {}),
    ...(found === undefined ? {} : { found }),
    judged: found === undefined ? [] : judgeCertificates(found, trust, at),
  };
}
