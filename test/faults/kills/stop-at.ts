// Loaded into a gateway before its own modules (NODE_OPTIONS=--import). When a file says so, the process kills itself the
// moment the next hop's 250 for a message has come ("answer"), or the moment before it passes that on ("reply").

import { readFileSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import type { Moment } from "./victims.ts";

const file = process.env["POSTERN_TEST_STOP_FILE"];
const accepted = /^250 2\.0\.0 Ok: queued as /;

function stopIf(moment: Moment, octets: unknown): void {
  const text = Buffer.isBuffer(octets) ? octets.toString("latin1", 0, 40) : octets;
  if (file === undefined || typeof text !== "string" || !accepted.test(text)) return;
  try {
    if (readFileSync(file, "utf8") !== moment) return;
    unlinkSync(file);
  } catch {
    // Nobody asks for it, or another worker was faster.
    return;
  }
  process.kill(process.pid, "SIGKILL");
}

const { emit, write } = Socket.prototype;
Socket.prototype.emit = function (this: Socket, event: string, ...values: unknown[]): boolean {
  if (event === "data") stopIf("answer", values[0]);
  return Reflect.apply(emit, this, [event, ...values]);
} as typeof emit;
Socket.prototype.write = function (this: Socket, ...values: unknown[]): boolean {
  stopIf("reply", values[0]);
  return Reflect.apply(write, this, values);
} as typeof write;
