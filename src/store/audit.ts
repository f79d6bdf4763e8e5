// What people did: who, when, what, to what. Rows are only ever added.

import type { Database, Statement } from "./database.ts";

export type AuditEntry = {
  readonly at: Date;
  readonly by: string;
  readonly act: string;
  readonly subject: string;
};

export type AuditLog = {
  /** Resolves when the entry is synced. */
  note(entry: AuditEntry): Promise<void>;
  /** In the order they were made; `since`: none from before. */
  list(since?: Date): Promise<readonly AuditEntry[]>;
};

export function auditIn(database: Database): AuditLog {
  return {
    async note(entry) {
      await database.write(auditStatement(entry));
    },
    async list(since = new Date(0)) {
      const select = "SELECT at, by, act, subject FROM audit WHERE at >= ? ORDER BY number";
      const rows = await database.read(select, since.getTime());
      return rows.map((row) => ({
        at: new Date(Number(row["at"])),
        by: String(row["by"]),
        act: String(row["act"]),
        subject: String(row["subject"]),
      }));
    },
  };
}

/** For acts that must not be without their entry: goes into the same transaction. */
export function auditStatement({ at, by, act, subject }: AuditEntry): Statement {
  return ["INSERT INTO audit (at, by, act, subject) VALUES (?, ?, ?, ?)", at.getTime(), by, act, subject];
}
