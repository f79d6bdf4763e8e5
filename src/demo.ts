// The demo: two member domains, their gateways and mailboxes, a throw-away community and the world, on loopback. Floor 5.
//
// Everything in it is real: sockets, keys, files, the gateway itself with a configuration that `postern gateway` would
// take. It sends first mails through, says what happened, and stays up for others. `demo tamper`, `expire`, `swap-keys`
// and `down` ask a running one, by the socket in its folder, to show a bad day.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { type Community, openCommunity } from "./demo/community.ts";
import { ask, folderPrefix, openControl } from "./demo/control.ts";
import type { Sight } from "./demo/house.ts";
import { journeyLines, line } from "./demo/journey.ts";
import { firstLetters, type Letter } from "./demo/letters.ts";
import { type Carried, plays, type Scene } from "./demo/plays.ts";
import { judgeLetter } from "./demo/verdict.ts";
import { openVillage, type Village } from "./demo/village.ts";
import { greeting, invitation, type PlayName, playNames } from "./demo/words.ts";

export { playNames } from "./demo/words.ts";

import { describeReply, isPositive, type SocketAddress } from "./smtp.ts";

export type DemoOptions = {
  /** Keeps its state here; otherwise in a temporary folder that goes with it. */
  readonly folder?: string;
  /** Ends after the first mails. */
  readonly once: boolean;
  readonly version: string;
  readonly linkProxy?: SocketAddress;
  readonly say: (text: string) => void;
  /** Resolves when the demo shall end. */
  readonly stopped: Promise<unknown>;
};

/** 0 if every first mail arrived as it must, else 1. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { folder } = options;
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const home = path.resolve(folder ?? (await mkdtemp(folderPrefix)));
  try {
    return await new Demo(home, options).run();
  } finally {
    if (folder === undefined) await rm(home, { recursive: true, force: true });
  }
}

/** Lets the running demo play something; undefined when there is none. */
export function askDemo(
  folder: string | undefined,
  name: string,
): Promise<{ text: string; status: number } | undefined> {
  return ask(folder, name);
}

class Demo {
  readonly #folder: string;
  readonly #options: DemoOptions;
  /** Seen and not told yet. */
  #sights: Sight[] = [];
  /** A letter of our own is on its way, and who sent it tells its journey. */
  #sending = false;
  #teller: NodeJS.Timeout | undefined;

  constructor(folder: string, options: DemoOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  async run(): Promise<number> {
    const { say, once, linkProxy, stopped, version } = this.#options;
    const started = performance.now();
    const community = await openCommunity(this.#folder);
    const village = await this.#open(community, linkProxy);
    const closeControl = await openControl(this.#folder, (name, tell) =>
      this.#play({ community, village }, name, tell),
    );
    try {
      say(
        greeting({
          version,
          community,
          village,
          ms: performance.now() - started,
          kept: this.#options.folder !== undefined,
        }),
      );
      let good = true;
      for (const letter of firstLetters()) good = (await this.#send(village, letter, say)) && good;
      if (once) return good ? 0 : 1;
      say(invitation(village, this.#folder));
      await stopped;
      return good ? 0 : 1;
    } finally {
      clearTimeout(this.#teller);
      await closeControl();
      await village.close();
    }
  }

  async #open(community: Community, linkProxy: SocketAddress | undefined): Promise<Village> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await openVillage(community, {
          onSight: (sight) => this.#see(sight),
          onFault: (thrown) => this.#options.say(`${line("", String(thrown))}\n`),
          ...(linkProxy === undefined ? {} : { linkProxy }),
        });
      } catch (thrown) {
        // Another demo that starts now may take a port between looking and listening.
        if ((thrown as NodeJS.ErrnoException).code !== "EADDRINUSE" || tries === 5) throw thrown;
      }
    }
  }

  #see(sight: Sight): void {
    this.#sights.push(sight);
    if (this.#sending || this.#teller !== undefined) return;
    // By hand. The sender's gateway reports last, so a moment later all is there and can be told in its order.
    this.#teller = setTimeout(() => {
      this.#teller = undefined;
      if (this.#sending) return;
      const from = this.#sights.flatMap((seen) => (seen.kind === "passage" ? [seen.passage.reversePath] : []))[0] ?? "";
      this.#options.say(`\n  By hand, from <${from}>\n${this.#tell()}`);
    }, 300);
  }

  /** The journey of what was seen since the last one. */
  #tell(): string {
    const lines = journeyLines(this.#sights, this.#folder);
    this.#sights = [];
    return lines.map((text) => `${text}\n`).join("");
  }

  async #send(village: Village, letter: Letter, say: (text: string) => void): Promise<boolean> {
    const { faults } = await this.#carry(village, letter, say);
    say(
      faults.length === 0
        ? `${line("", "as sent, byte for byte; on the line no word of its text")}\n`
        : faults.map((fault) => `${line("NOT AS IT MUST", fault)}\n`).join(""),
    );
    return faults.length === 0;
  }

  async #carry(village: Village, letter: Letter, say: (text: string) => void): Promise<Carried> {
    this.#sending = true;
    this.#sights = [];
    for (const { link } of village.houses) link.forget();
    try {
      const replies = await village.submit(letter);
      const overheard = village.houses.map(({ link }) => link.overheard).join("");
      const verdict = await judgeLetter(letter, replies, this.#sights, overheard);
      const sealedTo = this.#sights.flatMap((seen) =>
        seen.kind === "passage" ? (seen.passage.certificates ?? []) : [],
      );
      say(`\n  ${letter.title}: <${letter.from}> -> ${letter.to.join(", ")}\n${this.#tell()}`);
      const worst = replies.find((answer) => !isPositive(answer)) ?? replies[0];
      return { ...verdict, answer: worst === undefined ? "" : describeReply(worst), sealedTo };
    } finally {
      this.#sending = false;
    }
  }

  async #play(
    scene: Omit<Scene, "tell" | "carry" | "send">,
    name: string,
    answer: (text: string) => void,
  ): Promise<number> {
    const play = plays[name as PlayName];
    if (play === undefined) {
      answer(`The demo does not know ${JSON.stringify(name)}; it knows ${playNames.join(", ")}.\n`);
      return 64;
    }
    // Who watches the demo sees it too.
    const tell = (text: string): void => {
      answer(text);
      this.#options.say(text);
    };
    const { village } = scene;
    return play({
      ...scene,
      tell,
      carry: (letter) => this.#carry(village, letter, tell),
      send: (letter) => this.#send(village, letter, tell),
    });
  }
}
