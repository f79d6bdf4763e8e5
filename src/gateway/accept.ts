// Stage 1. The message arrives whole and waits; what pretends to be ours is taken off before anybody reads it.

import type { ByteSource } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { countReceived, readEntity } from "../mime.ts";
import type { Transaction } from "../smtp.ts";
import { withoutClaims } from "./claims.ts";
import type { Accepted, Services, Side } from "./passage.ts";

export const gatewayErrorCodes = {
  GATEWAY_LOOP: "more Received fields than any honest way has",
  GATEWAY_KEY: "a key or address of the configuration lacks what it needs",
} as const;
export type GatewayErrorCode = keyof typeof gatewayErrorCodes;

// LIMIT: house rule; RFC 5321 6.3 counts loops by at least 100, Postfix by 50.
const maxReceived = 50;

export async function accept(transaction: Transaction, from: Side, services: Services): Promise<Accepted> {
  const { makeSpool, clock, newId, snapshot, authservId } = services;
  const { envelope, peer, message } = transaction;
  const spool = makeSpool();
  try {
    const { header, body } = await readEntity(message);
    for await (const chunk of body) spool.write(chunk);
    // TODO(#3): a loop is held with an alarm; until then it stays where it is.
    if (countReceived(header) > maxReceived) throw new SecureMailError("GATEWAY_LOOP", "temporary", "a mail loop");
    return {
      id: newId(),
      from,
      at: clock(),
      envelope,
      peer,
      header: from === "outside" ? withoutClaims(header, authservId) : header,
      body: (): ByteSource => spool.read(),
      octets: header.fields.reduce((sum, { octets }) => sum + octets.length, header.separator.length) + spool.size,
      snapshot: snapshot(),
      dispose: () => spool.dispose(),
    };
  } catch (thrown) {
    spool.dispose();
    throw thrown;
  }
}
