// What a message and its recipients are called in the ledger: hashes under a key of ours, in which nobody reads an
// address. A retry has the same names, another message has others.

import { type Envelope, formatMailbox, type Mailbox } from "../smtp.ts";
import { keyedHash } from "./keyed-hash.ts";

/**
 * What became of a recipient: `done` when it has been served (handed on, held, or its sender told that it cannot be),
 * `released` when held mail has been handed on after all; `planned` is what it was to become.
 */
export type Step = "done" | "released" | "planned" | `alert ${number}`;

export type MessageKeys = {
  readonly message: Uint8Array;
  of(recipient: Mailbox, step: Step): Uint8Array;
  /** Of several recipients that share a fate. */
  ofAll(recipients: readonly Mailbox[], step: Step): Uint8Array;
};

const keyOctets = 32;

export function messageKeys(
  ledgerKey: Uint8Array,
  { reversePath }: Envelope,
  digest: string,
  queueId: string | undefined,
): MessageKeys {
  const parts = [queueId ?? "", digest, reversePath === undefined ? "" : formatMailbox(reversePath)];
  const made = new Map<string, Uint8Array>();
  return {
    message: keyedHash(ledgerKey, keyOctets, "message", ...parts),
    of(recipient, step) {
      const address = formatMailbox(recipient);
      return made.getOrInsertComputed(`${step} ${address}`, () =>
        keyedHash(ledgerKey, keyOctets, "recipient", ...parts, address, step),
      );
    },
    ofAll: (recipients, step) =>
      keyedHash(ledgerKey, keyOctets, "recipients", ...parts, step, ...recipients.map(formatMailbox).sort()),
  };
}

/** LIMIT: a Received field with all its comments has some hundred octets. */
export const traceOctets = 4096;

/**
 * The id in the topmost field, where that is a Received of our own mail server `hub`: what it makes itself (bounces)
 * comes without XFORWARD IDENT. A forged one only names a message that nobody else sends.
 */
export function queueIdInTrace(head: string, hub: string): string | undefined {
  const field = /^received:((?:[^\r\n]|\r\n[ \t])*)\r\n/i.exec(head)?.[1]?.replaceAll("\r\n", "");
  if (field === undefined || hub === "") return undefined;
  const by = /(?:^|[ \t])by[ \t]+([^ \t;()]+)/i.exec(field)?.[1];
  if (by?.toLowerCase() !== hub.toLowerCase()) return undefined;
  return /[ \t]id[ \t]+([A-Za-z0-9._-]{1,64})(?=[ \t;]|$)/i.exec(field)?.[1];
}
