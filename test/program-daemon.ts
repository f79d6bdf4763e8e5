// `postern gateway` as a service manager runs it, for tests that ask it something.

import { spawn } from "node:child_process";
import path from "node:path";

export type Daemon = {
  /** Where it listens, as it said. */
  readonly inside: number;
  readonly outside: number;
  output(): string;
  /** SIGTERM, and the exit status. */
  stop(): Promise<number | null>;
};

const program = path.resolve(import.meta.dirname, "../src/main.ts");
const startMs = 30_000;

export async function startDaemon(config: string): Promise<Daemon> {
  const child = spawn(process.execPath, [program, "gateway", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (said: string) => {
      output += said;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const stop = (): Promise<number | null> => {
    child.kill("SIGTERM");
    return ended;
  };
  const ports = /ready for .*: inside [\d.]+:(\d+), outside [\d.]+:(\d+)/;
  for (const until = Date.now() + startMs; Date.now() < until && child.exitCode === null; ) {
    const found = ports.exec(output);
    if (found !== null) return { inside: Number(found[1]), outside: Number(found[2]), output: () => output, stop };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await stop();
  throw new Error(`the gateway did not become ready: ${output}`);
}
