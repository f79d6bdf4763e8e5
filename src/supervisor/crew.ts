// A set of workers with one configuration: all of them up, or a new one in the place of each that died.

import { type Config, shareOf } from "../config.ts";
import type { SocketAddress } from "../smtp.ts";
import { accuse } from "./accuse.ts";
import type { Listeners } from "./listeners.ts";
import type { ListenerName } from "./messages.ts";
import { type Death, WorkerProcess } from "./worker-process.ts";

export type CrewOptions = {
  readonly size: number;
  readonly listeners: Listeners;
  readonly silenceMs: number;
  readonly log: (line: string) => void;
};

const restartsAtOnce = 3;
const firstPauseMs = 1000;
const longestPauseMs = 30_000;

export class Crew {
  readonly config: Config;
  readonly #options: CrewOptions;
  readonly #pauses = new Set<NodeJS.Timeout>();
  #workers: readonly WorkerProcess[] = [];
  #serving = false;
  #ending = false;
  #hurried = 0;

  constructor(config: Config, options: CrewOptions) {
    this.config = config;
    this.#options = options;
  }

  get workers(): readonly WorkerProcess[] {
    return this.#workers;
  }

  /** All workers up, or none and the first reason. Gives what they have to say about what they loaded. */
  async start(): Promise<readonly string[]> {
    const workers = Array.from({ length: this.#options.size }, () => this.#add());
    try {
      const [lines = []] = await Promise.all(workers.map(({ ready }) => ready));
      return lines;
    } catch (thrown) {
      await this.end(0);
      throw thrown;
    }
  }

  /** Connections are its from now on. */
  serve(): void {
    this.#serving = true;
    this.#handOver();
  }

  /** No more connections; ends when the messages in hand are done, at the latest after `withinMs`. */
  async end(withinMs: number): Promise<void> {
    this.#ending = true;
    this.#serving = false;
    for (const pause of this.#pauses) clearTimeout(pause);
    await Promise.all(
      this.#workers.map((worker) => {
        if (withinMs > 0) return worker.drain(withinMs);
        worker.kill();
        return worker.ended;
      }),
    );
  }

  #add(): WorkerProcess {
    const { listeners, silenceMs, size } = this.#options;
    const worker = new WorkerProcess({ config: shareOf(this.config, size), listeners, silenceMs });
    this.#workers = [...this.#workers, worker];
    worker.ended.then((death) => this.#bury(death)).catch(this.#failed);
    return worker;
  }

  async #bury(death: Death): Promise<void> {
    const { log } = this.#options;
    const { worker, how, asked, told, suspicious } = death;
    this.#workers = this.#workers.filter((other) => other !== worker);
    this.#handOver();
    if (suspicious && !told) log(`worker ${worker.pid} ${how}`);
    await accuse(this.config, String(worker.pid), suspicious, log);
    if (asked || this.#ending) return;
    // The first start is the whole crew's, and fails as a whole.
    if (!this.#serving && death.readyMs === undefined) return;
    const pauseMs = this.#pauseAfter(death);
    if (pauseMs > 0) log(`a new worker in ${pauseMs / 1000} s`);
    const pause = setTimeout(() => {
      this.#pauses.delete(pause);
      this.#replace();
    }, pauseMs);
    this.#pauses.add(pause);
  }

  #replace(): void {
    if (this.#ending) return;
    const worker = this.#add();
    worker.ready.then(
      () => {
        this.#options.log(`worker ${worker.pid} is ready in place of one that died`);
        this.#handOver();
      },
      (thrown: unknown) => this.#failed(thrown),
    );
  }

  readonly #failed = (thrown: unknown): void => this.#options.log(`a worker cannot start: ${thrown}`);

  /** None after a life of work; growing where one start after the other fails or lasts less than a second. */
  #pauseAfter({ readyMs }: Death): number {
    this.#hurried = readyMs !== undefined && readyMs >= 1000 ? 0 : this.#hurried + 1;
    const late = this.#hurried - (readyMs === undefined ? 1 : restartsAtOnce + 1);
    return late < 0 ? 0 : Math.min(firstPauseMs * 2 ** late, longestPauseMs);
  }

  #handOver(): void {
    if (!this.#serving) return;
    const { inside, outside } = this.config.listen;
    const addresses = new Map<ListenerName, SocketAddress>([
      ["inside", inside.address],
      ["outside", outside.address],
    ]);
    this.#options.listeners.handTo(this.#workers, addresses);
  }
}
