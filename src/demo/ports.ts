// Ports on loopback: from 10025 up, each the next that is free.

import { createServer } from "node:net";

export const loopback = "127.0.0.1";
const firstPort = 10_025;

export async function freePorts(count: number): Promise<readonly number[]> {
  const free: number[] = [];
  for (let port = firstPort; free.length < count; port += 1) {
    if (port > 65_535) throw new Error(`no ${count} free ports from ${firstPort} up`);
    if (await isFree(port)) free.push(port);
  }
  return free;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}
