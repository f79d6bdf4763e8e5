// What supervisor and workers say to each other. Types only.

import type { Config } from "../config.ts";
import type { SocketAddress } from "../smtp.ts";

/** A failure on its way between processes; an exception loses its class there. */
export type Failure = { readonly code: string; readonly fault: "temporary" | "permanent"; readonly message: string };

/** Which of a gateway's listeners. */
export type ListenerName = "inside" | "outside";

export type ToWorker =
  | { readonly type: "start"; readonly config: Config }
  | { readonly type: "listening"; readonly listener: ListenerName; readonly address: SocketAddress }
  | { readonly type: "notListening"; readonly listener: ListenerName; readonly failure: Failure }
  /** With the socket. */
  | { readonly type: "connection"; readonly listener: ListenerName; readonly id: number }
  /** Take no more, end after the messages in hand. */
  | { readonly type: "drain" };

export type FromWorker =
  /** Each second: the event loop turns. */
  | { readonly type: "beat" }
  | { readonly type: "listen"; readonly listener: ListenerName; readonly address: SocketAddress }
  /** The connection is the worker's now. */
  | { readonly type: "taken"; readonly id: number }
  /** `lines` are what there is to say about what was loaded. */
  | { readonly type: "ready"; readonly lines: readonly string[] }
  /** It cannot start, and ends. */
  | { readonly type: "fault"; readonly failure: Failure };

export const beatMs = 1000;
/** The variable of the environment by which a process is known as a worker: the data folder it works on. */
export const workerVariable = "POSTERN_WORKER";
