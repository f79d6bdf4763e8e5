// Who is killed in a kill run, and how it comes back.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { InstanceName } from "../../../src/postfix.ts";
import { readJournals } from "../../../src/store.ts";
import { type GatewayStatus, readStatus } from "../../../src/supervisor.ts";
import type { Lab, Site } from "../../postfix.ts";

export type Victim = {
  readonly name: string;
  readonly kind: "worker" | "gateway" | "hub" | "edge";
  readonly site: Site;
  /** True if it died exactly between the next hop's 250 and our reply. */
  kill(): Promise<boolean>;
  revive(): Promise<void>;
};

/** At which moment a worker stops itself: with the next hop's answer in its hands, or its own on the tongue. */
export type Moment = "answer" | "reply";

/** One round of deaths, at both sites. */
export function victims({ a, b }: Lab): readonly Victim[] {
  const postfix = (site: Site, kind: "hub" | "edge", instance: InstanceName): Victim => ({
    name: `${instance} of ${site.domains[0]}`,
    kind,
    site,
    async kill() {
      await site.postfix[instance].stop("SIGKILL");
      return false;
    },
    revive: () => site.postfix[instance].restart(),
  });
  return [
    worker(a),
    postfix(a, "hub", "hub-out"),
    gateway(a),
    worker(b),
    postfix(b, "edge", "edge-in"),
    stopped(a, "reply"),
    gateway(b),
    postfix(b, "hub", "hub-in"),
    worker(a),
    gateway(a),
    postfix(a, "edge", "edge-out"),
    stopped(b, "answer"),
    worker(b),
    gateway(b),
  ];
}

/** Whether one of its workers has a message in hand; waits a moment for it. */
export async function inHand(site: Site): Promise<boolean> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (readJournals(dataDirOf(site)).inFlight.length > 0) return true;
    await sleep(3);
  }
  return false;
}

/** Names of the mails that lie in a hold store. */
export async function holders({ a, b }: Lab): Promise<ReadonlySet<string>> {
  const files = [a, b].flatMap((site) => {
    const folder = path.join(dataDirOf(site), "hold");
    return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  });
  const names = files.flatMap((file) => /^X-Name: (\S+)/m.exec(readFileSync(file, "latin1"))?.[1] ?? []);
  return new Set(names);
}

/** What `stop-at.ts` looks for. */
export const stopFileVariable = "POSTERN_TEST_STOP_FILE";

export function stopFileOf(folder: string): string {
  return path.join(folder, "stop-at");
}

function worker(site: Site): Victim {
  return {
    name: `worker of ${site.domains[0]}`,
    kind: "worker",
    site,
    async kill() {
      const { workers } = await statusOf(site);
      // The one with something in hand, if it can be told.
      const [inFlight] = readJournals(dataDirOf(site)).inFlight;
      const busy = workers.find(({ pid }) => inFlight !== undefined && isNamed(pid, inFlight.worker)) ?? workers[0];
      if (busy !== undefined) process.kill(busy.pid, "SIGKILL");
      return false;
    },
    revive: () => whole(site),
  };
}

/** A worker is told its name in its environment. */
function isNamed(pid: number, name: string): boolean {
  return readFileSync(`/proc/${pid}/environ`, "latin1").includes(`=${name}\0`);
}

function stopped(site: Site, moment: Moment): Victim {
  return {
    name: `worker of ${site.domains[0]} with ${moment === "answer" ? "the next hop's 250" : "its 250 to say"}`,
    kind: "worker",
    site,
    async kill() {
      const file = stopFileOf(site.folder);
      writeFileSync(file, moment);
      for (let tries = 0; tries < 500; tries += 1) {
        if (!existsSync(file)) return true;
        await sleep(10);
      }
      return false;
    },
    revive: () => whole(site),
  };
}

function gateway(site: Site): Victim {
  return {
    name: `gateway of ${site.domains[0]}`,
    kind: "gateway",
    site,
    async kill() {
      const { pid, workers } = await statusOf(site);
      // All of it, as a machine's memory guard does it.
      for (const each of [pid, ...workers.map((one) => one.pid)]) process.kill(each, "SIGKILL");
      await site.gateway.stop("SIGKILL");
      return false;
    },
    revive: () => site.gateway.restart(),
  };
}

async function whole(site: Site): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    const status = await statusOf(site).catch(() => undefined);
    if (status?.ready === true) return;
    await sleep(25);
  }
  throw new Error(`the gateway of ${site.domains[0]} is not whole again`);
}

async function statusOf(site: Site): Promise<GatewayStatus> {
  const status = await readStatus(dataDirOf(site));
  if (status === undefined) throw new Error(`the gateway of ${site.domains[0]} does not answer`);
  return status;
}

function dataDirOf(site: Site): string {
  return path.join(site.folder, "state");
}
