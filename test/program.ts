// bin/postern as a shell starts it: octets in, octets out, an exit status.

import { spawn } from "node:child_process";
import path from "node:path";

export type Run = { readonly status: number | null; readonly stdout: Buffer; readonly stderr: string };

const launcher = path.resolve(import.meta.dirname, "../bin/postern");

export function runPostern(args: readonly string[], input: Uint8Array = Buffer.alloc(0)): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
    child.once("error", reject);
    child.once("close", (status) => {
      resolve({ status, stdout: Buffer.concat(out), stderr: Buffer.concat(said).toString("utf8") });
    });
    // A program that refuses its options does not read its input.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
