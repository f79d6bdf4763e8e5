// A gateway in a process of its own that dies, by kill -9, at a moment that is chosen: `answered`, when the next hop has
// said 250 and nobody else knows; `recorded`, when the ledger has it and the sender has heard nothing; `never`.

import { readFileSync } from "node:fs";
import { parseConfig } from "../../src/config.ts";
import { corridor, openServices, type Services } from "../../src/gateway.ts";
import { defaultLimits, listen, lmtp } from "../../src/smtp.ts";

export type Moment = "answered" | "recorded" | "never";

const [file = "", moment] = process.argv.slice(2);
const { services } = await openServices(parseConfig(readFileSync(file, "utf8"), file), {
  report: () => undefined,
  onFault: (thrown) => process.stderr.write(`${thrown}\n`),
});

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;);
}

const { ledger } = services.store;
const mortal: Services = {
  ...services,
  store: {
    ...services.store,
    ledger: {
      ...ledger,
      async record(entries) {
        if (moment === "answered") die();
        await ledger.record(entries);
        if (moment === "recorded") die();
      },
    },
  },
};
const server = await listen(
  { host: "127.0.0.1", port: 0 },
  {
    dialect: lmtp,
    hostname: "gw.treasury.example",
    postmaster: { localPart: "postmaster", domain: "treasury.example" },
    limits: defaultLimits,
    handle: corridor("inside", mortal),
    onFault: (thrown) => process.stderr.write(`${thrown}\n`),
  },
);
process.send?.(server.address);
