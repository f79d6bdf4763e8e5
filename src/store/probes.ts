// Probes that came through: `postern check` sends them around the chain and asks here where they were seen.

import type { Database, Statement } from "./database.ts";

export type ProbeSeen = {
  readonly side: "inside" | "outside";
  readonly at: Date;
  readonly reversePath: string;
};

export type ProbeStore = {
  note(token: string, seen: ProbeSeen): Promise<void>;
  /** In the order they came. */
  find(token: string): Promise<readonly ProbeSeen[]>;
};

const keptMs = 24 * 3600_000;

export function probesIn(database: Database): ProbeStore {
  return {
    async note(token, { side, at, reversePath }) {
      const insert = "INSERT INTO probe (token, side, at, reverse_path) VALUES (?, ?, ?, ?)";
      await database.write([insert, token, side, at.getTime(), reversePath]);
    },
    async find(token) {
      const rows = await database.read(
        "SELECT side, at, reverse_path FROM probe WHERE token = ? ORDER BY rowid",
        token,
      );
      return rows.map((row) => ({
        side: row["side"] === "inside" ? "inside" : "outside",
        at: new Date(Number(row["at"])),
        reversePath: String(row["reverse_path"]),
      }));
    },
  };
}

export function purgeProbes(now: Date): Statement {
  return ["DELETE FROM probe WHERE at < ?", now.getTime() - keptMs];
}
