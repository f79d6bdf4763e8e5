// Ports on loopback for servers whose configuration must name them. Below the range from which the kernel takes ports
// for connections, so that none is taken between looking and listening.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

export const loopback = "127.0.0.1";
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 32_000);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}
