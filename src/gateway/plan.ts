// What was decided about a message when it was first seen. It is kept when somebody was not served; the retry, which
// carries only what is left, keeps to it: what once was to be protected never leaves in clear.

import { isPositive } from "../smtp.ts";
import type { Plan } from "../store.ts";
import type { Accepted, Arrived, Outcome, Services } from "./passage.ts";

/** LIMIT: longer than a mail server keeps a message (`maximal_queue_lifetime`, 5 days). */
export const rememberedMs: number = 7 * 24 * 3600_000;

const secured: ReadonlySet<string> = new Set(["protect", "open", "exchange"]);

/** Asked for when it matters, once. */
export function planOf({ keys }: Arrived, { store }: Services): () => Promise<Plan | undefined> {
  let found: Promise<Plan | undefined> | undefined;
  return () => {
    found ??= store.plans.find(keys.message);
    return found;
  };
}

/** Which of the recipients were to be served under protection, once. */
export function onceSecured(plan: Plan | undefined): (key: Uint8Array) => boolean {
  const keys = new Set(plan?.treatments.filter(({ kind }) => secured.has(kind)).map(({ key }) => nameOf(key)));
  return (key) => keys.has(nameOf(key));
}

export async function keepPlan(accepted: Accepted, outcomes: readonly Outcome[], services: Services): Promise<void> {
  if (outcomes.every(({ replies }) => replies.every(isPositive))) return;
  const treatments = outcomes.flatMap(({ group: { recipients, kind } }) =>
    recipients.map((recipient) => ({ key: accepted.keys.of(recipient, "planned"), kind })),
  );
  const until = new Date(accepted.at.getTime() + rememberedMs);
  try {
    await services.store.plans.keep(accepted.keys.message, { firstSeen: accepted.at, treatments }, until);
  } catch (thrown) {
    services.alarm(thrown);
  }
}

/** How long this message is known here; not at all where that cannot be said. */
export async function ageMs({ at, plan }: Accepted, services: Services): Promise<number> {
  try {
    const first = (await plan())?.firstSeen;
    return first === undefined ? 0 : at.getTime() - first.getTime();
  } catch (thrown) {
    services.alarm(thrown);
    return 0;
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
