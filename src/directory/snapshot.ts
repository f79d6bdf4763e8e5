// The directory as it was at one moment: numbered, never changed. Every decision about a message is taken on one.

import { type DomainName, parentDomains } from "../domain.ts";
import type { LdifEntry } from "../ldif.ts";
import type { GoneMember } from "./gone.ts";
import { type Member, type MemberFault, readMember } from "./member.ts";

export type Found = {
  readonly member: Member;
  /** The domain of the entry that was found: the one asked for, or one above it. */
  readonly domain: DomainName;
};

export type Snapshot = {
  readonly number: number;
  readonly members: readonly Member[];
  readonly faults: readonly MemberFault[];
  /**
   * The member that a domain belongs to: its own entry, else the nearest entry above it, and that one only if it speaks
   * for its subdomains. An entry that does not ends the search: nobody further up speaks past it.
   */
  find(domain: DomainName): Found | undefined;
  /** Members whose entry was there before and is not; none where nothing is remembered (`withGone`). */
  readonly gone: readonly GoneMember[];
  /** The gone entry that a domain without one falls under at that moment: its own, else as `find`. */
  findGone(domain: DomainName, at: Date): GoneMember | undefined;
};

export function makeSnapshot(number: number, entries: Iterable<LdifEntry>): Snapshot {
  const members: Member[] = [];
  const faults: MemberFault[] = [];
  const byDomain = new Map<DomainName, Member>();
  for (const entry of entries) {
    const { member, faults: found } = readMember(entry);
    faults.push(...found);
    if (member === undefined) continue;
    members.push(member);
    for (const domain of member.domains) {
      const first = byDomain.get(domain);
      // Whose entry is right nobody can say here, so neither counts until somebody does.
      byDomain.set(domain, first === undefined ? member : { ...first, status: "suspended" });
      if (first === undefined) continue;
      faults.push({ dn: entry.dn, attribute: "associatedDomain", reason: `${domain} has an entry already` });
    }
  }
  return { number, members, faults, find: (domain) => find(byDomain, domain), gone: [], findGone: () => undefined };
}

function find(byDomain: ReadonlyMap<DomainName, Member>, domain: DomainName): Found | undefined {
  const own = byDomain.get(domain);
  if (own !== undefined) return { member: own, domain };
  for (const parent of parentDomains(domain)) {
    const member = byDomain.get(parent);
    if (member !== undefined) return member.includeSubdomains ? { member, domain: parent } : undefined;
  }
  return undefined;
}
