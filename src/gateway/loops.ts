// Mail that goes round. Our own Received carries a mark for each recipient it was handed on for, a keyed hash of side and
// address: nobody else reads whom it names or can make one (security.md A72).
//
// A recipient met a second or third time is an ordinary redirect; the fourth is a loop, and the mail is held.

import { fieldsNamed, fieldText, type HeaderBlock } from "../mime.ts";
import { formatMailbox, type Mailbox } from "../smtp.ts";
import { base64url, keyedHash } from "./keyed-hash.ts";
import type { Side } from "./passage.ts";

// LIMIT: house rule; RFC 5321 6.3 counts loops by at least 100, Postfix by 50.
const maxReceived = 50;
const maxPasses = 3;
const markOctets = 6; // 8 characters
// How many recipients a mail has, blind copies included, is told in coarse steps only.
const fewestMarks = 4;

/** Why this message is going round, in words; undefined when it is not, as far as can be seen. */
export function loopOf(header: HeaderBlock, from: Side, recipient: Mailbox, key: Uint8Array): string | undefined {
  const received = fieldsNamed(header, "Received");
  if (received.length > maxReceived) return `more than ${maxReceived} Received fields`;
  if (received.length < maxPasses) return undefined;
  const mark = markOf(key, from, recipient);
  const passes = received.filter((field) => fieldText(field).includes(mark)).length;
  return passes < maxPasses ? undefined : `was here ${passes} times for this recipient`;
}

/** The comment for our Received field. `id` is the message's: what fills up the number of marks comes from it. */
export function loopMarks(from: Side, recipients: readonly Mailbox[], id: string, key: Uint8Array): string {
  const marks = recipients.map((recipient) => markOf(key, from, recipient));
  const wanted = Math.max(fewestMarks, 2 ** Math.ceil(Math.log2(Math.max(1, marks.length))));
  for (let round = 0; marks.length < wanted; round += 1)
    marks.push(...fillers(id, round, key).slice(0, wanted - marks.length));
  return ["postern", ...marks.sort()].join(" ");
}

/** Five marks out of one hash. */
function fillers(id: string, round: number, key: Uint8Array): readonly string[] {
  const octets = keyedHash(key, 5 * markOctets, "loop filling", id, String(round));
  return Array.from({ length: 5 }, (_, at) => base64url(octets.subarray(at * markOctets, (at + 1) * markOctets)));
}

/** Domains are in lower case already; local parts are folded, as most servers do on the way round. */
function markOf(key: Uint8Array, from: Side, recipient: Mailbox): string {
  return base64url(keyedHash(key, markOctets, "loop", from, formatMailbox(recipient).toLowerCase()));
}
