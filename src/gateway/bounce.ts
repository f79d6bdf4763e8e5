// What a report may tell the world about mail that we opened (security.md A46, 4.5; decision record 0011).

import type { ByteSource } from "../bytes.ts";
import type { HeaderBlock } from "../mime.ts";
import type { Mailbox } from "../smtp.ts";
import type { OwnDomain } from "./passage.ts";

/** A message on its way to the world, before anybody has decided how it leaves. */
export type Leaving = {
  readonly reversePath: Mailbox | undefined;
  /** Those of its recipients that are not ours. */
  readonly forwardPaths: readonly Mailbox[];
  readonly header: HeaderBlock;
  /** May be read more than once. */
  readonly body: () => ByteSource;
};

/** What judging needs of the services. */
export type BounceServices = {
  readonly hostname: string;
  readonly ledgerKey: Uint8Array;
  readonly domains: ReadonlyMap<string, OwnDomain>;
};

export type BounceJudgement =
  /** Says nothing of mail that we opened; as any other mail. */
  | { readonly kind: "plain" }
  /** Leaves in this form: its From in the right domain, or all of it written anew. `body` undefined: as it was. */
  | { readonly kind: "rewritten"; readonly header: HeaderBlock; readonly body?: Uint8Array }
  | { readonly kind: "hold"; readonly code: "BOUNCE_OPENED" | "BOUNCE_UNREADABLE"; readonly reason: string };

/** Call it for every message that has a recipient outside, whoever it comes from: most are `plain` after a look at two fields. */
export function judgeBounce(_leaving: Leaving, _services: BounceServices): Promise<BounceJudgement> {
  throw new Error("comes next");
}

/** A failure notice of our own, for proxy mode and `hold return`. */
export type OwnReport = {
  readonly id: string;
  readonly at: Date;
  /** Reverse path of the mail it is about; who gets the report. */
  readonly to: Mailbox;
  /** The domain in whose name it speaks: of the recipient that failed, or of the sender where we serve that one. */
  readonly domain: string;
  readonly envid?: string;
  readonly arrived: Date;
  readonly failures: readonly { readonly recipient: Mailbox; readonly status: string; readonly diagnostic?: string }[];
  /** Header of the mail it is about: Message-ID and Date are returned, nothing else. */
  readonly about: HeaderBlock;
};

/** The whole message, small; to be submitted with the null reverse path. */
export function formatOwnReport(_report: OwnReport, _hostname: string): Uint8Array {
  throw new Error("comes next");
}
