// The whole store over one database.

import path from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { type AuditLog, auditIn } from "./audit.ts";
import type { Database } from "./database.ts";
import { type HoldStore, holdsIn, type Strays } from "./hold.ts";
import { type Ledger, ledgerIn, purgeLedger } from "./ledger.ts";
import { type MemberStore, membersIn, purgeMembers } from "./members.ts";
import { type Plans, plansIn, purgePlans } from "./plans.ts";
import { type ProbeStore, probesIn, purgeProbes } from "./probes.ts";
import { Sqlite } from "./sqlite.ts";
import { storeError } from "./store-error.ts";
import { purgeSuspects, type Suspects, suspectsIn } from "./suspects.ts";
import { purgeTracking, type Tracking, trackingIn } from "./tracking.ts";

export type StoreOptions = {
  readonly file: string;
  /** Held mail lies in its folder `hold`. */
  readonly dataDir: string;
  /** Told what nobody waits for: tracking, purges. */
  readonly onFault: (thrown: unknown) => void;
  readonly holdQuota?: number;
  readonly clock?: Clock;
  /** How often what is over is removed; a minute. */
  readonly purgeEveryMs?: number;
};

export type Store = {
  readonly ledger: Ledger;
  readonly plans: Plans;
  readonly holds: HoldStore;
  readonly tracking: Tracking;
  readonly suspects: Suspects;
  readonly probes: ProbeStore;
  readonly members: MemberStore;
  readonly audit: AuditLog;
  close(): Promise<void>;
};

const purges = [purgeLedger, purgePlans, purgeTracking, purgeSuspects, purgeProbes, purgeMembers];

/**
 * Opens even where the database cannot be used: each act on it then fails with STORE_UNUSABLE, until it can. `onFault`
 * is told so at once, and of held mail that is not as it was left (HOLD_STRAY).
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { file, dataDir, onFault, holdQuota = 10 * 1024 ** 3, clock = systemClock, purgeEveryMs = 60_000 } = options;
  const folder = path.join(dataDir, "hold");
  const database = new Sqlite({ file, onFault });
  const holds = holdsIn(database, { folder, quota: holdQuota });
  await holds.strays().then((strays) => nameStrays(folder, strays, onFault), onFault);
  const timer = setInterval(() => void purgeAll(database, clock()).catch(onFault), purgeEveryMs).unref();
  return {
    ledger: ledgerIn(database),
    plans: plansIn(database),
    holds,
    tracking: trackingIn(database),
    suspects: suspectsIn(database),
    probes: probesIn(database),
    members: membersIn(database),
    audit: auditIn(database),
    async close() {
      clearInterval(timer);
      await database.close();
    },
  };
}

function nameStrays(folder: string, { files, rows, altered }: Strays, onFault: (thrown: unknown) => void): void {
  const name = (what: string, names: readonly string[]): void => {
    if (names.length > 0) onFault(storeError("HOLD_STRAY", `${folder}: ${what}: ${names.join(", ")}`));
  };
  name("files that are not held, left by a crash; look at them and remove them", files);
  name("held mail without its file", rows);
  name("held mail about which something else is noted than was written", altered);
}

/** Some rows at a time, so that nobody waits long behind them. */
async function purgeAll(database: Database, now: Date): Promise<void> {
  for (const purge of purges) {
    for (let changes = 1; changes > 0; ) [changes = 0] = await database.write(purge(now));
  }
}
