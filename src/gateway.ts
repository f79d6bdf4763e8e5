// The gateway: one letter's way through the house. Floor 4. Read this screen and you have seen the corridor.
//
//   accept ─▶ classify ─▶ decide ─┬▶ protect (sign, encrypt: one variant per destination domain) ─┐
//    strict     direction,  plan   ├▶ open (decrypt, verify), admitted by its verdict ─────────────┼▶ relay ─▶ report
//    arrival    peer per    per    ├▶ pass (not ours to change) ───────────────────────────────────┤
//               recipient   group  └▶ refuse ──────────────────────────────────────────────────────┘
//
// Each stage is a function of its input and the services; stages never call each other, only this file does. Nothing is
// kept: each recipient is answered when the next hop has answered for it. From an exception there is no way to "pass
// on": the recipients concerned hear 451, and there is a record.

import type { Config } from "./config.ts";
import { isSecureMailError } from "./errors.ts";
import { accept } from "./gateway/accept.ts";
import { classify } from "./gateway/classify.ts";
import { decide } from "./gateway/decide.ts";
import { fewAtATime } from "./gateway/few-at-a-time.ts";
import { open } from "./gateway/open.ts";
import type { Accepted, Group, Outcome, Prepared, Services, Side } from "./gateway/passage.ts";
import { pass, protect } from "./gateway/protect.ts";
import { relay } from "./gateway/relay.ts";
import { report } from "./gateway/report.ts";
import { type RunningGateway, start, type Watchers, type Workplace } from "./gateway/start.ts";
import { type HandleTransaction, reply } from "./smtp.ts";

export type { GatewayErrorCode } from "./gateway/accept.ts";
export { type JudgedCertificate, judgeCertificates } from "./gateway/judge-peer.ts";
export type { OwnDomain, PassageReport, Services, Side, Trust } from "./gateway/passage.ts";
export { logLines } from "./gateway/report.ts";
export type { RunningGateway, Watchers, Workplace } from "./gateway/start.ts";
export { loadPeers, loadWorld, type World } from "./gateway/world.ts";

/** Loads what the configuration names, and listens. */
export function startGateway(config: Config, watchers: Watchers, place?: Workplace): Promise<RunningGateway> {
  return start(config, corridor, watchers, place);
}

/** Handles what arrives at the listener of one side. */
function corridor(from: Side, services: Services): HandleTransaction {
  return async (transaction) => {
    const accepted = await accept(transaction, from, services);
    try {
      const classified = classify(accepted, services);
      const groups = decide(accepted, classified, services);
      const outcomes = await fewAtATime(groups, (group) => serve(accepted, group, services));
      return report(accepted, outcomes, services);
    } finally {
      accepted.dispose();
    }
  };
}

/** One group through the rest of the corridor. It fails alone: what goes wrong is 451 for its recipients only. */
async function serve(accepted: Accepted, group: Group, services: Services): Promise<Outcome> {
  const started = performance.now();
  try {
    const prepared = await prepare(accepted, group, services);
    const relayed = await relay(accepted, group, prepared, services);
    return { group, findings: prepared.findings, ...relayed, ms: performance.now() - started };
  } catch (thrown) {
    const code = isSecureMailError(thrown) ? thrown.code : "BUG";
    const reason =
      thrown instanceof Error ? (isSecureMailError(thrown) ? thrown.message : (thrown.stack ?? "")) : String(thrown);
    const replies = group.recipients.map(() => reply(451, "4.3.0", "Cannot be handled now, try again later"));
    return { group, findings: { code, reason }, replies, octetsOut: 0, ms: performance.now() - started };
  }
}

async function prepare(accepted: Accepted, group: Group, services: Services): Promise<Prepared> {
  switch (group.kind) {
    case "protect":
      return protect(accepted, group, services);
    case "open":
      return open(accepted, group, services);
    case "pass":
      return pass(accepted, group, services);
    case "refuse":
      return { answer: group.answer, findings: { code: "REFUSED", reason: group.reason } };
  }
}
