// The laboratory: two sites of a community and a stranger, joined by real Postfix from queue to queue. Whatever passes
// between them is observed, octet by octet.
//
// a.example has one domain, b.example hosts c.example too; d.example is a member whose certificate is over. `openLab` takes some seconds, so a file of stories shares one.

import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RelayPool } from "../src/smtp.ts";
import { sightings } from "./canary.ts";
import { notRun } from "./not-run.ts";
import { withPeers } from "./peers.ts";
import { type Keys, TestCommunity } from "./postfix/community.ts";
import { type Letter, letter } from "./postfix/letters.ts";
import { MailStub } from "./postfix/mail-stub.ts";
import { freePort } from "./postfix/ports.ts";
import { choosePorts, handIn, type Ports, Site, type SiteOrder } from "./postfix/site.ts";
import { Tap } from "./postfix/tap.ts";

export { type Letter, letter } from "./postfix/letters.ts";
export type { Arrival, MailStub } from "./postfix/mail-stub.ts";
export { canMount, type Site } from "./postfix/site.ts";

export type LabOrder = {
  readonly a?: Partial<SiteOrder>;
  readonly b?: Partial<SiteOrder>;
  readonly keys?: Keys;
  /** A domain whose mail each site sends to the other. */
  readonly loop?: string;
};

export class Lab {
  readonly a: Site;
  readonly b: Site;
  /** The mail server of everybody who is no member. */
  readonly stranger: MailStub;
  readonly home: string;
  readonly community: TestCommunity;
  /** What lies between the sites, by where it leads to. */
  readonly observers: Readonly<Record<"a" | "b" | "stranger", Tap>>;
  readonly #client: RelayPool = new RelayPool("mx.stranger.example");
  /** Words that nobody outside may see, nor a log, nor a file that the gateways leave. */
  readonly secrets: string[] = [];
  /** Words of headers: these are seen outside, and in no log or file. */
  readonly unlogged: string[] = [];
  /** Its folder stays for somebody to look at. */
  failed = false;

  readonly #closing: Closing;

  private constructor(
    parts: Pick<Lab, "a" | "b" | "stranger" | "home" | "community" | "observers"> & { readonly closing: Closing },
  ) {
    this.#closing = parts.closing;
    this.a = parts.a;
    this.b = parts.b;
    this.stranger = parts.stranger;
    this.home = parts.home;
    this.community = parts.community;
    this.observers = parts.observers;
  }

  static async open(order: LabOrder = {}): Promise<Lab> {
    const home = await mkdtemp(path.join(tmpdir(), "postern-lab-"));
    const closing = new Closing();
    try {
      return await Lab.#open(order, home, closing);
    } catch (thrown) {
      await closing.all();
      throw thrown;
    }
  }

  static async #open(order: LabOrder, home: string, closing: Closing): Promise<Lab> {
    // Postfix's programs run as another user.
    chmodSync(home, 0o755);
    const community = await TestCommunity.found(path.join(home, "community"));
    for (const domain of ["a.example", "b.example", "c.example"]) await community.admit(domain, order.keys ?? "ec");
    await community.admit("d.example", "ec", { expired: true });
    const [portsA, portsB, strangerPort] = [await choosePorts(), await choosePorts(), await freePort()];
    const stranger = await MailStub.open(strangerPort);
    closing.push(() => stranger.close());
    const observe = async (port: number): Promise<Tap> => {
      const tap = await Tap.open(await freePort(), port);
      closing.push(() => tap.close());
      return tap;
    };
    const observers = {
      a: await observe(portsA["hub-in"]),
      b: await observe(portsB["hub-in"]),
      stranger: await observe(strangerPort),
    };
    const ways = new Map([
      ["a.example", observers.a.port],
      ["b.example", observers.b.port],
      ["c.example", observers.b.port],
      ["*", observers.stranger.port],
    ]);
    const waysOf = (other: Tap): ReadonlyMap<string, number> =>
      order.loop === undefined ? ways : new Map([[order.loop, other.port], ...ways]);
    const openSite = (
      name: string,
      hosted: readonly string[],
      ports: Ports,
      other: Tap,
      changes: Partial<SiteOrder> = {},
    ) =>
      Site.open({ name, domains: hosted, ...changes }, home, community.folder, ports, waysOf(other), (close) =>
        closing.push(close),
      );
    const [a, b] = await Promise.all([
      openSite("a.example", ["a.example"], portsA, observers.b, order.a),
      openSite("b.example", ["b.example", "c.example"], portsB, observers.a, order.b),
    ]);
    return new Lab({ a, b, stranger, home, community, observers, closing });
  }

  /** A letter that has to be protected on its way. */
  secret(from: string, to: string, more: { readonly fill?: number } = {}): Letter {
    const made = letter(from, to, more);
    this.secrets.push(made.word);
    this.unlogged.push(made.subject);
    return made;
  }

  /** A mail from the world to one of the sites. */
  async sendFromOutside(site: "a" | "b", from: string, to: readonly string[], message: Uint8Array): Promise<void> {
    await handIn(this.#client, this.observers[site].port, from, to, message);
  }

  /** All that anybody between the sites could see. */
  outside(): Buffer {
    return Buffer.concat(Object.values(this.observers).map((observer) => observer.heard()));
  }

  /** Everything that the gateways keep in files, and all logs. Postfix's queues hold mail in clear, and may. */
  async left(): Promise<Buffer> {
    const names = await readdir(this.home, { recursive: true, withFileTypes: true });
    const files = names
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => file.includes("/state/") || file.endsWith("log"));
    return Buffer.concat(await Promise.all(files.map((file) => readFile(file).catch(() => Buffer.alloc(0)))));
  }

  /** Until all queues are empty. A retry that Postfix skips since it holds the mail still comes late without a flush. */
  async idle(ms: number = 30_000): Promise<void> {
    const end = performance.now() + ms;
    for (let tries = 1; (await this.a.queued()) + (await this.b.queued()) > 0; tries += 1) {
      if (performance.now() > end) throw new Error(`there is mail in the queues after ${ms} ms`);
      if (tries % 4 === 0) await Promise.all([this.a.flush(), this.b.flush()]);
      await sleep(300);
    }
  }

  async stop(): Promise<void> {
    await this.#client.close();
    await this.#closing.all();
  }

  async close(): Promise<void> {
    await this.stop();
    if (this.failed) process.stdout.write(`the laboratory is left in ${this.home}\n`);
    else await rm(this.home, { recursive: true, force: true });
  }
}

/** What is open, and what opens while all is being closed. */
class Closing {
  readonly #open: (() => Promise<unknown>)[] = [];
  #done = false;

  push(close: () => Promise<unknown>): void {
    if (this.#done) void close();
    else this.#open.push(close);
  }

  async all(): Promise<void> {
    this.#done = true;
    await Promise.all(this.#open.splice(0).map((close) => close()));
  }
}

/** Defines stories that share one laboratory. It needs Postfix, and root, as Postfix's master does. */
export function stories(
  cases: number,
  order: LabOrder,
  define: (story: (name: string, tell: (lab: Lab) => Promise<void>) => void) => void,
): void {
  if (process.getuid?.() !== 0) {
    notRun(cases + 1, "Postfix's master has to be root");
    return;
  }
  withPeers(["postfix"], cases + 1, () => {
    let opened: Promise<Lab> | undefined;
    after(async () => (await opened)?.close());
    define((name, tell) => {
      test(name, async () => {
        opened ??= Lab.open(order);
        const lab = await opened;
        try {
          await tell(lab);
        } catch (thrown) {
          lab.failed = true;
          throw thrown;
        }
      });
    });
    test("no canary word was seen outside in clear, in a log, or in a file after the end", async () => {
      const lab = await opened;
      assert.ok(lab !== undefined);
      await lab.stop();
      const left = await lab.left();
      assert.ok(left.includes("ready for a.example"), "the logs are among what is searched");
      const seen = {
        outside: sightings(lab.outside(), lab.secrets),
        left: sightings(left, [...lab.secrets, ...lab.unlogged]),
      };
      if (seen.outside.length + seen.left.length > 0) lab.failed = true;
      assert.deepEqual(seen, { outside: [], left: [] });
    });
  });
}
