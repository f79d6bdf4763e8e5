// Held mail that an administrator sends on: as the transaction it was, on the way it came.

import { type ForwardPath, type MailParameters, parseMailbox, type Reply, type Transaction } from "../smtp.ts";
import type { HeldMail } from "../store.ts";
import type { Services } from "./passage.ts";

export type Release = {
  readonly replies: readonly { readonly forwardPath: string; readonly reply: Reply }[];
};

export function transactionOf(held: HeldMail, { store, hostname }: Services): Transaction {
  const { id, reversePath, forwardPaths, parameters, queueId } = held;
  return {
    envelope: {
      reversePath: reversePath === "" ? undefined : mailbox(reversePath),
      forwardPaths: forwardPaths.map(mailbox),
      parameters: parameters as MailParameters,
    },
    peer: { address: "", helo: hostname, protocol: "LMTP", ...(queueId === undefined ? {} : { queueId }) },
    message: store.holds.read(id),
  };
}

function mailbox(address: string): ForwardPath {
  const parsed = parseMailbox(address);
  if (parsed === undefined) throw new Error(`held with an address that is none: ${address}`);
  return parsed;
}
