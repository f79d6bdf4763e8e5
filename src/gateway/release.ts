// Held mail that an administrator sends on: as the transaction it was, on the way it came.

import {
  type Envelope,
  type ForwardPath,
  type MailParameters,
  parseMailbox,
  type RecipientDsn,
  type Reply,
  type Transaction,
} from "../smtp.ts";
import type { HeldMail } from "../store.ts";
import type { Services } from "./passage.ts";

export type Release = {
  readonly replies: readonly { readonly forwardPath: string; readonly reply: Reply }[];
};

/** The envelope as it came, with what its sender wants to hear. */
export function heldEnvelope({ reversePath, forwardPaths, dsn, parameters }: HeldMail): Envelope {
  return {
    reversePath: reversePath === "" ? undefined : mailbox(reversePath),
    forwardPaths: forwardPaths.map((path, index) => ({
      ...mailbox(path),
      ...(dsn === undefined ? {} : { dsn: dsn[index] as RecipientDsn }),
    })),
    parameters: parameters as MailParameters,
  };
}

export function transactionOf(held: HeldMail, { store, hostname }: Services): Transaction {
  const { id, queueId } = held;
  return {
    envelope: heldEnvelope(held),
    peer: { address: "", helo: hostname, protocol: "LMTP", ...(queueId === undefined ? {} : { queueId }) },
    message: store.holds.read(id),
  };
}

function mailbox(address: string): ForwardPath {
  const parsed = parseMailbox(address);
  if (parsed === undefined) throw new Error(`held with an address that is none: ${address}`);
  return parsed;
}
