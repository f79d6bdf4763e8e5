// Stage 5. One group is handed on, and each of its recipients gets the next hop's own answer.

import type { ByteSource } from "../bytes.ts";
import type { Reply } from "../smtp.ts";
import type { Accepted, Group, Prepared, Services } from "./passage.ts";

export type Relayed = { readonly replies: readonly Reply[]; readonly octetsOut: number };

export async function relay(
  accepted: Accepted,
  { recipients }: Group,
  prepared: Prepared,
  services: Services,
): Promise<Relayed> {
  if ("answer" in prepared) return { replies: recipients.map(() => prepared.answer), octetsOut: 0 };
  const { towards, parameters, message, dispose } = prepared;
  const counted = counting(message);
  try {
    const envelope = { reversePath: accepted.envelope.reversePath, forwardPaths: recipients, parameters };
    const replies = await services.relay(services.hops[towards], envelope, counted.source);
    return { replies, octetsOut: counted.octets() };
  } finally {
    dispose?.();
  }
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
