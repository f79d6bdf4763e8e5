// The delivery ledger: who was served, so that a retry does not serve twice. It is written after the next hop's 250 and
// synced before our reply, so it can cause a duplicate but never a loss: what is torn, altered or gone is simply not
// there, and the mail is sent again. It knows no address and no content, only keyed hashes that the gateway makes.

import { crc32 } from "node:zlib";
import type { Database, Statement } from "./database.ts";

/** Keys are keyed hashes of 32 octets. */
export type Ledger = {
  /** Which of the keys have an entry that counts at `now`; altered ones do not. Throws STORE_UNUSABLE. */
  find(keys: readonly Uint8Array[], now: Date): Promise<readonly boolean[]>;
  /** Resolves when the entries are synced. Throws STORE_UNUSABLE. */
  record(entries: readonly { readonly key: Uint8Array; readonly until: Date }[]): Promise<void>;
};

const select = "SELECT until, checksum FROM ledger WHERE key = ?";
const insert = `INSERT INTO ledger (key, until, checksum) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET until = excluded.until, checksum = excluded.checksum`;

export function ledgerIn(database: Database): Ledger {
  return {
    async find(keys, now) {
      return keys.map((key) => {
        const row = database.glance(select, key);
        if (row === undefined) return false;
        const until = Number(row["until"]);
        return until > now.getTime() && row["checksum"] === checksum(key, until);
      });
    },
    async record(entries) {
      if (entries.length === 0) return;
      await database.write(
        ...entries.map(({ key, until }): Statement => {
          const ms = until.getTime();
          return [insert, key, ms, checksum(key, ms)];
        }),
      );
    },
  };
}

export function purgeLedger(now: Date): Statement {
  return ["DELETE FROM ledger WHERE key IN (SELECT key FROM ledger WHERE until < ? LIMIT 500)", now.getTime()];
}

function checksum(key: Uint8Array, until: number): number {
  return crc32(String(until), crc32(key));
}
