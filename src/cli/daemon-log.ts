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

let waiting = "";

/** Lines of one turn of the event loop go out together: each write is a call to the system. */
export function write(line: string): void {
  if (waiting === "") setImmediate(flush);
  waiting += `${line}\n`;
}

function flush(): void {
  const lines = waiting;
  waiting = "";
  if (lines !== "") process.stdout.write(lines);
}

// What was said last before a worker ends by a bug is what somebody will look for.
process.on("exit", flush);
