// Messages that were in a worker when it died. The supervisor accuses them, a worker asks before it reads one.

import type { Database, Statement } from "./database.ts";

export type Suspect = {
  /** How often a worker died that was working on nothing else. */
  readonly deathsAlone: number;
};

export type Suspects = {
  find(key: Uint8Array): Promise<Suspect | undefined>;
  /** Resolves when the accusations are synced; only then may the journal that names them go. */
  accuse(entries: readonly { readonly key: Uint8Array; readonly alone: boolean }[], at?: Date): Promise<void>;
  /** It went well this time. */
  clear(key: Uint8Array): Promise<void>;
};

// LIMIT: longer than a hub keeps a message (`maximal_queue_lifetime`, 5 days).
const keptMs = 7 * 24 * 3600_000;
const insert = `INSERT INTO suspect (key, at, deaths_alone) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET at = excluded.at, deaths_alone = deaths_alone + excluded.deaths_alone`;

// Nearly always there are none. A message comes again after a minute at the earliest, so that is asked for all of this
// time at once and not for each message.
const noneForMs = 100;

export function suspectsIn(database: Database): Suspects {
  let noneUntil = Number.NEGATIVE_INFINITY;
  return {
    async find(key) {
      const now = performance.now();
      if (now < noneUntil) return undefined;
      if (database.glance("SELECT 1 FROM suspect LIMIT 1") === undefined) {
        noneUntil = now + noneForMs;
        return undefined;
      }
      const row = database.glance("SELECT deaths_alone FROM suspect WHERE key = ?", key);
      return row === undefined ? undefined : { deathsAlone: Number(row["deaths_alone"]) };
    },
    async accuse(entries, at = new Date()) {
      if (entries.length === 0) return;
      await database.write(...entries.map(({ key, alone }): Statement => [insert, key, at.getTime(), alone ? 1 : 0]));
      noneUntil = Number.NEGATIVE_INFINITY;
    },
    async clear(key) {
      await database.write(["DELETE FROM suspect WHERE key = ?", key]);
    },
  };
}

export function purgeSuspects(now: Date): Statement {
  return ["DELETE FROM suspect WHERE at < ?", now.getTime() - keptMs];
}
