// Stage 9, for senders that speak SMTP: one answer stands for all recipients. All were served: 250. Any doubt: 451, and
// the ledger spares the served when the sender comes again. Some were refused for good: their sender hears so by a report
// of ours, and then it is 250.

import { describeReply, isPermanent, isPositive, type Reply, reply, wantsFailure } from "../smtp.ts";
import { formatOwnReport } from "./bounce.ts";
import type { Accepted, Outcome, Services } from "./passage.ts";
import { submit } from "./submit.ts";

export async function answerForAll(
  accepted: Accepted,
  outcomes: readonly Outcome[],
  services: Services,
): Promise<readonly Outcome[]> {
  if (accepted.peer.protocol.includes("LMTP")) return outcomes;
  const all = outcomes.flatMap(({ replies }) => replies);
  const mixed = all.some(isPositive) && all.some(isPermanent);
  if (!mixed || !all.every((answer) => isPositive(answer) || isPermanent(answer))) return outcomes;
  const returned = await isReturned(accepted, outcomes, services);
  return outcomes.map((outcome) => {
    const { replies, said = replies } = outcome;
    return { ...outcome, said, replies: replies.map((answer) => afterReport(answer, returned)) };
  });
}

function afterReport(answer: Reply, returned: boolean): Reply {
  if (isPositive(answer)) return answer;
  return returned
    ? reply(250, "2.0.0", "Its sender was told")
    : reply(451, "4.3.0", "Not every recipient could be served");
}

async function isReturned(accepted: Accepted, outcomes: readonly Outcome[], services: Services): Promise<boolean> {
  const refused = outcomes.flatMap(({ group, replies }) =>
    group.recipients.flatMap((recipient, index) => {
      const answer = replies[index] as Reply;
      return isPermanent(answer) ? [{ recipient, answer }] : [];
    }),
  );
  const { reversePath, parameters } = accepted.envelope;
  const told = refused.filter(({ recipient }) => wantsFailure(recipient));
  // Nobody to tell, or nobody who wants to be told (RFC 3461, 4.1).
  if (reversePath === undefined || told.length === 0) return true;
  const [first] = told as [(typeof told)[number], ...typeof told];
  const domain = services.domains.has(reversePath.domain) ? reversePath.domain : first.recipient.domain;
  const { envid } = parameters;
  const message = formatOwnReport(
    {
      id: services.newId(),
      at: services.clock(),
      to: reversePath,
      domain: services.domains.has(domain) ? domain : services.hostname,
      ...(envid === undefined ? {} : { envid }),
      arrived: accepted.at,
      failures: told.map(({ recipient, answer }) => ({
        recipient,
        status: answer.enhancedStatus ?? "5.0.0",
        diagnostic: describeReply(answer),
      })),
      about: accepted.header,
    },
    services.hostname,
  );
  const about = refused.map(({ recipient }) => recipient);
  return submit(accepted, about, "done", { reversePath: undefined, to: reversePath, message }, services);
}
