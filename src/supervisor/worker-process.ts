// One worker as the supervisor sees it: a child process that beats, takes connections, and one day ends.

import { type ChildProcess, fork } from "node:child_process";
import type { Config } from "../config.ts";
import { failureOf, supervisorError, thrownOf } from "./errors.ts";
import type { Arrival, Listeners, Taker } from "./listeners.ts";
import { beatMs, type FromWorker, type ListenerName, type ToWorker, workerVariable } from "./messages.ts";

export type Death = {
  readonly worker: WorkerProcess;
  /** How it ended, in words. */
  readonly how: string;
  /** It was told to go. */
  readonly asked: boolean;
  /** It said itself why it could not start. */
  readonly told: boolean;
  /** What it had in hand may be what ended it. */
  readonly suspicious: boolean;
  readonly readyMs: number | undefined;
};

export type WorkerOptions = {
  readonly config: Config;
  readonly listeners: Listeners;
  /** How long it may give no sign of life. */
  readonly silenceMs: number;
};

export class WorkerProcess implements Taker {
  readonly since: Date = new Date();
  /** What it has to say about what it loaded; rejects where it cannot start. */
  readonly ready: Promise<readonly string[]>;
  readonly ended: Promise<Death>;
  readonly #child: ChildProcess;
  readonly #listeners: Listeners;
  readonly #silentMax: number;
  readonly #pulse: NodeJS.Timeout;
  readonly #offered = new Map<number, Arrival>();
  #silent = 0;
  #readyAt: number | undefined;
  #asked = false;
  #told = false;
  #killed = false;
  #overdue = false;

  constructor({ config, listeners, silenceMs }: WorkerOptions) {
    this.#listeners = listeners;
    this.#silentMax = Math.ceil(silenceMs / beatMs);
    this.#child = fork(process.argv[1] as string, process.argv.slice(2), {
      env: { ...process.env, [workerVariable]: config.dataDir },
      execArgv: process.execArgv,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.ended = this.#untilEnded();
    this.ready = this.#untilReady();
    this.ready.catch(() => undefined);
    // Counted in our own turns, not by the clock: a machine that slept has not made its workers silent.
    this.#pulse = setInterval(() => this.#feel(), beatMs);
    this.#send({ type: "start", config });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isReady(): boolean {
    return this.#readyAt !== undefined && !this.#asked;
  }

  /** One connection at a time is on its way to a worker; one that hangs gets no further. */
  take(arrival: Arrival, listener: ListenerName): boolean {
    if (!this.isReady || this.#offered.size > 0) return false;
    this.#offered.set(arrival.id, arrival);
    this.#send({ type: "connection", listener, id: arrival.id }, arrival);
    return true;
  }

  /** Lets it end after the messages in hand; after `withinMs` it is killed. */
  async drain(withinMs: number): Promise<void> {
    this.#asked = true;
    this.#send({ type: "drain" });
    const deadline = setTimeout(() => this.kill(), withinMs);
    await this.ended;
    clearTimeout(deadline);
  }

  kill(): void {
    this.#asked = true;
    this.#killed = true;
    this.#child.kill("SIGKILL");
  }

  #feel(): void {
    this.#silent += 1;
    if (this.#silent <= this.#silentMax) return;
    this.#overdue = true;
    this.#child.kill("SIGKILL");
  }

  #send(message: ToWorker, arrival?: Arrival): void {
    // A worker that cannot be reached has ended or will: that is told by its end, not here.
    this.#child.send(message, arrival?.socket, { keepOpen: true }, () => undefined);
  }

  #untilReady(): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      this.#child.on("message", (message: FromWorker) => {
        this.#silent = 0;
        if (message.type === "ready") {
          this.#readyAt = performance.now();
          resolve(message.lines);
        } else if (message.type === "fault") {
          this.#told = true;
          reject(thrownOf(message.failure));
        } else this.#hear(message);
      });
      void this.ended.then(({ how }) =>
        reject(supervisorError("SUPERVISOR_WORKER", "temporary", `a worker did not start: it ${how}`)),
      );
    });
  }

  #hear(message: FromWorker): void {
    if (message.type === "taken") {
      // The worker has the connection; this is only our hold on it.
      this.#offered.get(message.id)?.socket.destroy();
      this.#offered.delete(message.id);
      this.#listeners.offer();
    } else if (message.type === "listen") {
      const { listener, address } = message;
      this.#listeners.open(listener, address).then(
        (at) => this.#send({ type: "listening", listener, address: at }),
        (thrown: unknown) => this.#send({ type: "notListening", listener, failure: failureOf(thrown) }),
      );
    }
  }

  #untilEnded(): Promise<Death> {
    return new Promise((resolve) => {
      const end = (how: string, suspicious: boolean): void => {
        clearInterval(this.#pulse);
        for (const arrival of this.#offered.values()) this.#listeners.giveBack(arrival);
        this.#offered.clear();
        const readyMs = this.#readyAt === undefined ? undefined : performance.now() - this.#readyAt;
        resolve({ worker: this, how, asked: this.#asked, told: this.#told, suspicious, readyMs });
      };
      this.#child.once("error", (thrown) => {
        if (this.#child.pid === undefined) end(`could not be started: ${thrown.message}`, false);
      });
      this.#child.once("exit", (status, signal) => {
        if (this.#overdue) end(`gave no sign of life for ${(this.#silentMax * beatMs) / 1000} s and was killed`, true);
        else
          end(
            signal === null ? `ended with status ${status}` : `was ended by ${signal}`,
            status !== 0 && !this.#killed,
          );
      });
    });
  }
}
