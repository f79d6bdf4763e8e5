// Stage 7. One group is handed on, and each of its recipients gets the next hop's own answer. Who was served is in the
// ledger before anybody hears of it.

import { type ByteSource, concat, inChunks } from "../bytes.ts";
import { isPositive, type Reply } from "../smtp.ts";
import { withoutGoodNews } from "./envid.ts";
import { failed } from "./failed.ts";
import type { Accepted, Prepared, Ready, Relayed, Services } from "./passage.ts";
import { recordDone } from "./recall.ts";

type Sendable = Extract<Prepared, { readonly kind: "send" }>;

export async function relay(accepted: Accepted, { group, prepared }: Ready, services: Services): Promise<Relayed> {
  const { findings } = prepared;
  const not = { group, findings, conceal: false, patient: false, octetsOut: 0 };
  if (prepared.kind === "hold") return { ...not, replies: undefined, patient: prepared.patient };
  if (prepared.kind === "answer") return { ...not, replies: group.recipients.map(() => prepared.answer) };
  const { conceal = false } = prepared;
  try {
    return { ...not, conceal, ...(await handOn(accepted, group.recipients, prepared, services)) };
  } catch (thrown) {
    const { answer, findings: fault } = failed(group, thrown);
    return { ...not, conceal, replies: group.recipients.map(() => answer), findings: { ...findings, ...fault } };
  } finally {
    prepared.dispose?.();
  }
}

async function handOn(
  accepted: Accepted,
  recipients: Accepted["recipients"],
  { towards, parameters, message, conceal = false }: Sendable,
  services: Services,
): Promise<Pick<Relayed, "replies" | "octetsOut" | "hop">> {
  const hop = services.hops[towards];
  const counted = counting(await begun(message));
  const forwardPaths = conceal ? recipients.map(withoutGoodNews) : recipients;
  const envelope = { reversePath: accepted.envelope.reversePath, forwardPaths, parameters };
  const replies = await services.relay(hop, envelope, counted.source);
  const served = recipients.filter((_, index) => isPositive(replies[index] as Reply));
  await recordDone(accepted, served, services);
  return { replies, octetsOut: counted.octets(), hop };
}

/**
 * With its first octets made, before the next hop hears of it: what can go wrong with keys and certificates does so now,
 * and small mail is signed and encrypted as a whole.
 */
async function begun(message: ByteSource): Promise<ByteSource> {
  const chunks = message[Symbol.asyncIterator]();
  const first = await chunks.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  })();
}

/** What is small goes on in one piece: each costs the socket a call. */
const smallPiece = 16 * 1024;

function counting(message: ByteSource): { readonly source: ByteSource; octets(): number } {
  let octets = 0;
  async function* source(): ByteSource {
    let small: Uint8Array[] = [];
    let size = 0;
    // What was written as a whole is looked through and sent piece by piece: the next stages copy what they change.
    for await (const chunk of inChunks(message)) {
      octets += chunk.length;
      size += chunk.length;
      small.push(chunk);
      if (size < smallPiece) continue;
      yield concat(small);
      small = [];
      size = 0;
    }
    if (size > 0) yield concat(small);
  }
  return { source: source(), octets: () => octets };
}
