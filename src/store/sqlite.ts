// SQLite behind the tables: writes go to a thread of their own, so that no sync ever holds up a message, and are sent
// there once per turn of the event loop. Rows that every message asks for are read here, by a read-only connection: a
// look-up by key takes two microseconds, a turn of the thread twenty.
//
// A database that cannot be used is no reason to stop: what needs it fails with STORE_UNUSABLE, and the file is tried
// again.

import { once } from "node:events";
import path from "node:path";
import { Worker } from "node:worker_threads";
import type { Database, Row, Statement } from "./database.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import type { ThreadOptions, Work, WorkDone } from "./sqlite-thread.ts";
import { type StoreErrorCode, storeError } from "./store-error.ts";

export type SqliteOptions = {
  readonly file: string;
  /** Told what nobody waits for. */
  readonly onFault: (thrown: unknown) => void;
  readonly busyMs?: number;
};

// LIMIT: ten seconds for others that write; the hub waits longer for our reply.
const defaultBusyMs = 10_000;
/** Readers of a log that is written beside them never wait, but for recovery after a crash. */
const glanceBusyMs = 100;
const laterMs = 500;
const mostLater = 10_000;
const retryMs = 1000;

type Waiting = { readonly work: Work; readonly resolve: (done: WorkDone) => void };

export class Sqlite implements Database {
  readonly #options: SqliteOptions;
  #thread: Worker | undefined;
  #collected: Waiting[] = [];
  #sent: Waiting[] = [];
  #later: Statement[] = [];
  #laterTimer: NodeJS.Timeout | undefined;
  #closed = false;
  #reader: SqliteConnection | undefined;
  #readerFailed = Number.NEGATIVE_INFINITY;

  constructor(options: SqliteOptions) {
    this.#options = options;
  }

  async write(...statements: readonly Statement[]): Promise<readonly number[]> {
    const done = await this.#do({ kind: "write", statements });
    return "changes" in done ? done.changes : [];
  }

  async read(...statement: Statement): Promise<readonly Row[]> {
    const done = await this.#do({ kind: "read", statements: [statement] });
    return "rows" in done ? done.rows : [];
  }

  glance(...statement: Statement): Row | undefined {
    try {
      return this.#openReader().get(statement);
    } catch (thrown) {
      this.#reader?.close();
      this.#reader = undefined;
      throw storeError("STORE_UNUSABLE", `${this.#options.file}: ${(thrown as Error).message}`, thrown);
    }
  }

  later(...statement: Statement): void {
    if (this.#closed) return;
    if (this.#later.length === mostLater) {
      this.#options.onFault(
        storeError("STORE_UNUSABLE", `${mostLater} rows wait to be written; the oldest are dropped`),
      );
      this.#later.splice(0, mostLater / 10);
    }
    this.#later.push(statement);
    this.#laterTimer ??= setTimeout(() => this.#send(), laterMs).unref();
  }

  async close(): Promise<void> {
    this.#send();
    this.#reader?.close();
    this.#reader = undefined;
    this.#closed = true;
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.ref();
    const ended = once(thread, "exit");
    thread.postMessage("close");
    await ended;
  }

  async #do(work: Work): Promise<WorkDone> {
    if (this.#closed) throw storeError("STORE_UNUSABLE", `${this.#options.file}: was closed`);
    const done = await new Promise<WorkDone>((resolve) => {
      if (this.#collected.push({ work, resolve }) === 1) setImmediate(() => this.#send());
    });
    if (!("failure" in done)) return done;
    throw storeError((done.code as StoreErrorCode) ?? "STORE_UNUSABLE", `${this.#options.file}: ${done.failure}`);
  }

  #send(): void {
    if (this.#laterTimer !== undefined) clearTimeout(this.#laterTimer);
    this.#laterTimer = undefined;
    if (this.#later.length > 0) {
      this.#collected.push({ work: { kind: "write", statements: this.#later }, resolve: (done) => this.#tell(done) });
      this.#later = [];
    }
    if (this.#collected.length === 0) return;
    const waiting = this.#collected;
    this.#collected = [];
    this.#thread ??= this.#start();
    if (this.#sent.length === 0) this.#thread.ref();
    this.#sent.push(...waiting);
    this.#thread.postMessage(waiting.map(({ work }) => work));
  }

  #tell(done: WorkDone): void {
    if ("failure" in done)
      this.#options.onFault(storeError("STORE_UNUSABLE", `${this.#options.file}: ${done.failure}`));
  }

  #start(): Worker {
    const { file, busyMs = defaultBusyMs } = this.#options;
    const workerData: ThreadOptions = { file, busyMs };
    // The thread is a .ts file beside this one, or a .js file where the project was built.
    const entry = new URL(`./sqlite-thread${path.extname(import.meta.filename)}`, import.meta.url);
    const thread = new Worker(entry, { workerData, name: "postern store" });
    thread.unref();
    thread.on("message", (done: readonly WorkDone[]) => {
      const waiting = this.#sent.splice(0, done.length);
      if (this.#sent.length === 0 && !this.#closed) thread.unref();
      for (const [at, { resolve }] of waiting.entries()) resolve(done[at] as WorkDone);
    });
    thread.on("error", this.#options.onFault);
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
      for (const { resolve } of this.#sent.splice(0)) resolve({ failure: "the writing thread died" });
    });
    return thread;
  }

  #openReader(): SqliteConnection {
    if (this.#reader !== undefined) return this.#reader;
    if (performance.now() - this.#readerFailed < retryMs) throw new Error("it could not be opened a moment ago");
    try {
      this.#reader = new SqliteConnection(this.#options.file, { readOnly: true, busyMs: glanceBusyMs });
    } catch (thrown) {
      this.#readerFailed = performance.now();
      throw thrown;
    }
    return this.#reader;
  }
}
