// The log of the daemon: lines on standard output, for whatever collects them.

import type { LogFormat } from "../gateway.ts";

export type Log = (text: string) => void;

/** What there is to say beside the lines of messages: one line each, whatever is in it (security.md A41). */
export function logIn(format: LogFormat): Log {
  return (text) => {
    const plain = text
      .replaceAll("\n", " | ")
      .replace(/[^\x20-\x7e]/g, "?")
      .slice(0, 2000);
    const entry = { time: new Date().toISOString(), program: "postern", pid: process.pid, message: plain };
    write(format === "json" ? JSON.stringify(entry) : `postern[${process.pid}]: ${plain}`);
  };
}

// Who reads the log may go; mail goes on.
process.stdout.on("error", () => undefined);

export function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
