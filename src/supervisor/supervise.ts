// The life of a gateway: start, reload, stop.

import { availableParallelism } from "node:os";
import { type Config, spillFault } from "../config.ts";
import { accuseFormer, endOrphans } from "./accuse.ts";
import { Crew } from "./crew.ts";
import { supervisorError } from "./errors.ts";
import { Listeners } from "./listeners.ts";
import { answerStatus, type GatewayStatus } from "./status.ts";

export type SupervisorOptions = {
  /** Reads and checks the configuration again, on SIGHUP. */
  readonly reread: () => Promise<Config>;
  readonly log: (line: string) => void;
  /** How long a worker may give no sign of life; half a minute. */
  readonly silenceMs?: number;
};

const silenceMs = 30_000;
const drainMs = 30_000;
// Whoever stops a service waits for it; nobody waits for those that a reload replaced.
const drainAfterReloadMs = 600_000;

/** How many workers a gateway has here. */
export function crewSize({ workers }: Config): number {
  return workers ?? availableParallelism();
}

/** Runs a gateway until SIGTERM or SIGINT. Throws where the first start fails. */
export async function supervise(config: Config, options: SupervisorOptions): Promise<void> {
  const supervisor = new Supervisor(config, options);
  try {
    await supervisor.run();
  } finally {
    supervisor.dispose();
  }
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #listeners: Listeners;
  readonly #since = new Date();
  readonly #retired = new Set<Crew>();
  readonly #stopping = new AbortController();
  #crew: Crew;
  #next: Crew | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #orphansEnd: NodeJS.Timeout | undefined;
  #stopAnswering = (): void => undefined;

  constructor(config: Config, options: SupervisorOptions) {
    this.#options = options;
    this.#listeners = new Listeners((thrown) => options.log(`listener: ${thrown}`));
    this.#crew = this.#newCrew(config);
  }

  async run(): Promise<void> {
    const stopped = this.#untilStopped();
    const { config } = this.#crew;
    const { log } = this.#options;
    this.#stopAnswering = await answerStatus(config.dataDir, () => this.#status());
    const orphans = await accuseFormer(config, log);
    this.#orphansEnd = setTimeout(() => void endOrphans(config, orphans, log), drainMs);
    const started = this.#crew.start();
    started.catch(() => undefined);
    if ((await Promise.race([started, stopped])) !== "stop") {
      this.#begin(this.#crew, await started);
      await stopped;
    }
    await this.#stop();
  }

  dispose(): void {
    clearTimeout(this.#orphansEnd);
    this.#stopAnswering();
    this.#listeners.close();
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.removeAllListeners(signal);
  }

  #newCrew(config: Config): Crew {
    const { log } = this.#options;
    const size = crewSize(config);
    const fault = spillFault(config.limits, size);
    if (fault !== undefined) throw supervisorError("SUPERVISOR_LIMITS", "permanent", `limits.spill: ${fault}`);
    return new Crew(config, {
      size,
      listeners: this.#listeners,
      silenceMs: this.#options.silenceMs ?? silenceMs,
      log,
    });
  }

  #begin(crew: Crew, lines: readonly string[]): void {
    this.#crew = crew;
    crew.serve();
    lines.forEach(this.#options.log);
  }

  /** The new world is built and checked first; whatever is wrong with it, the old one stays. */
  async #reload(): Promise<void> {
    const { reread, log } = this.#options;
    const started = performance.now();
    try {
      const config = await reread();
      if (config.dataDir !== this.#crew.config.dataDir)
        throw supervisorError("SUPERVISOR_RESTART", "permanent", "dataDir is another: that needs a restart");
      this.#next = this.#newCrew(config);
      const lines = await this.#next.start();
      const old = this.#crew;
      this.#retired.add(old);
      this.#begin(this.#next, lines);
      this.#listeners.closeOthers();
      log(`reloaded in ${Math.round(performance.now() - started)} ms`);
      void old.end(drainAfterReloadMs).finally(() => this.#retired.delete(old));
    } catch (thrown) {
      if (this.#stopping.signal.aborted) return;
      this.#listeners.closeOthers();
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      for (const line of reason.split("\n")) log(`not reloaded: ${line}`);
      log("the configuration as it was stays in force");
    } finally {
      this.#next = undefined;
    }
  }

  async #stop(): Promise<void> {
    const { log } = this.#options;
    log("stopping: the messages in hand are finished first");
    this.#listeners.close();
    await Promise.all([this.#next?.end(0), ...[this.#crew, ...this.#retired].map((crew) => crew.end(drainMs))]);
    log("stopped");
  }

  #untilStopped(): Promise<"stop"> {
    process.on("SIGHUP", () => {
      this.#reloading = this.#reloading.then(() => (this.#stopping.signal.aborted ? undefined : this.#reload()));
    });
    return new Promise((resolve) => {
      for (const signal of ["SIGTERM", "SIGINT"] as const)
        process.on(signal, () => {
          this.#stopping.abort();
          resolve("stop");
        });
    });
  }

  #status(): GatewayStatus {
    const workers = this.#crew.workers.flatMap(({ pid, isReady, since }) =>
      pid === undefined ? [] : [{ pid, ready: isReady, since: since.toISOString() }],
    );
    return { ready: workers.some(({ ready }) => ready), pid: process.pid, since: this.#since.toISOString(), workers };
  }
}
