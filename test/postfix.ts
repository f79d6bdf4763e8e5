// The laboratory: two sites of a community and a stranger, joined by real Postfix from queue to queue. Whatever passes
// between them is observed, octet by octet.
//
// a.example has one domain, b.example hosts c.example too. `openLab` takes some seconds, so a file of stories shares one.

import { chmodSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { RelayPool } from "../src/smtp.ts";
import { notRun } from "./not-run.ts";
import { withPeers } from "./peers.ts";
import { foundCommunity, type Keys } from "./postfix/community.ts";
import { MailStub } from "./postfix/mail-stub.ts";
import { freePort } from "./postfix/ports.ts";
import { choosePorts, handIn, type Ports, Site, type SiteOrder } from "./postfix/site.ts";
import { Tap } from "./postfix/tap.ts";

export type { Arrival, MailStub } from "./postfix/mail-stub.ts";
export type { Site } from "./postfix/site.ts";

export type LabOrder = {
  readonly a?: Partial<SiteOrder>;
  readonly b?: Partial<SiteOrder>;
  readonly keys?: Keys;
};

export class Lab {
  readonly a: Site;
  readonly b: Site;
  /** The mail server of everybody who is no member. */
  readonly stranger: MailStub;
  readonly home: string;
  /** What lies between the sites, by where it leads to. */
  readonly observers: Readonly<Record<"a" | "b" | "stranger", Tap>>;
  readonly #client: RelayPool = new RelayPool("mx.stranger.example");
  /** Its folder stays for somebody to look at. */
  failed = false;

  readonly #closing: Closing;

  private constructor(parts: Pick<Lab, "a" | "b" | "stranger" | "home" | "observers"> & { readonly closing: Closing }) {
    this.#closing = parts.closing;
    this.a = parts.a;
    this.b = parts.b;
    this.stranger = parts.stranger;
    this.home = parts.home;
    this.observers = parts.observers;
  }

  static async open(order: LabOrder = {}): Promise<Lab> {
    const home = await mkdtemp(path.join(tmpdir(), "postern-lab-"));
    const closing: Closing = [];
    try {
      return await Lab.#open(order, home, closing);
    } catch (thrown) {
      await closeAll(closing);
      throw thrown;
    }
  }

  static async #open(order: LabOrder, home: string, closing: Closing): Promise<Lab> {
    // Postfix's programs run as another user.
    chmodSync(home, 0o755);
    const community = path.join(home, "community");
    const domains = ["a.example", "b.example", "c.example"];
    await foundCommunity(community, new Map(domains.map((domain) => [domain, order.keys ?? "ec"])));
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
    const openSite = (name: string, hosted: readonly string[], ports: Ports, changes: Partial<SiteOrder> = {}) =>
      Site.open({ name, domains: hosted, ...changes }, home, community, ports, ways, (close) => closing.push(close));
    const [a, b] = await Promise.all([
      openSite("a.example", ["a.example"], portsA, order.a),
      openSite("b.example", ["b.example", "c.example"], portsB, order.b),
    ]);
    return new Lab({ a, b, stranger, home, observers, closing });
  }

  /** A mail from the world to one of the sites. */
  async sendFromOutside(site: "a" | "b", from: string, to: readonly string[], message: Uint8Array): Promise<void> {
    await handIn(this.#client, this.observers[site].port, from, to, message);
  }

  /** All that anybody between the sites could see. */
  outside(): Buffer {
    return Buffer.concat(Object.values(this.observers).map((observer) => observer.heard()));
  }

  async close(): Promise<void> {
    await this.#client.close();
    await closeAll(this.#closing);
    if (this.failed) process.stdout.write(`the laboratory is left in ${this.home}\n`);
    else await rm(this.home, { recursive: true, force: true });
  }
}

type Closing = (() => Promise<unknown>)[];

async function closeAll(closing: Closing): Promise<void> {
  await Promise.all(closing.splice(0).map((close) => close()));
}

/** Defines stories that share one laboratory. It needs Postfix, and root, as Postfix's master does. */
export function stories(
  cases: number,
  order: LabOrder,
  define: (story: (name: string, tell: (lab: Lab) => Promise<void>) => void) => void,
): void {
  if (process.getuid?.() !== 0) {
    notRun(cases, "Postfix's master has to be root");
    return;
  }
  withPeers(["postfix"], cases, () => {
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
  });
}
