// The thread that writes. Everything that is waiting when it comes round goes into one transaction and one sync (group
// commit): alone a commit costs the disk's latency, under load many share it.

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { Row, Statement } from "./database.ts";
import { SqliteConnection, sqliteCode, sqliteCodeOf } from "./sqlite-connection.ts";

export type ThreadOptions = { readonly file: string; readonly busyMs: number };

export type Work = { readonly kind: "write" | "read"; readonly statements: readonly Statement[] };

/** What is sent to the thread. */
export type Message = readonly Work[] | "close";

/** What became of each work, in the order the works were sent. */
export type WorkDone =
  | { readonly changes: readonly number[] }
  | { readonly rows: readonly Row[] }
  | { readonly failure: string; readonly code?: string };

// LIMIT: after a fault the file is opened again at most this often.
const retryMs = 1000;

class Writer {
  readonly #options: ThreadOptions;
  #connection: SqliteConnection | undefined;
  #failure: { readonly at: number; readonly thrown: unknown } | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  handle(works: readonly Work[]): readonly WorkDone[] {
    const done = new Map<Work, WorkDone>();
    const writes = works.filter(({ kind }) => kind !== "read");
    if (writes.length > 0) this.#writeTogether(writes, done);
    return works.map((work) => done.get(work) ?? this.#read(work));
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #writeTogether(works: readonly Work[], done: Map<Work, WorkDone>): void {
    try {
      const connection = this.#open();
      const changes = connection.transaction(() =>
        works.map(({ statements }) => statements.map((s) => connection.run(s))),
      );
      for (const [at, work] of works.entries()) done.set(work, { changes: changes[at] ?? [] });
    } catch (thrown) {
      // One work that cannot be done must not undo the others'.
      const alone = works.length > 1 && !ofAllWorks.has(sqliteCodeOf(thrown) ?? 0);
      if (alone) for (const work of works) this.#writeTogether([work], done);
      else for (const work of works) done.set(work, this.#failed(thrown));
    }
  }

  #read({ statements: [statement] }: Work): WorkDone {
    try {
      return { rows: statement === undefined ? [] : this.#open().all(statement) };
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  #open(): SqliteConnection {
    if (this.#connection !== undefined) return this.#connection;
    if (this.#failure !== undefined && performance.now() - this.#failure.at < retryMs) throw this.#failure.thrown;
    try {
      this.#connection = new SqliteConnection(this.#options.file, { readOnly: false, busyMs: this.#options.busyMs });
    } catch (thrown) {
      this.#failure = { at: performance.now(), thrown };
      throw thrown;
    }
    return this.#connection;
  }

  #failed(thrown: unknown): WorkDone {
    if (!harmless.has(sqliteCodeOf(thrown) ?? 0)) this.close();
    const { message, code } = thrown as { message: string; code?: string };
    return { failure: message, ...(typeof code === "string" && code.startsWith("STORE_") ? { code } : {}) };
  }
}

/** These would befall each of the works, and cost their time again. */
const ofAllWorks: ReadonlySet<number> = new Set([sqliteCode.busy, sqliteCode.ioError]);
/**
 * After these the connection is as good as before. Of a sync that failed the connection knows that it counts for
 * nothing; one that is opened anew would find the log in the system's cache and believe it.
 */
const harmless: ReadonlySet<number> = new Set([
  sqliteCode.busy,
  sqliteCode.ioError,
  sqliteCode.full,
  sqliteCode.tooBig,
  sqliteCode.constraint,
  sqliteCode.mismatch,
]);

const port = parentPort;
if (port !== null) {
  const writer = new Writer(workerData as ThreadOptions);
  port.on("message", (first: Message) => {
    const works: Work[] = [];
    let last = false;
    const take = (message: Message): void => {
      if (message === "close") last = true;
      else works.push(...message);
    };
    take(first);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      take(next.message as Message);
    }
    if (works.length > 0) port.postMessage(writer.handle(works));
    if (!last) return;
    writer.close();
    port.close();
  });
}
