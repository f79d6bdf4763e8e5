// Make the gateway fall back to clear text (security.md A45): everything it depends on fails, at each time it is asked,
// for mail that must leave protected and for a report about mail that was opened. Whatever it answers, nothing in clear
// leaves, and nobody is told 250 for mail that is nowhere.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Spool } from "../../src/bytes.ts";
import type { OwnDomain, Services } from "../../src/gateway.ts";
import type { Store } from "../../src/store.ts";
import { clerk, Lab, mail, minister, walk } from "../gateway-lab.ts";

const canary = "text";
const lab = await Lab.open();
after(() => lab.close());
const services = { ...(await lab.services()), alarm: () => undefined };
const { users, world } = lab;

class Fault extends Error {}

/** Counts calls, and throws at the one it is told to. */
class Faults {
  calls = 0;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  hit(): void {
    this.calls += 1;
    if (this.calls === this.#at) throw new Fault(`call ${this.#at}`);
  }
}

/** The same functions, each of which may fail before it does anything. */
function failing<Part extends object>(part: Part, faults: Faults): Part {
  return new Proxy(part, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        faults.hit();
        return Reflect.apply(value, target, given);
      };
    },
  });
}

type Dependency = { readonly name: string; readonly with: (faults: Faults) => Partial<Services> };

const storePart = (part: keyof Omit<Store, "close">): Dependency => ({
  name: `the store's ${part}`,
  with: (faults) => ({ store: { ...services.store, [part]: failing(services.store[part], faults) } }),
});

const dependencies: readonly Dependency[] = [
  ...(["ledger", "plans", "holds", "tracking", "suspects", "probes"] as const).map(storePart),
  { name: "the journal", with: (faults) => ({ journal: failing(services.journal, faults) }) },
  {
    name: "the directory",
    with: (faults) => ({ snapshot: () => failing(services.snapshot(), faults) }),
  },
  {
    name: "signing and decryption keys",
    with: (faults) => ({
      domains: new Map(
        [...services.domains].map(([name, domain]): [string, OwnDomain] => [
          name,
          {
            ...domain,
            signing: { ...domain.signing, key: failing(domain.signing.key, faults) },
            decryption: domain.decryption.map((one) => ({ ...one, key: failing(one.key, faults) })),
          },
        ]),
      ),
    }),
  },
  {
    name: "spools",
    with: (faults) => ({
      makeSpool: (): Spool => {
        faults.hit();
        const spool = services.makeSpool();
        return {
          get size() {
            return spool.size;
          },
          write(chunk) {
            faults.hit();
            spool.write(chunk);
          },
          read() {
            faults.hit();
            return spool.read();
          },
          dispose: () => spool.dispose(),
        };
      },
    }),
  },
  {
    name: "the next hop",
    with: (faults) => ({
      relay: async (...given) => {
        faults.hit();
        return services.relay(...given);
      },
    }),
  },
  {
    name: "the clock",
    with: (faults) => ({
      clock: () => {
        faults.hit();
        return services.clock();
      },
    }),
  },
  { name: "reports", with: (faults) => ({ report: () => faults.hit() }) },
];

const to = [clerk, "citizen@stranger.example"];
const bounce = (code: string) =>
  [
    "From: MAILER-DAEMON@treasury.example",
    `X-Unique: ${Math.random()}`,
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    "",
    "--b",
    "",
    `${canary}`,
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mail.treasury.example",
    "",
    "Final-Recipient: rfc822; minister@treasury.example",
    "Action: failed",
    "Status: 5.1.1",
    "--b",
    "Content-Type: message/rfc822",
    "",
    `Postern-Verdict: ${code}; domain=parliament.example; queue=1`,
    "Subject: s",
    "",
    canary,
    "--b--",
    "",
  ].join("\r\n");

/** Mail to a member, mail to nobody who is one, incoming ciphertext, and a report about mail that was opened. */
const cases = [
  { name: "mail to a member", side: "inside", hand: () => ({ from: minister, to: [clerk], message: mail(minister) }) },
  {
    name: "incoming mail",
    side: "outside",
    hand: async () => ({ from: clerk, to: [minister], message: await lab.fromParliament(mail(clerk), "B") }),
  },
  {
    name: "a report about opened mail",
    side: "inside",
    hand: () => ({ to: ["eve@stranger.example"], message: bounce("BAD_SIGNATURE") }),
  },
  {
    name: "a bounce to a member",
    side: "inside",
    hand: () => ({ to: [clerk], message: mail("mailer-daemon@treasury.example") }),
  },
] as const;

for (const dependency of dependencies) {
  for (const { name, side, hand } of cases) {
    test(`${dependency.name} fails, each time it is asked, for ${name}: nothing in clear`, async () => {
      for (let at = 1; ; at += 1) {
        const faults = new Faults(at);
        const [outBefore, inBefore] = [world.got.length, users.got.length];
        const heldBefore = (await services.store.holds.list()).length;
        const replies = await walk({ ...services, ...dependency.with(faults) }, side, await hand()).catch(
          () => undefined,
        );
        for (const { message } of world.got.slice(outBefore)) assert.doesNotMatch(message, new RegExp(canary));
        const somewhere =
          world.got.length -
          outBefore +
          users.got.length -
          inBefore +
          (await services.store.holds.list()).length -
          heldBefore;
        if (replies?.some((answer) => answer.startsWith("2")) === true) assert.ok(somewhere > 0, `call ${at}: lost`);
        if (faults.calls < at) break;
        assert.ok(at < 200, "asked without end");
      }
    });
  }
}

test("with the directory empty or its certificates out of date mail to strangers goes on, and nobody was a member", async () => {
  const tomorrowsWorld: Services = { ...services, clock: () => new Date(Date.now() + 20 * 365 * 86_400_000) };
  const before = world.got.length;
  const replies = await walk(tomorrowsWorld, "inside", { from: minister, to, message: mail(minister) });
  assert.deepEqual(replies, ["451 4.7.5", "250 2.0.0"]);
  assert.deepEqual(
    world.got.slice(before).map((one) => one.to),
    [["citizen@stranger.example"]],
  );
});
