// Members whose entry was there and is not. A member leaves by `posternStatus: left`, never by silence: an entry that was
// deleted by mistake, or cut off with the end of a file, must not make it a stranger, for mail to strangers leaves in clear.

import { type DomainName, parentDomains } from "../domain.ts";
import type { Snapshot } from "./snapshot.ts";

/** A domain of a member, as it is remembered from one snapshot to the next and over restarts. */
export type Remembered = {
  readonly domain: DomainName;
  /** Its entry spoke for the domains below too. */
  readonly subdomains: boolean;
  /** When its entry was first missed; left out while it is there. */
  readonly gone?: Date;
};

export type GoneMember = Remembered & { readonly gone: Date; readonly until: Date };

/** LIMIT: longer than a mail server keeps a message (`maximal_queue_lifetime`, 5 days): nothing that waits slips out. */
export const goneWaitsMs: number = 7 * 24 * 3600_000;

/**
 * What to remember once this snapshot counts. Whoever says `left` is forgotten at once, whoever is missed for long enough
 * in the end. `own` domains are served here: what their users get never leaves.
 */
export function remember(
  before: Iterable<Remembered>,
  { members, find }: Snapshot,
  now: Date,
  own: ReadonlySet<string>,
): readonly Remembered[] {
  const present = new Map<DomainName, Remembered | undefined>();
  for (const domain of members.flatMap(({ domains }) => domains)) {
    const { status, includeSubdomains } = find(domain)?.member ?? { status: "left" };
    present.set(domain, status === "left" ? undefined : { domain, subdomains: includeSubdomains });
  }
  const missed = [...before]
    .filter(({ domain }) => !present.has(domain))
    .map((one) => ({ ...one, gone: one.gone ?? now }))
    .filter(({ gone }) => now < untilOf(gone));
  return [...present.values(), ...missed].filter((one) => one !== undefined && !own.has(one.domain)) as Remembered[];
}

/** The same directory, which also knows whose entry is gone. */
export function withGone(snapshot: Snapshot, remembered: readonly Remembered[]): Snapshot {
  const all = new Map(remembered.flatMap(goneIn).map((one) => [one.domain, one]));
  const isServed = (domain: DomainName): boolean => !["left", undefined].includes(snapshot.find(domain)?.member.status);
  return {
    ...snapshot,
    // An entry above that speaks for it is an answer too.
    gone: [...all.values()].filter(({ domain }) => !isServed(domain)),
    findGone: (domain, at) => findGone(all, snapshot, domain, at),
  };
}

export function describeGone({ domain, gone, until }: GoneMember): string {
  return `the entry of ${domain} is gone since ${minute(gone)}; if it left, say posternStatus: left; mail to it waits until ${minute(until)}`;
}

function findGone(
  all: ReadonlyMap<DomainName, GoneMember>,
  snapshot: Snapshot,
  asked: DomainName,
  at: Date,
): GoneMember | undefined {
  for (const domain of [asked, ...parentDomains(asked)]) {
    // The nearest entry decides, whether it is there or was.
    if (snapshot.find(domain)?.domain === domain) return undefined;
    const one = all.get(domain);
    if (one === undefined || at >= one.until) continue;
    return domain === asked || one.subdomains ? one : undefined;
  }
  return undefined;
}

function goneIn({ gone, ...one }: Remembered): readonly GoneMember[] {
  return gone === undefined ? [] : [{ ...one, gone, until: untilOf(gone) }];
}

function untilOf(gone: Date): Date {
  return new Date(gone.getTime() + goneWaitsMs);
}

function minute(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
