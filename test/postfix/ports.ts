// Ports on loopback for servers whose configuration must name them. Below the range from which the kernel takes ports
// for connections, so that none is taken between looking and listening.

import { createServer } from "node:net";

export const loopback = "127.0.0.1";
// Files of tests run side by side: each process begins at another place, so that no two look at the same port at once.
const [first, last] = [11_000, 32_000];
let next = first + ((process.pid * 100) % (last - first));

export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = next + 1 < last ? next + 1 : first;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, loopback, () => server.close(() => resolve(true)));
  });
}
