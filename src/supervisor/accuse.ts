// What a dead worker was working on becomes suspect, before another worker may meet it; and what it had handed on and not
// written down yet is written down.

import { readFileSync } from "node:fs";
import type { Config } from "../config.ts";
import { type Done, type InFlight, openStore, readJournals } from "../store.ts";
import { workerVariable } from "./messages.ts";

type Log = (line: string) => void;

/** Of one that died. Where no message can have ended it, only its journal goes. */
export async function accuse(config: Config, worker: string, suspicious: boolean, log: Log): Promise<void> {
  await noted(log, async () => {
    const { inFlight, done, forget } = readJournals(config.dataDir, worker);
    await write(config, suspicious ? inFlight : [], done, log);
    forget();
  });
}

/**
 * Of all that a former life of the gateway left behind.
 *
 * Workers whose supervisor was killed finish what they have in hand; gives those that were still at it. One that hangs
 * never will: `endOrphans` ends it.
 */
export async function accuseFormer(config: Config, log: Log): Promise<readonly InFlight[]> {
  let orphans: readonly InFlight[] = [];
  await noted(log, async () => {
    const { inFlight, done, forget } = readJournals(config.dataDir);
    orphans = inFlight.filter(({ worker }) => isOurs(worker, config));
    const dead = inFlight.filter((entry) => !orphans.includes(entry));
    await write(config, dead, done, log);
    forget();
  });
  return orphans;
}

export async function endOrphans(config: Config, orphans: readonly InFlight[], log: Log): Promise<void> {
  const left = orphans.filter(({ worker }) => isOurs(worker, config));
  for (const worker of new Set(left.map((entry) => entry.worker))) {
    log(`worker ${worker} of a former supervisor does not end and is killed`);
    process.kill(Number(worker), "SIGKILL");
  }
  await noted(log, () => write(config, left, [], log));
}

async function write(
  { dataDir, store: file }: Config,
  inFlight: readonly InFlight[],
  done: readonly Done[],
  log: Log,
): Promise<void> {
  if (inFlight.length + done.length === 0) return;
  const store = await openStore({ file, dataDir, onFault: (thrown) => log(`store: ${thrown}`) });
  try {
    await store.ledger.record(done);
    await store.suspects.accuse(inFlight);
  } finally {
    await store.close();
  }
  if (inFlight.length === 0) return;
  const alone = inFlight.some((entry) => entry.alone) ? "; it was alone" : "";
  log(`in hand when a worker died: ${inFlight.length}${alone}. Each is tried alone when it comes again`);
}

/** Where the store cannot be used the journal stays for the next start, and the gateway goes on. */
async function noted(log: Log, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    log(`ALARM: what a dead worker had in hand could not be noted: ${thrown}`);
  }
}

/** A worker's name is its process id, which somebody else may have by now. */
function isOurs(worker: string, { dataDir }: Config): boolean {
  try {
    return readFileSync(`/proc/${worker}/environ`, "utf8").split("\0").includes(`${workerVariable}=${dataDir}`);
  } catch {
    return false;
  }
}
