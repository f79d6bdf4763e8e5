// What the tables need of a database, whichever it is. Types only.

export type Value = string | number | Uint8Array | null;
export type Statement = readonly [sql: string, ...values: readonly Value[]];
export type Row = Readonly<Record<string, Value>>;

export type Database = {
  /** All of the statements or none; resolves when they are synced, with the number of rows that each changed. */
  write(...statements: readonly Statement[]): Promise<readonly number[]>;
  /** Rows, after every write that was resolved before. */
  read(...statement: Statement): Promise<readonly Row[]>;
  /** One row by its key, at once: cheaper than a turn of the thread, so only for what every message asks. */
  glance(...statement: Statement): Row | undefined;
  /** A write that nobody waits for; it goes with the next one, or soon. */
  later(...statement: Statement): void;
  close(): Promise<void>;
};
