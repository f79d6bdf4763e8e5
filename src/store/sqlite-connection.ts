// One connection to the SQLite file. What is committed is synced: WAL with synchronous=FULL (the log is synced by every
// commit, the database by checkpoints).

import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Row, Statement } from "./database.ts";
import { migrations } from "./schema.ts";
import { storeError } from "./store-error.ts";

/** What SQLite says, in its numbers: https://www.sqlite.org/rescode.html. */
export const sqliteCode = { busy: 5, ioError: 10, full: 13, tooBig: 18, constraint: 19, mismatch: 20 } as const;

/** The primary result code of what node:sqlite threw, undefined for anything else. */
export function sqliteCodeOf(thrown: unknown): number | undefined {
  const code = (thrown as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}

const never = new Int32Array(new SharedArrayBuffer(4));
// About as long as a commit takes.
const shortestWaitMs = 0.3;

export class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #busyMs: number;
  readonly #prepared = new Map<string, StatementSync>();

  /** Throws what node:sqlite throws. */
  constructor(file: string, { readOnly, busyMs }: { readonly readOnly: boolean; readonly busyMs: number }) {
    if (!readOnly) createPrivate(file);
    this.#busyMs = busyMs;
    this.#database = new DatabaseSync(file, { readOnly, timeout: 0 });
    try {
      this.#patiently(() => this.#prepareFile(readOnly));
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  run([sql, ...values]: Statement): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  all([sql, ...values]: Statement): readonly Row[] {
    return this.#patiently(() => this.#prepare(sql).all(...values)) as unknown as readonly Row[];
  }

  get([sql, ...values]: Statement): Row | undefined {
    return this.#patiently(() => this.#prepare(sql).get(...values)) as unknown as Row | undefined;
  }

  /** All or nothing: what `work` throws undoes what it did. */
  transaction<Result>(work: () => Result): Result {
    this.#patiently(() => this.#exec("BEGIN IMMEDIATE"));
    try {
      const result = work();
      this.#exec("COMMIT");
      return result;
    } catch (thrown) {
      if (this.#database.isTransaction) this.#exec("ROLLBACK");
      throw thrown;
    }
  }

  close(): void {
    this.#prepared.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepareFile(readOnly: boolean): void {
    this.#database.exec("PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY");
    if (readOnly) return;
    this.#database.exec("PRAGMA journal_mode = WAL");
    this.#migrate();
  }

  #migrate(): void {
    const version = (): number => Number(this.get(["PRAGMA user_version"])?.["user_version"]);
    if (version() > migrations.length) throw storeError("STORE_NEWER", "made by a newer version of this program");
    if (version() === migrations.length) return;
    this.transaction(() => {
      // Another process may have been here first: what counts is what the lock shows.
      for (const migration of migrations.slice(version())) this.#database.exec(migration);
      this.#database.exec(`PRAGMA user_version = ${migrations.length}`);
    });
  }

  /**
   * Tries again while another process has the lock. SQLite's own way waits ever longer, up to 100 ms, and so finds the
   * short gaps between the commits of a busy neighbour only by luck: waits of up to a second were seen.
   */
  #patiently<Result>(act: () => Result): Result {
    for (const until = performance.now() + this.#busyMs; ; ) {
      try {
        return act();
      } catch (thrown) {
        if (sqliteCodeOf(thrown) !== sqliteCode.busy || performance.now() >= until) throw thrown;
        Atomics.wait(never, 0, 0, shortestWaitMs + Math.random() * shortestWaitMs);
      }
    }
  }

  #exec(sql: "BEGIN IMMEDIATE" | "COMMIT" | "ROLLBACK"): void {
    this.#prepare(sql).run();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

/** SQLite gives its other files the mode of the first. A file that is there is left alone: closing it drops locks. */
function createPrivate(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
  }
}
