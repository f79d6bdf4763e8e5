// What is known from the recipient alone is answered at RCPT, before the message comes.

import { formatMailbox, type Mailbox, type Reply, reply, type SessionOptions } from "../smtp.ts";
import type { PassageReport, Services, Side } from "./passage.ts";
import { peerOf } from "./peer.ts";
import { readProbeAddress } from "./probe.ts";

type JudgeRecipient = NonNullable<SessionOptions["judgeRecipient"]>;

export function recipientJudge(side: Side, protocol: "smtp" | "lmtp", services: Services): JudgeRecipient {
  const { domains, ledgerKey, snapshot, trust, clock } = services;
  return (recipient, { reversePath }) => {
    if (domains.has(recipient.domain)) return undefined;
    // Without a mail server in front nobody else keeps strangers from relaying through us.
    if (side === "outside") return protocol === "smtp" ? reply(550, "5.7.1", "Not a domain served here") : undefined;
    // A message without a sender is held when it has waited long enough: that needs the message.
    if (reversePath === undefined || readProbeAddress(ledgerKey, recipient) !== undefined) return undefined;
    const peer = peerOf(recipient.domain, snapshot(), trust, clock());
    if (peer.kind !== "unusable") return undefined;
    const answer = reply(451, "4.7.5", "No certificate of the recipient's domain can be used now");
    services.report(reportOf(reversePath, recipient, answer, peer.reason, clock()));
    return answer;
  };
}

/** As Postfix calls what it refused before it had a name. */
const unnamed = "NOQUEUE";

function reportOf(reversePath: Mailbox, recipient: Mailbox, answer: Reply, reason: string, at: Date): PassageReport {
  return {
    format: "postern-report/1",
    command: "gateway",
    id: unnamed,
    time: at.toISOString(),
    direction: "outbound",
    treatment: "refuse",
    client: "",
    reversePath: formatMailbox(reversePath),
    domain: recipient.domain,
    recipients: [
      {
        forwardPath: formatMailbox(recipient),
        status: "deferred",
        reply: [answer.code, answer.enhancedStatus, ...answer.lines].join(" "),
      },
    ],
    octetsIn: 0,
    octetsOut: 0,
    ms: 0,
    delays: [0, 0, 0, 0],
    code: "REFUSED",
    reason,
  };
}
