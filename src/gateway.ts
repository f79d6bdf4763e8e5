// The gateway: one letter's way through the house. Floor 4. Read this screen and you have seen the corridor.
//
//   accept ─▶ recall ─▶ read ─▶ classify ─▶ decide ─┬▶ open, exchange, protect, pass ─▶ relay ─┬▶ settle ─▶ report
//    whole,    who was   claims  direction,  plan    │   all groups are made ready before       │  what is told,
//    named     served    off     speaker     per     │   the first is handed on                 │  what is held
//                                            group   └▶ hold, refuse, probe ────────────────────┘
//
// Each stage is a function of its input and the services; stages never call each other, only this file does. Nothing is
// queued: each recipient is answered when the next hop has answered for it, or when the message is safe in the hold
// store. From an exception there is no way to "pass on": the recipients concerned hear 451, and there is a record.

import type { Config } from "./config.ts";
import { accept, noRoomReply } from "./gateway/accept.ts";
import { classify } from "./gateway/classify.ts";
import { decide } from "./gateway/decide.ts";
import { type Foreseen, foreseen } from "./gateway/dry-run.ts";
import { failed } from "./gateway/failed.ts";
import { fewAtATime } from "./gateway/few-at-a-time.ts";
import { exchange, open } from "./gateway/open.ts";
import type { Accepted, Arrived, Group, Outcome, Prepared, Ready, Services, Side } from "./gateway/passage.ts";
import { keepPlan } from "./gateway/plan.ts";
import { noteProbe } from "./gateway/probe-seen.ts";
import { pass, protect } from "./gateway/protect.ts";
import { answerForAll } from "./gateway/proxy.ts";
import { read } from "./gateway/read.ts";
import { recall } from "./gateway/recall.ts";
import { relay } from "./gateway/relay.ts";
import { type Release, transactionOf } from "./gateway/release.ts";
import { report } from "./gateway/report.ts";
import type { Watchers } from "./gateway/services.ts";
import { holdUnopened, notNow, settle } from "./gateway/settle.ts";
import { type RunningGateway, start, type Workplace } from "./gateway/start.ts";
import { underSuspicion } from "./gateway/suspicion.ts";
import { type HandleTransaction, type Reply, reply, type Transaction } from "./smtp.ts";
import type { HeldMail } from "./store.ts";

export { type GatewayErrorCode, gatewayErrorCodes } from "./gateway/accept.ts";
export { formatOwnReport } from "./gateway/bounce.ts";
export { dryServices, type Foreseen } from "./gateway/dry-run.ts";
export { withoutGoodNews } from "./gateway/envid.ts";
export { type JudgedCertificate, judgeCertificates } from "./gateway/judge-peer.ts";
export { type Links, loadLinks } from "./gateway/links.ts";
export { type LogFormat, logLines } from "./gateway/log-lines.ts";
export type { OwnDomain, PassageReport, RecipientReport, Services, Side, Trust } from "./gateway/passage.ts";
export { makeProbeAddress, type ProbeKind } from "./gateway/probe.ts";
export { heldEnvelope, type Release, unopened } from "./gateway/release.ts";
export { type OpenServices, openServices, type Watchers } from "./gateway/services.ts";
export type { RunningGateway, Workplace } from "./gateway/start.ts";
export { loadPeers, loadWorld, type World } from "./gateway/world.ts";

/** Loads what the configuration names, and listens. */
export function startGateway(config: Config, watchers: Watchers, place?: Workplace): Promise<RunningGateway> {
  return start(config, corridor, watchers, place);
}

/** Held mail goes the whole way once more; what is still to be held stays where it is, with a 451. */
export async function judgeAnew(held: HeldMail, services: Services): Promise<Release> {
  const transaction = transactionOf(held, services);
  const replies = await handle(transaction, held.side, services, held);
  return { replies: held.forwardPaths.map((forwardPath, at) => ({ forwardPath, reply: replies[at] as Reply })) };
}

/** What would happen to a message, decided and made ready as always and then let go of. */
export async function foresee(transaction: Transaction, from: Side, services: Services): Promise<readonly Foreseen[]> {
  const arrived = await accept(transaction, from, services);
  try {
    const recipients = { served: [], left: transaction.envelope.forwardPaths };
    const accepted = await read(arrived, recipients, services);
    const classified = classify(accepted, services);
    const groups = await decide(accepted, classified, services);
    return await fewAtATime(groups, async (group) => {
      const prepared = group.kind === "probe" ? probed(group) : await inItsWay(accepted, group, services);
      if (prepared.kind === "send") prepared.dispose?.();
      const peer = group.kind === "open" ? classified.fromDomain : group.domain;
      return foreseen(accepted, group, prepared, peer, services);
    });
  } finally {
    arrived.dispose();
  }
}

/** Handles what arrives at the listener of one side. */
export function corridor(from: Side, services: Services): HandleTransaction {
  return (transaction) => handle(transaction, from, services);
}

async function handle(
  transaction: Transaction,
  from: Side,
  services: Services,
  held?: HeldMail,
): Promise<readonly Reply[]> {
  let arrived: Arrived;
  try {
    arrived = await accept(transaction, from, services, held);
  } catch (thrown) {
    const noRoom = noRoomReply(thrown);
    if (noRoom === undefined) throw thrown;
    services.alarm(thrown);
    return transaction.envelope.forwardPaths.map(() => noRoom);
  }
  try {
    return await underSuspicion(arrived, services, {
      pass: () => walk(arrived, services),
      poison: async () => report(arrived, [await holdUnopened(arrived, services)], services),
      later: () => report(arrived, [notNow(arrived)], services),
    });
  } finally {
    arrived.dispose();
  }
}

async function walk(arrived: Arrived, services: Services): Promise<readonly Reply[]> {
  const recalled = await recall(arrived, services);
  const accepted = await read(arrived, recalled, services);
  const groups = await decide(accepted, classify(accepted, services), services);
  const ready = await fewAtATime(groups, (group) => prepare(accepted, group, services));
  const outcomes = await fewAtATime(ready, (one) => serve(accepted, one, services));
  await keepPlan(accepted, outcomes, services);
  return report(accepted, await answerForAll(accepted, outcomes, services), services);
}

/** A group fails alone: what goes wrong is 451 for its recipients only. */
async function prepare(accepted: Accepted, group: Group, services: Services): Promise<Ready> {
  const began = performance.now();
  const prepared = await inItsWay(accepted, group, services).catch((thrown: unknown) => failed(group, thrown));
  return { group, prepared, waited: began - accepted.arrivedMs, took: performance.now() - began };
}

async function inItsWay(accepted: Accepted, group: Group, services: Services): Promise<Prepared> {
  switch (group.kind) {
    case "open":
      return open(accepted, group, services);
    case "exchange":
      return exchange(accepted, group, services);
    case "protect":
      return protect(accepted, group, services);
    case "pass":
      return pass(accepted, group, services);
    case "hold":
      return { kind: "hold", patient: false, findings: { code: group.code, reason: group.reason } };
    case "refuse":
      return { kind: "answer", answer: group.answer, findings: { code: "REFUSED", reason: group.reason } };
    case "probe":
      return noteProbe(accepted, group, services);
    case "served":
      return { kind: "answer", answer: reply(250, "2.0.0", "Ok, once more"), findings: { code: "SERVED" } };
  }
}

function probed({ answer }: Group & { kind: "probe" }): Prepared {
  return { kind: "answer", answer, findings: { code: "PROBE" } };
}

async function serve(accepted: Accepted, ready: Ready, services: Services): Promise<Outcome> {
  const began = performance.now();
  const relayed = await relay(accepted, ready, services);
  const settled = await settle(accepted, relayed, services);
  const { waited, took } = ready;
  return { ...relayed, ...settled, times: { waited, prepared: took, relayed: performance.now() - began } };
}
