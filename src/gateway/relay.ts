// Stage 5. One group is handed on, and each of its recipients gets the next hop's own answer.

import type { ByteSource } from "../bytes.ts";
import { isPermanent, type Reply, reply } from "../smtp.ts";
import type { Accepted, Group, Prepared, Services } from "./passage.ts";

export type Relayed = { readonly replies: readonly Reply[]; readonly octetsOut: number };

export async function relay(
  accepted: Accepted,
  { recipients }: Group,
  prepared: Prepared,
  services: Services,
): Promise<Relayed> {
  if ("answer" in prepared) return { replies: recipients.map(() => prepared.answer), octetsOut: 0 };
  const { towards, parameters, message, conceal = false, dispose } = prepared;
  const counted = counting(message);
  try {
    const envelope = { reversePath: accepted.envelope.reversePath, forwardPaths: recipients, parameters };
    const replies = await services.relay(services.hops[towards], envelope, counted.source);
    const bounce = accepted.envelope.reversePath === undefined;
    return { replies: replies.map((answer) => tellable(answer, bounce, conceal)), octetsOut: counted.octets() };
  } finally {
    dispose?.();
  }
}

/**
 * A final refusal of a bounce would end it without a word, and one of mail that we opened may tell somebody who replays
 * a ciphertext what was in it. TODO(#3): hold them; until then the sender keeps them.
 */
function tellable(answer: Reply, bounce: boolean, conceal: boolean): Reply {
  if (!isPermanent(answer)) return answer;
  if (conceal) return reply(451, "4.3.0", "Cannot be handled now, try again later");
  return bounce ? reply(451, "4.3.0", ...answer.lines) : answer;
}

function counting(message: ByteSource): { readonly source: ByteSource; octets(): number } {
  let octets = 0;
  async function* source(): ByteSource {
    for await (const chunk of message) {
      octets += chunk.length;
      yield chunk;
    }
  }
  return { source: source(), octets: () => octets };
}
