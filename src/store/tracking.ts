// What became of each message, a row per recipient and pass: what `postern track` finds, for thirty days. Envelope and
// outcome only, nothing of what was written inside.

import type { Database, Row, Statement } from "./database.ts";

export type TrackRow = {
  readonly id: string;
  readonly at: Date;
  readonly queueId?: string;
  readonly messageId?: string;
  readonly reversePath: string;
  readonly forwardPath: string;
  readonly reply: string;
  readonly report: object;
};

/** `text` is an id, queue id, Message-ID or address, whole; in any case */
export type TrackQuery = {
  readonly text?: string;
  readonly from?: Date;
  readonly until?: Date;
  readonly limit?: number;
};

export type Tracking = {
  /** Not waited for: written with the next commit. What cannot be written is told to `onFault`. */
  note(rows: readonly TrackRow[]): void;
  /** The latest first. */
  find(query: TrackQuery): Promise<readonly TrackRow[]>;
};

// LIMIT: the promise of `postern track`.
const keptMs = 30 * 24 * 3600_000;
const mostRows = 1000;
const columns = "at, id, queue_id, message_id, reverse_path, forward_path, reply, report";
const insert = `INSERT INTO track (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const byText = ["id", "queue_id", "message_id", "reverse_path", "forward_path"]
  .map((column) => `SELECT rowid FROM track WHERE ${column} = ?1`)
  .join(" UNION ");

export function trackingIn(database: Database): Tracking {
  return {
    note(rows) {
      for (const { at, id, queueId, messageId, reversePath, forwardPath, reply, report } of rows) {
        const values = [id, queueId ?? null, messageId ?? null, reversePath, forwardPath, reply] as const;
        database.later(insert, at.getTime(), ...values, JSON.stringify(report));
      }
    },
    async find({ text, from, until, limit = mostRows }) {
      const among = text === undefined ? "?1 IS NULL" : `rowid IN (${byText})`;
      const rows = await database.read(
        `SELECT ${columns} FROM track WHERE ${among} AND at BETWEEN ?2 AND ?3 ORDER BY at DESC, rowid DESC LIMIT ?4`,
        text ?? null,
        from?.getTime() ?? 0,
        until?.getTime() ?? Number.MAX_SAFE_INTEGER,
        limit,
      );
      return rows.map(trackRow);
    },
  };
}

export function purgeTracking(now: Date): Statement {
  const before = now.getTime() - keptMs;
  return ["DELETE FROM track WHERE rowid IN (SELECT rowid FROM track WHERE at < ? LIMIT 2000)", before];
}

function trackRow(row: Row): TrackRow {
  const { queue_id: queueId, message_id: messageId } = row;
  return {
    id: String(row["id"]),
    at: new Date(Number(row["at"])),
    ...(typeof queueId === "string" ? { queueId } : {}),
    ...(typeof messageId === "string" ? { messageId } : {}),
    reversePath: String(row["reverse_path"]),
    forwardPath: String(row["forward_path"]),
    reply: String(row["reply"]),
    report: JSON.parse(String(row["report"])) as object,
  };
}
