// Stage 10. What became of each group: as a report, as rows for `postern track`, and as the replies in the order that was
// asked.

import { fieldNamed, fieldText } from "../mime.ts";
import {
  describeInDetail,
  describeReply,
  formatMailbox,
  type Hop,
  isPermanent,
  isPositive,
  type Mailbox,
  type Reply,
  reply,
} from "../smtp.ts";
import type { Accepted, Arrived, Outcome, PassageReport, RecipientReport, Services } from "./passage.ts";

export function report(
  accepted: Arrived | Accepted,
  outcomes: readonly Outcome[],
  services: Services,
): readonly Reply[] {
  const answers = new Map<Mailbox, Reply>();
  for (const outcome of outcomes) {
    outcome.group.recipients.forEach((recipient, index) => {
      const answer = outcome.replies[index];
      if (answer !== undefined) answers.set(recipient, answer);
    });
    for (const told of reportsOf(accepted, outcome)) {
      services.report(told);
      track(accepted, told, services);
    }
  }
  return accepted.envelope.forwardPaths.map((path) =>
    spoken(accepted, answers.get(path) ?? reply(451, "4.3.0", "Not served")),
  );
}

/** To the outside, delivered and held sound the same (security.md I4). */
function spoken({ from, id }: Arrived, answer: Reply): Reply {
  return from === "outside" && isPositive(answer) ? reply(250, "2.0.0", `Ok: ${id}`) : answer;
}

/** One, or for mail from one domain served here to another one for each of the two. */
function reportsOf(accepted: Arrived | Accepted, outcome: Outcome): readonly PassageReport[] {
  const { sealed, ...findings } = outcome.findings;
  const report = reportOf(accepted, { ...outcome, findings });
  if (sealed === undefined) return [report];
  const leaving = reportOf(accepted, { ...outcome, findings: sealed });
  return [
    { ...leaving, direction: "outbound" },
    { ...report, direction: "inbound" },
  ];
}

function reportOf(accepted: Arrived | Accepted, outcome: Outcome): PassageReport {
  const { group, findings, octetsOut, hop, times } = outcome;
  const { id, at, from, envelope, peer, octets, queueId, arrivalMs } = accepted;
  const messageId = "header" in accepted ? fieldNamed(accepted.header, "Message-ID") : undefined;
  const delays = [arrivalMs, times.waited, times.prepared, times.relayed].map(tenths);
  return {
    format: "postern-report/1",
    command: "gateway",
    id,
    time: at.toISOString(),
    direction: from === "inside" ? "outbound" : "inbound",
    treatment: group.kind,
    client: peer.address,
    ...(queueId === undefined ? {} : { orig: queueId }),
    ...(messageId === undefined ? {} : { messageId: fieldText(messageId) }),
    reversePath: envelope.reversePath === undefined ? "" : formatMailbox(envelope.reversePath),
    ...(group.domain === undefined ? {} : { domain: group.domain }),
    recipients: group.recipients.map((recipient, index) => recipientReport(recipient, outcome, index)),
    ...(hop === undefined ? {} : { relay: nameOf(hop) }),
    octetsIn: octets,
    octetsOut,
    ms: tenths(times.waited + times.prepared + times.relayed),
    delays: delays as [number, number, number, number],
    ...findings,
  };
}

function recipientReport(recipient: Mailbox, { replies, said, held }: Outcome, index: number): RecipientReport {
  const answer = replies[index] ?? reply(451, "4.3.0", "Not served");
  const heard = describeInDetail(said?.[index] ?? answer);
  const told = describeReply(answer);
  return {
    forwardPath: formatMailbox(recipient),
    status:
      held?.[index] === true ? "held" : isPositive(answer) ? "sent" : isPermanent(answer) ? "bounced" : "deferred",
    reply: told,
    ...(heard === told ? {} : { said: heard }),
  };
}

function track({ at }: Arrived, { recipients, ...rest }: PassageReport, { store }: Services): void {
  const { id, orig, messageId, reversePath } = rest;
  store.tracking.note(
    recipients.map((recipient) => ({
      id,
      at,
      ...(orig === undefined ? {} : { queueId: orig }),
      ...(messageId === undefined ? {} : { messageId }),
      reversePath,
      forwardPath: recipient.forwardPath,
      reply: recipient.reply,
      report: { ...rest, recipients: [recipient] },
    })),
  );
}

/** As Postfix writes it. */
function nameOf({ address }: Hop): string {
  if ("path" in address) return address.path;
  return `${address.host}[${address.host}]:${address.port}`;
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
