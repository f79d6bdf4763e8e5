// Stage 2. Who has been served before, when our answer got lost; and the entries by which we know. The ledger spares
// duplicates and is never a reason to stop: without it mail goes on, and an administrator hears of it.

import type { ForwardPath } from "../smtp.ts";
import type { Step } from "./identity.ts";
import type { Arrived, Services } from "./passage.ts";
import { rememberedMs } from "./plan.ts";

export type Recalled = { readonly served: readonly ForwardPath[]; readonly left: readonly ForwardPath[] };

// Without a queue id two messages may be the same octets: then a repeat is only believed to be a retry for so long.
const namelessMs = 3600_000;

export async function recall(arrived: Arrived, services: Services): Promise<Recalled> {
  const { envelope, keys, released } = arrived;
  const steps = ownSteps(arrived, released);
  const wanted = envelope.forwardPaths.flatMap((path) => steps.map((step) => keys.of(path, step)));
  try {
    const found = await services.store.ledger.find(wanted, arrived.at);
    const isServed = (index: number): boolean => steps.some((_, at) => found[index * steps.length + at] === true);
    const served = envelope.forwardPaths.filter((_, index) => isServed(index));
    return { served, left: served.length === 0 ? envelope.forwardPaths : without(envelope.forwardPaths, served) };
  } catch (thrown) {
    services.alarm(thrown);
    return { served: [], left: envelope.forwardPaths };
  }
}

/** What ends a recipient's way here; a held message is what an administrator releases. */
function ownSteps({ peer }: Arrived, released: boolean): readonly Step[] {
  if (released) return ["handed on"];
  return peer.protocol.includes("LMTP") ? ["handed on", "held"] : ["handed on", "held", "returned"];
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
  try {
    await services.store.ledger.record(recipients.map((path) => ({ key: keys.of(path, step), until })));
  } catch (thrown) {
    services.alarm(thrown);
  }
}

function without(all: readonly ForwardPath[], some: readonly ForwardPath[]): readonly ForwardPath[] {
  const gone = new Set(some);
  return all.filter((path) => !gone.has(path));
}
