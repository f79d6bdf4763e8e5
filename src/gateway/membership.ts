// The directory as this process has it, and the members that it has seen. What is seen is noted in the store; while that
// cannot be used, what this process remembers counts.

import type { Clock } from "../clock.ts";
import { describeGone, makeSnapshot, type Remembered, remember, type Snapshot, withGone } from "../directory.ts";
import type { DomainName } from "../domain.ts";
import { SecureMailError } from "../errors.ts";
import type { LdifEntry } from "../ldif.ts";
import type { MemberStore } from "../store.ts";

export type MembershipOptions = {
  readonly store: MemberStore;
  readonly own: ReadonlySet<string>;
  readonly clock: Clock;
  readonly alarm: (thrown: unknown) => void;
  /** False for commands beside the gateway, which note nothing and say nothing: that is the gateway's. */
  readonly notes: boolean;
  readonly retryMs?: number;
};

export class Membership {
  readonly #options: MembershipOptions;
  #snapshot: Snapshot;
  #remembered: readonly Remembered[] = [];
  /** What the store has as far as is known; undefined until it could be read. */
  #stored: ReadonlyMap<DomainName, string> | undefined;
  #told: ReadonlySet<DomainName> = new Set();
  #failing = false;
  #work: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(entries: Iterable<LdifEntry>, options: MembershipOptions) {
    this.#options = options;
    this.#snapshot = makeSnapshot(1, entries);
  }

  static async open(entries: Iterable<LdifEntry>, options: MembershipOptions): Promise<Membership> {
    const membership = new Membership(entries, options);
    // Before the first message: what is remembered decides about it.
    await membership.#read();
    membership.#judge(membership.#snapshot);
    membership.#noteSoon();
    // A note that came late would say of a member that another worker has missed since: it is there.
    await membership.#work;
    return membership;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  takeUp(entries: Iterable<LdifEntry>): Snapshot {
    this.#judge(makeSnapshot(this.#snapshot.number + 1, entries));
    this.#noteSoon();
    return this.#snapshot;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#work;
  }

  #judge(snapshot: Snapshot): void {
    const { clock, own } = this.#options;
    this.#remembered = remember(this.#remembered, snapshot, clock(), own);
    this.#snapshot = withGone(snapshot, this.#remembered);
  }

  async #read(): Promise<void> {
    try {
      const rows = await this.#options.store.list();
      this.#stored = new Map(rows.map((row) => [row.domain, formatted(row)]));
      const known = new Set(this.#remembered.map(({ domain }) => domain));
      this.#remembered = [...this.#remembered, ...rows.filter(({ domain }) => !known.has(domain))];
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #noteSoon(): void {
    if (this.#options.notes) this.#work = this.#work.then(() => this.#note());
  }

  async #note(): Promise<void> {
    if (this.#stored === undefined) {
      await this.#read();
      // It may know members that nobody has seen since this process began.
      this.#judge(this.#snapshot);
    }
    const stored = this.#stored;
    const missing = this.#snapshot.gone.map(({ domain }) => domain);
    if (stored === undefined) return this.#tell(missing);
    const remembered = new Map(this.#remembered.map((one) => [one.domain, one]));
    const changed = [...remembered.values()].filter((one) => stored.get(one.domain) !== formatted(one));
    const forgotten = [...stored.keys()].filter((domain) => !remembered.has(domain));
    try {
      const first = new Set(await this.#options.store.note(changed, forgotten));
      this.#stored = new Map([...remembered].map(([domain, one]) => [domain, formatted(one)]));
      this.#failing = false;
      this.#tell(missing.filter((domain) => first.has(domain)));
    } catch (thrown) {
      this.#failed(thrown);
      this.#tell(missing);
    }
  }

  /** Of each domain once: by the first worker that notes it, by each one that cannot. */
  #tell(domains: readonly DomainName[]): void {
    const { gone } = this.#snapshot;
    for (const one of gone.filter(({ domain }) => domains.includes(domain) && !this.#told.has(domain)))
      this.#options.alarm(new SecureMailError("MEMBER_VANISHED", "temporary", describeGone(one)));
    const missing = new Set(gone.map(({ domain }) => domain));
    this.#told = new Set([...this.#told, ...domains].filter((domain) => missing.has(domain)));
  }

  #failed(thrown: unknown): void {
    if (!this.#failing) this.#options.alarm(thrown);
    this.#failing = true;
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#noteSoon(), this.#options.retryMs ?? 60_000).unref();
  }
}

function formatted({ subdomains, gone }: Remembered): string {
  // Since when is the first one's to say.
  return `${subdomains} ${gone !== undefined}`;
}
