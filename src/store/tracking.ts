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

/** `text` is an id of ours or the hub's, a Message-ID with or without its brackets, or an address, in any case. */
export type TrackQuery = {
  readonly text?: string;
  readonly from?: Date;
  readonly until?: Date;
  readonly limit?: number;
};

export type Tracking = {
  /** Not waited for: written within a second. What cannot be written is told to `onFault`. */
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
  .map((column) => `SELECT rowid FROM track WHERE ${column} IN (?1, ?2)`)
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
      const among = text === undefined ? "?1 IS NULL AND ?2 IS NULL" : `rowid IN (${byText})`;
      const rows = await database.read(
        `SELECT ${columns} FROM track
          WHERE ${among} AND at BETWEEN ?3 AND ?4 ORDER BY at DESC, rowid DESC LIMIT ?5`,
        text ?? null,
        text === undefined ? null : bracketed(text),
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
  return ["DELETE FROM track WHERE rowid IN (SELECT rowid FROM track WHERE at < ? LIMIT 500)", before];
}

/** The other way to write it: a Message-ID without its brackets, or in them; an address likewise. */
function bracketed(text: string): string {
  return text.startsWith("<") && text.endsWith(">") ? text.slice(1, -1) : `<${text}>`;
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
    report: reportIn(String(row["report"])),
  };
}

/** One row that was altered on the disk must not hide the others. */
function reportIn(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return { code: "STORE_ENTRY" };
  }
}
