// Before a message is read: was it in a worker that died? Then it goes alone, and after two deaths alone it is held
// unopened (security.md A70). While it is worked on the journal names it, for the day this worker dies.

import { isPermanent, isPositive, type Reply } from "../smtp.ts";
import type { Suspect } from "../store.ts";
import type { Arrived, Services } from "./passage.ts";

// LIMIT: house rule.
const deathsOfPoison = 2;

export type Ways = {
  readonly pass: () => Promise<readonly Reply[]>;
  /** It killed two workers while nobody else was there. */
  readonly poison: () => Promise<readonly Reply[]>;
  /** The others take too long for it to be alone now. */
  readonly later: () => readonly Reply[];
};

export async function underSuspicion(
  arrived: Arrived,
  services: Services,
  { pass, poison, later }: Ways,
): Promise<readonly Reply[]> {
  const { turns } = services;
  const suspect = await suspectOf(arrived, services);
  if (suspect === undefined) return turns.beside(() => written(arrived, services, pass));
  if (suspect.deathsAlone >= deathsOfPoison && !arrived.released) return poison();
  const replies = await alone(arrived, services, pass);
  if (replies === undefined) return later();
  if (replies.every((answer) => isPositive(answer) || isPermanent(answer))) await clear(arrived, services);
  return replies;
}

async function suspectOf({ keys }: Arrived, { store, alarm }: Services): Promise<Suspect | undefined> {
  try {
    return await store.suspects.find(keys.message);
  } catch (thrown) {
    alarm(thrown);
    return undefined;
  }
}

async function clear({ keys }: Arrived, { store, alarm }: Services): Promise<void> {
  await store.suspects.clear(keys.message).catch(alarm);
}

async function written<Result>({ keys }: Arrived, { journal }: Services, work: () => Promise<Result>): Promise<Result> {
  const end = journal.begin(keys.message, false);
  try {
    return await work();
  } finally {
    end();
  }
}

function alone<Result>(
  { keys }: Arrived,
  { journal, turns }: Services,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  let end = (): void => undefined;
  return turns.alone(
    async () => {
      end = journal.begin(keys.message, true);
      try {
        return await work();
      } finally {
        end();
      }
    },
    () => {
      const before = end;
      end = journal.begin(keys.message, false);
      before();
    },
  );
}
