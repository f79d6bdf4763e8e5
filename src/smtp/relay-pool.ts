// Keeps conversations with next hops open between messages: a new connection per message costs 43 % more CPU.

import type { ByteSource } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { defaultTimeouts, type Hop, RelaySession, type RelayTimeouts } from "./relay-session.ts";
import { type Reply, reply } from "./reply.ts";
import type { Envelope } from "./transaction.ts";

/** LIMIT: Postfix ends an idle session after 300 s and a busy one after 100 messages; we leave first. */
const maxIdleMs = 10_000;
/** LIMIT: half of Postfix's 100 processes for one service, so that waiting sessions shut nobody out. */
const maxIdle = 50;
const maxMessages = 100;

type Idle = { readonly session: RelaySession; readonly since: number };

export class RelayPool {
  readonly #hostname: string;
  readonly #timeouts: RelayTimeouts;
  /** By hop, the one used last at the end. */
  readonly #idle = new Map<string, Idle[]>();
  readonly #names = new WeakMap<Hop, string>();
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(hostname: string, timeouts: RelayTimeouts = defaultTimeouts) {
    this.#hostname = hostname;
    this.#timeouts = timeouts;
  }

  /**
   * Hands one message to the next hop and returns its reply for each recipient, in their order; 451 where it gave none.
   * Throws what the message throws, and then the hop got no complete message.
   */
  async relay(hop: Hop, envelope: Envelope, message: ByteSource): Promise<readonly Reply[]> {
    const kept = this.#take(hop);
    if (kept !== undefined) {
      const replies = await this.#deliver(hop, kept, envelope, message);
      // An idle session that the hop closed meanwhile says nothing about this message, and has read nothing of it.
      if (!kept.unheard) return replies;
    }
    const session = await this.#open(hop);
    if (!(session instanceof RelaySession)) return envelope.forwardPaths.map(() => session);
    return this.#deliver(hop, session, envelope, message);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    const sessions = [...this.#idle.values()].flat();
    this.#idle.clear();
    for (const { session } of sessions) session.quit();
  }

  async #deliver(hop: Hop, session: RelaySession, envelope: Envelope, message: ByteSource): Promise<readonly Reply[]> {
    const replies = await session.deliver(envelope, message);
    this.#giveBack(hop, session);
    return replies;
  }

  async #open(hop: Hop): Promise<RelaySession | Reply> {
    try {
      return await RelaySession.open(hop, this.#hostname, this.#timeouts);
    } catch (thrown) {
      if (isSecureMailError(thrown)) {
        // Where our neighbours are is nobody's business who sends mail.
        return { ...reply(451, "4.4.1", "The next hop cannot be reached"), detail: thrown.message };
      }
      throw thrown;
    }
  }

  #take(hop: Hop): RelaySession | undefined {
    const idle = this.#idle.get(this.#nameOf(hop));
    for (let last = idle?.pop(); last !== undefined; last = idle?.pop()) {
      if (last.session.usable) return last.session;
      last.session.destroy();
    }
    return undefined;
  }

  #giveBack(hop: Hop, session: RelaySession): void {
    const name = this.#nameOf(hop);
    const idle = this.#idle.get(name) ?? [];
    if (this.#closed || !session.usable || session.messages >= maxMessages || idle.length >= maxIdle) {
      session.quit();
      return;
    }
    idle.push({ session, since: performance.now() });
    this.#idle.set(name, idle);
    // An idle connection is no reason to keep the process alive.
    this.#sweep ??= setInterval(() => this.#dismissIdle(), maxIdleMs / 4).unref();
  }

  #dismissIdle(): void {
    const before = performance.now() - maxIdleMs;
    for (const [name, idle] of this.#idle) {
      const fresh = idle.findIndex(({ since, session }) => since > before && session.usable);
      const stale = idle.splice(0, fresh < 0 ? idle.length : fresh);
      for (const { session } of stale) session.quit();
      if (idle.length === 0) this.#idle.delete(name);
    }
    if (this.#idle.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  /** Hops are the same when they say the same: a configuration read anew keeps its sessions. */
  #nameOf(hop: Hop): string {
    const known = this.#names.get(hop);
    if (known !== undefined) return known;
    const { protocol, address, tls } = hop;
    const name = JSON.stringify([protocol, address, tls?.pins, tls?.certificate?.toString()]);
    this.#names.set(hop, name);
    return name;
  }
}
