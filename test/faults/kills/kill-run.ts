// The kill run: mail is handed in at a steady pace at one site of the laboratory, and process after process on its way is
// killed with SIGKILL and started again. Then it is counted: of what the first hub took, nothing may be lost, nothing
// may have been seen in clear, and little may have come twice.

import { setTimeout as sleep } from "node:timers/promises";
import { sightings } from "../../canary.ts";
import { letter } from "../../postfix/letters.ts";
import type { Lab } from "../../postfix.ts";
import { holders, inHand, type Victim, victims } from "./victims.ts";

export type Order = {
  readonly mails: number;
  readonly kills: number;
  readonly perSecond: number;
  /** Who is killed, in turn. */
  readonly whom?: (victim: Victim) => boolean;
};

export type Kill = {
  readonly victim: string;
  readonly kind: Victim["kind"];
  readonly at: number;
  /** A message was in a worker's hands at that moment. */
  readonly open: boolean;
  /** Stopped between the next hop's 250 and our reply. */
  readonly exact: boolean;
};

export type Tally = {
  readonly accepted: number;
  /** Copies that had to arrive: one per accepted mail and recipient. */
  readonly expected: number;
  readonly lost: readonly string[];
  readonly held: number;
  /** Arrived though the hub's 250 was never heard. */
  readonly unacknowledged: number;
  readonly duplicates: readonly {
    readonly mail: string;
    readonly at: number;
    readonly kind: Victim["kind"] | "none";
  }[];
  readonly inClear: readonly string[];
  readonly kills: readonly Kill[];
  readonly seconds: number;
};

const users = ["bob@b.example", "carol@c.example"];
const stranger = "eve@stranger.example";

export async function killRun(lab: Lab, order: Order): Promise<Tally> {
  const began = Date.now();
  const word = lab.secret("user@a.example", users[0] as string).word;
  const post = new Post(lab, word);
  const clear = new Set<string>();
  const kills: Kill[] = [];
  const sending = post.send(order.mails, order.perSecond);
  const all = victims(lab).filter(order.whom ?? (() => true));
  const pause = (order.mails / order.perSecond / order.kills) * 1000;
  for (let count = 0; count < order.kills; count += 1) {
    const victim = all[count % all.length] as Victim;
    const since = Date.now();
    const open = await inHand(victim.site);
    kills.push({ victim: victim.name, kind: victim.kind, at: Date.now(), open, exact: await victim.kill() });
    await victim.revive();
    look(lab, word, clear);
    await sleep(Math.max(pause - (Date.now() - since), 0));
  }
  await sending;
  await settle(lab);
  look(lab, word, clear);
  const held = await holders(lab);
  return { ...post.count(kills, held), inClear: [...clear], kills, seconds: (Date.now() - began) / 1000 };
}

/** On the lines between members the word of the protected mails must not be seen, in whatever coding. */
function look(lab: Lab, word: string, clear: Set<string>): void {
  for (const line of ["a", "b"] as const) {
    const observer = lab.observers[line];
    for (const { coding } of sightings(observer.heard(), [word])) clear.add(`towards ${line}: ${coding}`);
    observer.forget();
  }
  lab.observers.stranger.forget();
  for (const { taps } of [lab.a, lab.b]) for (const tap of [taps.inside, taps.outside]) tap.forget();
}

/** Until no queue holds anything any more. */
async function settle(lab: Lab): Promise<void> {
  for (let tries = 0; tries < 240; tries += 1) {
    const left = (await lab.a.queued()) + (await lab.b.queued());
    if (left === 0) return;
    if (tries % 4 === 3) await Promise.all([lab.a.flush(), lab.b.flush()]);
    await sleep(500);
  }
}

/** What was handed in, and what came of it. */
class Post {
  readonly #lab: Lab;
  readonly #word: string;
  readonly #recipients = new Map<string, readonly string[]>();
  readonly #accepted = new Set<string>();

  constructor(lab: Lab, word: string) {
    this.#lab = lab;
    this.#word = word;
  }

  async send(mails: number, perSecond: number): Promise<void> {
    const underway = new Set<Promise<void>>();
    const began = performance.now();
    for (let count = 0; count < mails; count += 1) {
      const early = began + (count * 1000) / perSecond - performance.now();
      if (early > 0) await sleep(early);
      while (underway.size >= 20) await Promise.race(underway);
      const one = this.#hand(`mail-${String(count).padStart(6, "0")}-`, count).finally(() => underway.delete(one));
      underway.add(one);
    }
    await Promise.all(underway);
  }

  async #hand(name: string, count: number): Promise<void> {
    // Every fifth is for three; strangers get theirs in clear, and another word in it.
    const [first = ""] = users;
    const to = count % 5 === 0 ? users : count % 7 === 0 ? [stranger] : [first];
    this.#recipients.set(name, to);
    const word = to[0] === stranger ? "nothing secret" : this.#word;
    const { octets } = letter("user@a.example", to.join(", "), { fill: (count % 11) * 1000 });
    const mail = Buffer.concat([Buffer.from(`X-Name: ${name}\r\n`), octets, Buffer.from(`${word}\r\n`)]);
    try {
      await this.#lab.a.send("user@a.example", to, mail);
      this.#accepted.add(name);
    } catch {
      // The hub is down, or went while it took the mail: nobody promised anything.
    }
  }

  count(kills: readonly Kill[], held: ReadonlySet<string>) {
    const arrivals = [...this.#lab.b.users.arrivals, ...this.#lab.stranger.arrivals].flatMap((arrival) => {
      const name = /^X-Name: (\S+)/m.exec(arrival.octets.toString("latin1"))?.[1];
      return name === undefined
        ? []
        : arrival.forwardPaths.map((path) => ({ copy: `${name} ${path}`, at: arrival.at }));
    });
    const seen = new Set<string>();
    const duplicates: { mail: string; at: number; kind: Victim["kind"] | "none" }[] = [];
    for (const { copy, at } of arrivals) {
      const cause = kills.findLast((kill) => kill.at <= at);
      if (seen.has(copy)) duplicates.push({ mail: copy, at, kind: cause?.kind ?? "none" });
      seen.add(copy);
    }
    const expected = [...this.#accepted].flatMap((name) =>
      (this.#recipients.get(name) ?? []).map((path) => `${name} ${path}`),
    );
    const names = new Set(expected);
    return {
      accepted: this.#accepted.size,
      expected: expected.length,
      lost: expected.filter((copy) => !seen.has(copy) && !held.has(copy.split(" ")[0] as string)),
      held: held.size,
      unacknowledged: [...seen].filter((copy) => !names.has(copy)).length,
      duplicates,
    };
  }
}
