// Stage 1. The message arrives whole and waits as it came; it gets its names. Nothing of it is judged yet, and but for
// the id in its topmost trace field nothing is read.

import { createHash } from "node:crypto";
import { concat, latin1Text } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { type Reply, reply, type Transaction } from "../smtp.ts";
import { messageKeys, queueIdInTrace, traceOctets } from "./identity.ts";
import type { Arrived, Services, Side } from "./passage.ts";

export const gatewayErrorCodes = {
  GATEWAY_KEY: "a key or address of the configuration lacks what it needs",
  MEMBER_VANISHED: "the directory entry of a member is gone and did not say that it left: mail to it waits for 7 days",
} as const;
export type GatewayErrorCode = keyof typeof gatewayErrorCodes;

export async function accept(
  { envelope, peer, message }: Transaction,
  from: Side,
  services: Services,
  released?: { readonly id: string },
): Promise<Arrived> {
  const { makeSpool, clock, newId, ledgerKey } = services;
  const started = performance.now();
  const spool = makeSpool();
  try {
    const hash = createHash("sha256");
    const head: Uint8Array[] = [];
    for await (const chunk of message) {
      if (spool.size < traceOctets) head.push(chunk.subarray(0, traceOctets));
      hash.update(chunk);
      spool.write(chunk);
    }
    const digest = hash.digest("hex");
    const queueId = peer.queueId ?? queueIdInTrace(latin1Text(concat(head)), peer.helo);
    return {
      id: released?.id ?? newId(),
      from,
      at: clock(),
      envelope,
      peer,
      ...(queueId === undefined ? {} : { queueId }),
      keys: messageKeys(ledgerKey, envelope, digest, queueId),
      digest,
      octets: spool.size,
      raw: () => spool.read(),
      released: released !== undefined,
      arrivalMs: performance.now() - started,
      arrivedMs: performance.now(),
      dispose: () => spool.dispose(),
    };
  } catch (thrown) {
    spool.dispose();
    throw thrown;
  }
}

/** The reply for what went wrong on the way; undefined where that is none of the disk's doing. */
export function noRoomReply(thrown: unknown): Reply | undefined {
  if (!isSecureMailError(thrown, "SPILL_FULL", "SPILL_UNWRITABLE")) return undefined;
  return reply(452, "4.3.1", "No room for this message now");
}
