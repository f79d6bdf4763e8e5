// Stage 6. What became of each group, as a report and as a line of the log; the replies in the order that was asked.

import { describeReply, formatMailbox, type Mailbox, type Reply, reply } from "../smtp.ts";
import type { Accepted, Outcome, PassageReport, Services } from "./passage.ts";

export function report(accepted: Accepted, outcomes: readonly Outcome[], services: Services): readonly Reply[] {
  const answers = new Map<Mailbox, Reply>();
  for (const outcome of outcomes) {
    outcome.group.recipients.forEach((recipient, index) => {
      const answer = outcome.replies[index];
      if (answer !== undefined) answers.set(recipient, answer);
    });
    services.report(reportOf(accepted, outcome));
  }
  return accepted.envelope.forwardPaths.map((path) => answers.get(path) ?? reply(451, "4.3.0", "Not served"));
}

function reportOf(accepted: Accepted, { group, replies, findings, octetsOut, ms }: Outcome): PassageReport {
  const { id, at, from, envelope, peer, octets } = accepted;
  return {
    format: "postern-report/1",
    command: "gateway",
    id,
    time: at.toISOString(),
    direction: from === "inside" ? "outbound" : "inbound",
    treatment: group.kind,
    client: peer.address,
    reversePath: envelope.reversePath === undefined ? "" : formatMailbox(envelope.reversePath),
    domain: group.domain,
    recipients: group.recipients.map((forwardPath, index) => ({
      forwardPath: formatMailbox(forwardPath),
      reply: describeReply(replies[index] ?? reply(451, "4.3.0", "Not served")),
    })),
    octetsIn: octets,
    octetsOut,
    ms: Math.round(ms * 10) / 10,
    ...findings,
  };
}

/** One line per recipient, in the form that mail administrators know from Postfix. */
export function logLines({ opened: _, ...passage }: PassageReport): readonly string[] {
  const { id, treatment, reversePath, octetsIn, octetsOut, code, ms } = passage;
  const facts = [
    `size=${octetsIn}/${octetsOut}`,
    `code=${code}`,
    ...(passage.signature === undefined ? [] : [`signed=${passage.signature}`]),
    ...(passage.contentEncryption === undefined ? [] : [`sealed=${passage.contentEncryption}`]),
    ...(passage.reason === undefined ? [] : [`reason=${JSON.stringify(passage.reason)}`]),
    `delay=${(ms / 1000).toFixed(3)}`,
  ];
  return passage.recipients.map(({ forwardPath, reply: answer }) => {
    const status = answer.startsWith("2") ? "sent" : answer.startsWith("5") ? "refused" : "deferred";
    const all = [`from=<${reversePath}>`, `to=<${forwardPath}>`, ...facts, `status=${status} (${answer})`];
    return `${treatment}: ${id}: ${all.join(", ")}`;
  });
}
