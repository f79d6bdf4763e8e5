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
import { SqliteConnection, sqliteCode, sqliteCodeOf } from "./sqlite-connection.ts";
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
// Rows that nobody waits for go many at a time: in the fives of small commits their indexes cost five times as much, and
// a thousand in one are a third cheaper again than a hundred.
const laterMs = 1000;
const laterAtOnce = 1024;
// LIMIT: some megabytes, for a disk that hangs.
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
  #laterSent = 0;
  #laterLost = false;
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
    this.#sendLater();
    const done = await this.#do({ kind: "read", statements: [statement] });
    return "rows" in done ? done.rows : [];
  }

  glance(...statement: Statement): Row | undefined {
    try {
      return this.#openReader().get(statement);
    } catch (thrown) {
      // What was read wrongly may still be in its memory.
      if (sqliteCodeOf(thrown) !== sqliteCode.busy) this.#closeReader();
      throw storeError("STORE_UNUSABLE", `${this.#options.file}: ${(thrown as Error).message}`, thrown);
    }
  }

  later(...statement: Statement): void {
    if (this.#closed) return;
    if (this.#laterSent + this.#later.length >= mostLater) {
      if (!this.#laterLost) this.#tell({ failure: `${mostLater} rows wait to be written, more are not taken` });
      this.#laterLost = true;
      return;
    }
    this.#later.push(statement);
    if (this.#later.length >= laterAtOnce) this.#sendLater();
    else this.#laterTimer ??= setTimeout(() => this.#sendLater(), laterMs).unref();
  }

  async close(): Promise<void> {
    this.#sendLater();
    this.#send();
    this.#closeReader();
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

  #sendLater(): void {
    clearTimeout(this.#laterTimer);
    this.#laterTimer = undefined;
    const statements = this.#later;
    if (statements.length === 0) return;
    this.#later = [];
    this.#laterSent += statements.length;
    const resolve = (done: WorkDone): void => {
      this.#laterSent -= statements.length;
      this.#laterLost = false;
      this.#tell(done);
    };
    this.#collected.push({ work: { kind: "write", statements }, resolve });
    this.#send();
  }

  #send(): void {
    if (this.#collected.length === 0) return;
    const waiting = this.#collected;
    this.#collected = [];
    try {
      this.#thread ??= this.#start();
    } catch (thrown) {
      for (const { resolve } of waiting) resolve({ failure: `no thread: ${(thrown as Error).message}` });
      return;
    }
    if (this.#sent.length === 0) this.#thread.ref();
    for (const each of waiting) this.#sent.push(each);
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
    const thread = new Worker(entry, { workerData, execArgv: [], name: "postern store" });
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

  #closeReader(): void {
    this.#reader?.close();
    this.#reader = undefined;
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
