// Stage 2. Who has been served before, when our answer got lost; and the entries by which we know. The ledger spares
// duplicates and is never a reason to stop: without it mail goes on, and an administrator hears of it.

import type { ForwardPath } from "../smtp.ts";
import type { Done } from "../store.ts";
import type { Step } from "./identity.ts";
import type { Arrived, Services } from "./passage.ts";
import { rememberedMs } from "./plan.ts";

export type Recalled = { readonly served: readonly ForwardPath[]; readonly left: readonly ForwardPath[] };

// Without a queue id two messages may be the same octets: then a repeat is only believed to be a retry for so long.
const namelessMs = 3600_000;

export async function recall(arrived: Arrived, services: Services): Promise<Recalled> {
  const { envelope, keys, at } = arrived;
  const { forwardPaths } = envelope;
  const step = lastStep(arrived);
  try {
    const found = await services.store.ledger.find(
      forwardPaths.map((path) => keys.of(path, step)),
      at,
    );
    const which = (done: boolean): readonly ForwardPath[] => forwardPaths.filter((_, index) => found[index] === done);
    return { served: which(true), left: which(false) };
  } catch (thrown) {
    services.alarm(thrown);
    return { served: [], left: forwardPaths };
  }
}

/** What ends a recipient's way here. That a message was held is no end when an administrator releases it. */
function lastStep({ released }: Arrived): Step {
  return released ? "released" : "done";
}

/** These were served. Resolves when that is synced, or when the ledger will not have it. */
export function recordDone(arrived: Arrived, recipients: readonly ForwardPath[], services: Services): Promise<void> {
  return record(arrived, recipients, lastStep(arrived), services);
}

/** Resolves when the entries are synced, or when the ledger will not have them. */
export async function record(
  { keys, queueId, at }: Arrived,
  recipients: readonly ForwardPath[],
  step: Step,
  services: Services,
): Promise<void> {
  if (recipients.length === 0) return;
  const until = new Date(at.getTime() + (queueId === undefined ? namelessMs : rememberedMs));
  const entries = recipients.map((path) => ({ key: keys.of(path, step), until }));
  // The ledger's sync takes milliseconds, in which this process may be killed.
  const inLedger = inJournal(entries, services);
  try {
    await services.store.ledger.record(entries);
  } catch (thrown) {
    services.alarm(thrown);
  } finally {
    inLedger();
  }
}

function inJournal(entries: readonly Done[], { journal, alarm }: Services): () => void {
  try {
    return journal.done(entries);
  } catch (thrown) {
    alarm(thrown);
    return () => undefined;
  }
}
