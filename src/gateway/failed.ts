// From an exception there is no way to "pass on": the sender keeps the mail, and there is a record.

import { isSecureMailError } from "../errors.ts";
import { type Reply, reply } from "../smtp.ts";
import { noRoomReply } from "./accept.ts";
import type { Group, Prepared } from "./passage.ts";

/** What stands in the place of a group's message when getting it ready or handing it on went wrong. */
export function failed(group: Group, thrown: unknown): Extract<Prepared, { readonly kind: "answer" }> {
  const findings = isSecureMailError(thrown)
    ? { code: thrown.code, reason: thrown.message }
    : { code: "BUG", reason: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  return { kind: "answer", answer: answerTo(group, thrown), findings };
}

function answerTo({ kind }: Group, thrown: unknown): Reply {
  // Of outgoing mail its own sender may hear at once what will not get better; no key was needed to see it.
  if (kind === "protect" && isSecureMailError(thrown, "MIME_LIMIT", "MIME_AMBIGUOUS"))
    return reply(554, "5.6.0", `This message cannot be protected: ${thrown.message}`);
  return noRoomReply(thrown) ?? reply(451, "4.3.0", "Cannot be handled now, try again later");
}
