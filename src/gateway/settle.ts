// Stage 8. What a recipient is answered, and what is held instead. Two things are never said: what became of mail that we
// opened, to anybody but the domain that signed it (who replays a ciphertext shall learn nothing); and a final no to a
// message without a sender, which would end it without a word.

import { describeInDetail, isPermanent, isPositive, type Reply, reply } from "../smtp.ts";
import { hold } from "./hold.ts";
import type { Accepted, Arrived, Findings, Group, Outcome, Relayed, Services, Settled } from "./passage.ts";
import { ageMs } from "./plan.ts";

// House rule: so long a message that may not be refused waits for better days.
const patienceMs = 24 * 3600_000;

const doubt = reply(451, "4.3.0", "Cannot be handled now, try again later");

export async function settle(accepted: Accepted, relayed: Relayed, services: Services): Promise<Settled> {
  const { group, replies: said, findings, conceal } = relayed;
  if (said === undefined) return settleUndelivered(accepted, relayed, services);
  const isBounce = accepted.envelope.reversePath === undefined && group.kind !== "probe";
  if (said.every(isPositive)) return { replies: said };
  const told = relayed.hop === undefined ? said : said.map((answer) => toldTo(accepted, answer));
  if (!(isBounce || conceal)) return { replies: told, said };
  const impatient = isBounce && (await ageMs(accepted, services)) >= patienceMs;
  const mustHold = said.map((answer) => isPermanent(answer) || (impatient && !isPositive(answer)));
  const recipients = group.recipients.filter((_, index) => mustHold[index]);
  const held =
    recipients.length === 0 ? doubt : await hold(accepted, { ...group, recipients }, refused(said, findings), services);
  return {
    replies: told.map((answer, index) => (mustHold[index] ? held : conceal && !isPositive(answer) ? doubt : answer)),
    said,
    held: mustHold.map((wanted) => wanted && isPositive(held)),
  };
}

/**
 * To the world the next hop's code and none of its words: they name servers behind us, and may quote what was opened
 * (decision record 0011).
 */
function toldTo({ from, released }: Accepted, answer: Reply): Reply {
  // What is told with a detail behind it is in our words already.
  if (from === "inside" || released || isPositive(answer) || answer.detail !== undefined) return answer;
  return { ...answer, lines: isPermanent(answer) ? ["Refused by the recipient's mail server"] : doubt.lines };
}

/** Mail that cannot be delivered is held, at once or when time did not mend it. */
async function settleUndelivered(
  accepted: Accepted,
  { group, findings, patient }: Relayed,
  services: Services,
): Promise<Settled> {
  const waits = patient && (await ageMs(accepted, services)) < patienceMs;
  return forAll(group, waits ? doubt : await hold(accepted, group, findings, services));
}

/** Mail that killed two workers while it was alone is held as it came; nobody looks into it. */
export async function holdUnopened(arrived: Arrived, services: Services): Promise<Outcome> {
  const findings = { code: "POISON", reason: "two workers died of it while they worked on nothing else" };
  const group: Group = { recipients: arrived.envelope.forwardPaths, kind: "hold", ...findings };
  return { group, findings, ...forAll(group, await hold(arrived, group, findings, services)), ...nothingDone };
}

/** A suspect that could not be alone: the others take too long. */
export function notNow({ envelope }: Arrived): Outcome {
  const findings = { code: "SUSPECT", reason: "was in a worker that died, and the others would not finish in time" };
  const answer = reply(451, "4.3.2", "Busy, try again later");
  const group: Group = { recipients: envelope.forwardPaths, kind: "refuse", answer, reason: findings.reason };
  return { group, findings, replies: envelope.forwardPaths.map(() => answer), ...nothingDone };
}

const nothingDone = { octetsOut: 0, times: { waited: 0, prepared: 0, relayed: 0 } };

function forAll({ recipients }: Group, answer: Reply): Settled {
  const held = isPositive(answer);
  return { replies: recipients.map(() => answer), held: recipients.map(() => held) };
}

function refused(said: readonly Reply[], findings: Findings): Findings {
  const answer = said.find((one) => !isPositive(one));
  const why = answer === undefined ? "" : `the next hop said ${describeInDetail(answer)}`;
  return { ...findings, reason: findings.reason === undefined ? why : `${findings.reason}; ${why}` };
}
