// Held mail that an administrator sends on: as the transaction it was, on the way it came.

import type { ByteSource } from "../bytes.ts";
import { formatEntity, mendLineEnds, readEntity } from "../mime.ts";
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
import { withoutClaims } from "./claims.ts";
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

/** As it came, for our users: still protected, and like all that goes inside without what only we may say (A18, A33). */
export async function unopened({ id }: HeldMail, { store, authservId }: Services): Promise<ByteSource> {
  const original = async function* (): ByteSource {
    const { header, body } = await readEntity(store.holds.read(id));
    yield* formatEntity({ header: withoutClaims(header, authservId), body });
  };
  return (await mendLineEnds(original)) ?? original();
}

function mailbox(address: string): ForwardPath {
  const parsed = parseMailbox(address);
  if (parsed === undefined) throw new Error(`held with an address that is none: ${address}`);
  return parsed;
}
