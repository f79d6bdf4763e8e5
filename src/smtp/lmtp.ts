// Where SMTP and LMTP (RFC 2033) differ: the word of greeting and how many replies follow the last dot.

import type { HelloVerb } from "./command.ts";
import { isPermanent, isPositive, type Reply, reply } from "./reply.ts";

export type Dialect = {
  readonly name: "SMTP" | "LMTP";
  readonly hellos: readonly HelloVerb[];
  /** The answers to a message, from one reply per accepted recipient. */
  answersToMessage(replies: readonly Reply[]): readonly Reply[];
};

export const lmtp: Dialect = {
  name: "LMTP",
  hellos: ["LHLO"],
  answersToMessage: (replies) => replies,
};

/** SMTP has one answer for all: served is only what was served to everybody, and final only what everybody refused. */
export const smtp: Dialect = {
  name: "SMTP",
  hellos: ["EHLO", "HELO"],
  answersToMessage: (replies) => {
    const first = replies[0];
    if (first !== undefined && (replies.every(isPositive) || replies.every(isPermanent))) return [first];
    // A mixture that comes this far is doubt: it was not possible to tell the sender of the refused (spec, S-15.3).
    const doubt = replies.find((answer) => !isPositive(answer) && !isPermanent(answer));
    return [reply(451, doubt?.enhancedStatus ?? "4.3.0", ...(doubt?.lines ?? ["Not every recipient could be served"]))];
  },
};
