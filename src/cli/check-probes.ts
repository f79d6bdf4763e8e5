// Mail sent around the chain, as bounces go too: whatever does not come back, or comes back around the gateway, is told.
//
// Addresses of probes are made with the ledger key, so that the gateway knows them wherever they arrive: it notes them
// and answers 250, or 550 where a bounce is wanted. The foreign domain is one that DNS never has: a probe that slips past
// the gateway goes nowhere, and only its bounce comes home.
//
//   hub       relay.submit  -> a foreign address    must arrive at listen.inside
//   hub bounce  relay.submit -> an address that we refuse: the hub's own bounce must arrive as well
//   edge-out  relay.outside -> an address of ours that we refuse: it comes back, and so does its bounce
//   edge-in   relay.inside  -> a bounce to a foreign address must arrive at listen.inside
//   users     relay.inside  -> an address that no user has: the bounce of it must arrive at listen.inside

import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { latin1, sourceOf } from "../bytes.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { type Links, makeProbeAddress, type ProbeKind, type Side } from "../gateway.ts";
import { loadLedgerKey } from "../keystore.ts";
import {
  describeInDetail,
  formatMailbox,
  type Hop,
  isPermanent,
  isPositive,
  type Mailbox,
  RelayPool,
  type Reply,
} from "../smtp.ts";
import type { ProbeStore } from "../store.ts";
import { plural } from "./columns.ts";
import { type Finding, fault, good } from "./finding.ts";
import { exit } from "./options.ts";
import { withStore } from "./store-of.ts";

/** RFC 2606: never in DNS. */
const foreign = "postern-probe.invalid";

type Probe = {
  readonly name: string;
  readonly hop: Hop;
  readonly to: Mailbox;
  readonly from: Mailbox | undefined;
  /** Token of the recipient, where it must be seen. */
  readonly there?: string;
  /** Token of the sender, which its bounce goes to. */
  readonly back?: string;
  /** Whether a bounce must come; where none must and one does, the probe went around us. */
  readonly bounces: boolean;
  /** Where it must arrive to be taken for ours; anywhere unless given. */
  readonly side?: Side;
  /** A refusal at once is as good as a bounce: then there is none. */
  readonly mayBeRefused?: true;
  readonly todo: string;
};

export async function checkProbes(config: Config, links: Links, waitMs: number): Promise<readonly Finding[]> {
  const probes = probesFor(config, links, await loadLedgerKey(config.ledgerKey.file, { make: false }));
  const pool = new RelayPool(config.hostname);
  try {
    return await withStore(config, async (store) => {
      const deadline = Date.now() + waitMs;
      const results = probes.map((probe) => checkProbe(probe, { pool, config, seen: store.probes, deadline, waitMs }));
      return (await Promise.all(results)).flat();
    });
  } finally {
    await pool.close();
  }
}

function probesFor({ domains }: Config, { hops, submit }: Links, key: Uint8Array): readonly Probe[] {
  const own = domains[0]?.name ?? "";
  const configured = "postern postfix-config shows how";
  const { to, from } = addressMaker(key);
  const fromHub = (hop: Hop): Probe[] => [
    {
      ...{ name: "through the hub", hop, bounces: false, side: "inside" },
      ...{ ...to(foreign, "pass"), ...from(own) },
      todo: `the hub must send everything to listen.inside: ${configured}`,
    },
    {
      ...{ name: "a bounce of the hub", hop, bounces: true, side: "inside" },
      ...{ ...to(foreign, "bounce"), ...from(own) },
      todo: `the hub must send its own bounces to the gateway too: ${configured}`,
    },
  ];
  return [
    ...(submit === undefined ? [] : fromHub(submit)),
    {
      ...{ name: "through relay.outside and back", hop: hops.outside, bounces: true },
      ...{ ...to(own, "bounce"), ...from(own) },
      todo: `the outer edge must send our own domains, and so its bounces, to the outbound hub: ${configured}`,
    },
    {
      ...{ name: "a bounce through relay.inside", hop: hops.inside, bounces: false, side: "inside" },
      ...{ ...to(foreign, "pass"), from: undefined },
      todo: `the inner edge must send every foreign domain to the outbound hub: ${configured}`,
    },
    {
      ...{ name: "a bounce of relay.inside", hop: hops.inside, bounces: true, side: "inside", mayBeRefused: true },
      // Our users' server sees the recipient, not we.
      ...{ to: to(own, "bounce").to, ...from(foreign) },
      todo: "the users' server takes mail for users that it does not have, or bounces leave around the gateway",
    },
  ];
}

/** New addresses, each with its own token. */
function addressMaker(key: Uint8Array) {
  const make = (domain: string, kind: ProbeKind) => {
    const token = randomBytes(8).toString("hex");
    return { token, address: makeProbeAddress(key, token, domain, kind) };
  };
  return {
    to(domain: string, kind: ProbeKind): { readonly to: Mailbox; readonly there: string } {
      const { token, address } = make(domain, kind);
      return { to: address, there: token };
    },
    from(domain: string): { readonly from: Mailbox; readonly back: string } {
      const { token, address } = make(domain, "pass");
      return { from: address, back: token };
    },
  };
}

type Round = {
  readonly pool: RelayPool;
  readonly config: Config;
  readonly seen: ProbeStore;
  readonly deadline: number;
  readonly waitMs: number;
};

async function checkProbe(probe: Probe, round: Round): Promise<readonly Finding[]> {
  const { name, hop, from, to, mayBeRefused = false, todo } = probe;
  const envelope = { reversePath: from, forwardPaths: [to], parameters: {} };
  const [answer] = await round.pool.relay(hop, envelope, sourceOf(probeMessage(probe, round.config)));
  if (answer === undefined || !isPositive(answer)) {
    if (mayBeRefused && answer !== undefined && isPermanent(answer))
      return [good("probes", `${name}: refused at once, no bounce arises`)];
    return [refused(name, answer)];
  }
  const missing = await missed(probe, round);
  return missing === undefined
    ? [good("probes", `${name}: came back`)]
    : [fault("probes", `${name}: ${missing}`, todo)];
}

function refused(name: string, answer: Reply | undefined): Finding {
  const said = answer === undefined ? "no answer" : describeInDetail(answer);
  const status = answer?.enhancedStatus === "4.4.1" ? exit.unavailable : exit.negative;
  return fault("probes", `${name}: not taken: ${said}`, "the server there must take mail from the gateway", status);
}

/** What did not come, or came the wrong way, once the time is over; undefined when all came. */
async function missed(
  { there, back, bounces, side }: Probe,
  { seen, deadline, waitMs }: Round,
): Promise<string | undefined> {
  for (;;) {
    const arrived = there === undefined ? [] : await seen.find(there);
    const returned = back === undefined ? [] : (await seen.find(back)).filter(({ reversePath }) => reversePath === "");
    const missing = there !== undefined && arrived.length === 0;
    // Somebody tried to deliver it past us.
    if (missing && returned.length > 0) return "went around the gateway: only its bounce was seen";
    if (!missing && (!bounces || returned.length > 0)) {
      const strange = (there === undefined ? returned : arrived).some((one) => side !== undefined && one.side !== side);
      return strange ? "came back by listen.outside, where it is not taken for ours" : undefined;
    }
    if (Date.now() >= deadline)
      return `${missing ? "it" : "its bounce"} did not come back within ${plural(Math.round(waitMs / 1000), "second")}`;
    await sleep(200);
  }
}

function probeMessage({ name, to }: Probe, { postmaster, hostname }: Config): Uint8Array {
  const now = systemClock();
  const date = now.toUTCString().replace("GMT", "+0000");
  const lines = [
    `Date: ${date}`,
    `From: <${postmaster}>`,
    `To: <${formatMailbox(to)}>`,
    `Subject: Probe of postern check: ${name}`,
    `Message-ID: <probe.${randomBytes(12).toString("hex")}@${hostname}>`,
    "Auto-Submitted: auto-generated",
    "",
    "Sent by `postern check` to see which way mail goes. Nobody needs to read it.",
    "",
  ];
  return latin1(lines.join("\r\n"));
}
