// Delivery status notifications as the envelope asks for them (RFC 3461). Values are decoded from their xtext and built
// anew when they leave, never copied.

import type { Mailbox } from "./mailbox.ts";

export type NotifyWhen = "SUCCESS" | "FAILURE" | "DELAY";

export type RecipientDsn = {
  readonly notify?: "NEVER" | readonly NotifyWhen[];
  /** The recipient as its sender wrote it, decoded: `{ type: "rfc822", address: "a@b.example" }`. */
  readonly orcpt?: { readonly type: string; readonly address: string };
};

/** A recipient, with what its sender wants to hear of it. */
export type ForwardPath = Mailbox & { readonly dsn?: RecipientDsn };
