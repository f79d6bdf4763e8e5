// Domains of members that were seen in the directory, so that one whose entry vanishes is still known after a restart.

import type { Remembered } from "../directory.ts";
import { goneWaitsMs } from "../directory.ts";
import type { DomainName } from "../domain.ts";
import type { Database, Row, Statement } from "./database.ts";
import { SqliteConnection } from "./sqlite-connection.ts";

export type MemberStore = {
  list(): Promise<readonly Remembered[]>;
  /** Resolves when it is synced, with the domains of which nobody had noted before that they are gone. */
  note(changed: readonly Remembered[], forgotten: readonly DomainName[]): Promise<readonly DomainName[]>;
};

const select = "SELECT domain, subdomains, gone FROM member";
const present = `INSERT INTO member (domain, subdomains) VALUES (?, ?)
  ON CONFLICT (domain) DO UPDATE SET subdomains = excluded.subdomains, gone = NULL`;
// Who misses it first says since when.
const known = "INSERT OR IGNORE INTO member (domain, subdomains) VALUES (?, ?)";
const missed = "UPDATE member SET gone = ? WHERE domain = ? AND gone IS NULL";

export function membersIn(database: Database): MemberStore {
  return {
    list: async () => (await database.read(select)).map(parseRow),
    async note(changed, forgotten) {
      const gone = changed.filter((one) => one.gone !== undefined);
      const statements: Statement[] = [
        ...gone.map(({ domain, gone }): Statement => [missed, gone?.getTime() ?? 0, domain]),
        ...changed
          .filter((one) => one.gone === undefined)
          .map(({ domain, subdomains }): Statement => [present, domain, Number(subdomains)]),
        ...forgotten.map((domain): Statement => ["DELETE FROM member WHERE domain = ?", domain]),
      ];
      const inserts = gone.map(({ domain, subdomains }): Statement => [known, domain, Number(subdomains)]);
      if (inserts.length + statements.length === 0) return [];
      const changes = await database.write(...inserts, ...statements);
      return gone.flatMap(({ domain }, at) => (changes[inserts.length + at] === 1 ? [domain] : []));
    },
  };
}

/** For commands that only look: nothing where there is no store, or none that can be read. */
export function membersInFile(file: string): readonly Remembered[] {
  let connection: SqliteConnection | undefined;
  try {
    connection = new SqliteConnection(file, { readOnly: true, busyMs: 1000 });
    return connection.all([select]).map(parseRow);
  } catch {
    return [];
  } finally {
    connection?.close();
  }
}

export function purgeMembers(now: Date): Statement {
  return ["DELETE FROM member WHERE gone < ?", now.getTime() - goneWaitsMs];
}

function parseRow({ domain, subdomains, gone }: Row): Remembered {
  return {
    domain: String(domain) as DomainName,
    subdomains: subdomains === 1,
    ...(gone === null ? {} : { gone: new Date(Number(gone)) }),
  };
}
