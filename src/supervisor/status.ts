// How the gateway is, for whoever connects to `gateway.sock` in its data folder: one JSON object, and the end.

import { chmod, mkdir } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { supervisorError } from "./errors.ts";
import { removeStaleSocket } from "./listeners.ts";

export type GatewayStatus = {
  /** At least one worker takes mail. */
  readonly ready: boolean;
  readonly pid: number;
  readonly since: string;
  readonly workers: readonly { readonly pid: number; readonly ready: boolean; readonly since: string }[];
};

const answerMs = 2000;
// LIMIT: sun_path holds 108 octets, one of them for the end.
const longestSocketPath = 107;

function socketIn(dataDir: string): string {
  return path.join(dataDir, "gateway.sock");
}

/** Answers from now on. Two gateways on one folder would both make what only one may: the second is refused. */
export async function answerStatus(dataDir: string, status: () => GatewayStatus): Promise<() => void> {
  const socket = socketIn(dataDir);
  if (Buffer.byteLength(socket) > longestSocketPath) {
    const limit = `a path of at most ${longestSocketPath} octets`;
    throw supervisorError(
      "SUPERVISOR_FOLDER",
      "permanent",
      `dataDir: ${socket} must be ${limit}; choose a shorter one`,
    );
  }
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await removeStaleSocket(socket);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw supervisorError("SUPERVISOR_FOLDER", "permanent", `dataDir: ${dataDir} cannot be made (${code})`, { cause });
  }
  const server = createServer((client) => {
    client.on("error", () => undefined);
    client.end(`${JSON.stringify(status())}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(cannotAnswer(dataDir, cause)));
    server.listen(socket, resolve);
  });
  await chmod(socket, 0o600);
  return () => server.close();
}

function cannotAnswer(dataDir: string, cause: NodeJS.ErrnoException): Error {
  return cause.code === "EADDRINUSE"
    ? supervisorError("SUPERVISOR_RUNNING", "temporary", `a gateway already runs on ${dataDir}`, { cause })
    : supervisorError("SUPERVISOR_FOLDER", "permanent", `dataDir: ${dataDir} cannot be used (${cause.code})`, {
        cause,
      });
}

/** How the gateway on this folder is; undefined where none answers. */
export async function readStatus(dataDir: string): Promise<GatewayStatus | undefined> {
  const socket = createConnection(socketIn(dataDir));
  socket.setTimeout(answerMs, () => socket.destroy(new Error("no answer")));
  try {
    return JSON.parse(await text(socket)) as GatewayStatus;
  } catch {
    return undefined;
  }
}
