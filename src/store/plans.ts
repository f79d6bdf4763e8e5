// What was decided about a message when it was first seen; a retry, which carries only what is left, keeps to it.

import { crc32 } from "node:zlib";
import type { Database, Row, Statement } from "./database.ts";
import { storeError } from "./store-error.ts";

export type Plan = {
  readonly firstSeen: Date;
  /** By recipient: a keyed hash, and what was to be done with the mail for it. */
  readonly treatments: readonly { readonly key: Uint8Array; readonly kind: string }[];
};

export type Plans = {
  /** Throws STORE_UNUSABLE, and STORE_ENTRY for a plan that was altered: it may have said "protect". */
  find(key: Uint8Array): Promise<Plan | undefined>;
  /** The first plan of a message stays, and is returned. Resolves when it is synced. */
  keep(key: Uint8Array, plan: Plan, until: Date): Promise<Plan>;
};

const select = "SELECT until, plan, checksum FROM plan WHERE key = ?";
const insert = "INSERT OR IGNORE INTO plan (key, until, plan, checksum) VALUES (?, ?, ?, ?)";

export function plansIn(database: Database): Plans {
  const find = (key: Uint8Array): Plan | undefined => {
    const row = database.glance(select, key);
    return row === undefined ? undefined : parsePlan(key, row);
  };
  return {
    find: async (key) => find(key),
    async keep(key, plan, until) {
      const text = formatPlan(plan);
      const [kept] = await database.write([insert, key, until.getTime(), text, checksum(key, text)]);
      return kept === 1 ? plan : (find(key) ?? plan);
    },
  };
}

export function purgePlans(now: Date): Statement {
  return ["DELETE FROM plan WHERE key IN (SELECT key FROM plan WHERE until < ? LIMIT 500)", now.getTime()];
}

function formatPlan({ firstSeen, treatments }: Plan): string {
  const pairs = treatments.map(({ key, kind }) => [Buffer.from(key).toString("base64"), kind]);
  return JSON.stringify([firstSeen.getTime(), pairs]);
}

function parsePlan(key: Uint8Array, row: Row): Plan {
  const text = String(row["plan"]);
  if (row["checksum"] !== checksum(key, text)) throw storeError("STORE_ENTRY", "a plan is not what was written");
  const [firstSeen, pairs] = JSON.parse(text) as [number, [string, string][]];
  return {
    firstSeen: new Date(firstSeen),
    treatments: pairs.map(([hash, kind]) => ({ key: Buffer.from(hash, "base64"), kind })),
  };
}

function checksum(key: Uint8Array, plan: string): number {
  return crc32(plan, crc32(key));
}
