// control.sock in the demo's folder: by it another process asks the running demo to play something, and is told how it
// went. One word in; text out, and in its last line the exit status.

import { readdir } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const socketName = "control.sock";
/** Where demos without a folder of their own keep their state. */
export const folderPrefix: string = path.join(tmpdir(), "postern-demo-");

export type Play = (name: string, say: (text: string) => void) => Promise<number>;

/** Resolves with what closes it. */
export async function openControl(folder: string, play: Play): Promise<() => Promise<void>> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (octets) => {
      const name = octets.toString("utf8").trim().slice(0, 100);
      void play(name, (text) => socket.write(text)).then(
        (status) => socket.end(`\n${status}`),
        (thrown) => socket.end(`${thrown}\n70`),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path.join(folder, socketName), resolve);
  });
  return () => new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Asks the demo of this folder, or any running one; undefined when none answers. */
export async function ask(
  folder: string | undefined,
  name: string,
): Promise<{ text: string; status: number } | undefined> {
  for (const candidate of folder === undefined ? await folders() : [folder]) {
    const answer = await askAt(path.join(candidate, socketName), name).catch(() => undefined);
    if (answer === undefined) continue;
    const end = answer.lastIndexOf("\n");
    return { text: answer.slice(0, end), status: Number(answer.slice(end + 1)) };
  }
  return undefined;
}

async function folders(): Promise<readonly string[]> {
  const parent = path.dirname(folderPrefix);
  const names = await readdir(parent);
  return names.filter((name) => name.startsWith(path.basename(folderPrefix))).map((name) => path.join(parent, name));
}

async function askAt(socketPath: string, name: string): Promise<string> {
  const socket = createConnection(socketPath);
  socket.write(`${name}\n`);
  let answer = "";
  for await (const octets of socket) answer += octets;
  return answer;
}
