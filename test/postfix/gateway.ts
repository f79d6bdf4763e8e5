// `bin/postern gateway` as a service manager starts it.

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const launcher = path.resolve(import.meta.dirname, "../../bin/postern");

export class GatewayProcess {
  readonly configFile: string;
  readonly #logFile: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #options: readonly string[];
  #child: ChildProcess | undefined;
  #ready = 0;

  private constructor(configFile: string, environment: NodeJS.ProcessEnv, options: readonly string[]) {
    this.configFile = configFile;
    this.#logFile = `${configFile}.log`;
    this.#environment = environment;
    this.#options = options;
  }

  static async start(
    configFile: string,
    environment: NodeJS.ProcessEnv = {},
    options: readonly string[] = [],
  ): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(configFile, environment, options);
    await gateway.restart();
    return gateway;
  }

  async restart(): Promise<void> {
    const command = [process.execPath, launcher, "gateway", "--config", this.configFile, ...this.#options];
    const child = spawn("setpriv", ["--pdeathsig", "TERM", ...command], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#environment },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (octets: Buffer) => appendFileSync(this.#logFile, octets));
    }
    this.#ready += 1;
    for (let tries = 0; this.#timesReady() < this.#ready; tries += 1) {
      if (tries > 800 || child.exitCode !== null) {
        child.kill("SIGKILL");
        throw new Error(`the gateway does not start: ${this.log()}`);
      }
      await sleep(25);
    }
  }

  /** SIGTERM drains; resolves with the exit status. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    child.kill(signal);
    return ended;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  log(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, "utf8") : "";
  }

  /** Resolves when the log says so. */
  async says(pattern: RegExp, ms: number = 10_000): Promise<RegExpExecArray> {
    for (let waited = 0; waited < ms; waited += 25) {
      const found = pattern.exec(this.log());
      if (found !== null) return found;
      await sleep(25);
    }
    throw new Error(`${pattern} was not said in ${ms} ms`);
  }

  #timesReady(): number {
    return this.log().match(/ready for /g)?.length ?? 0;
  }
}
