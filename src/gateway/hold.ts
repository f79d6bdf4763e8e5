// What must not be delivered and must not be lost is kept as it came, for an administrator to look at. Only when it is
// safe on the disk the sender may forget it.

import { fieldNamed, fieldText } from "../mime.ts";
import { formatMailbox, type Reply, reply } from "../smtp.ts";
import type { HeldMail } from "../store.ts";
import type { Accepted, Arrived, Findings, Group, Services } from "./passage.ts";
import { recordDone } from "./recall.ts";

/** The answer for the recipients of the group: 250 when the message is kept for them, else 451. */
export async function hold(
  arrived: Arrived | Accepted,
  group: Pick<Group, "recipients" | "domain">,
  findings: Findings,
  services: Services,
): Promise<Reply> {
  const { recipients } = group;
  if (arrived.released) return reply(451, "4.7.0", `Still to be held: ${findings.code}`);
  try {
    const key = arrived.keys.ofAll(recipients, "done");
    await services.store.holds.hold(key, heldMail(arrived, group, findings, key), arrived.raw());
  } catch (thrown) {
    services.alarm(thrown);
    return reply(451, "4.3.0", "Cannot be handled now, try again later");
  }
  await recordDone(arrived, recipients, services);
  return reply(250, "2.0.0", `Ok: ${arrived.id}`);
}

function heldMail(
  arrived: Arrived | Accepted,
  { recipients, domain }: Pick<Group, "recipients" | "domain">,
  { code, reason = code, ...more }: Findings,
  key: Uint8Array,
): Omit<HeldMail, "state"> {
  const { id, at, from, queueId, envelope, octets, digest } = arrived;
  const field = "header" in arrived ? fieldNamed(arrived.header, "Message-ID") : undefined;
  const whole = recipients.length === envelope.forwardPaths.length;
  return {
    id: whole ? id : `${id}x${Buffer.from(key).toString("hex", 0, 3)}`,
    at,
    side: from,
    ...(queueId === undefined ? {} : { queueId }),
    reversePath: envelope.reversePath === undefined ? "" : formatMailbox(envelope.reversePath),
    forwardPaths: recipients.map(formatMailbox),
    ...(recipients.some(({ dsn }) => dsn !== undefined) ? { dsn: recipients.map(({ dsn = {} }) => dsn) } : {}),
    parameters: envelope.parameters,
    domain: domain ?? recipients[0]?.domain ?? "",
    code,
    reason,
    ...(field === undefined ? {} : { messageId: fieldText(field) }),
    octets,
    digest,
    report: { code, reason, ...more },
  };
}
