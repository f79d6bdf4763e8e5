// What a report may tell the world about mail that we opened (security.md A46 and 4.5; decision record 0011).
//
// Mail that came encrypted is handed to our users in clear, and whoever refuses it there makes a report that returns it.
// Such a report leaves only for the domain whose signature was on the mail, and says no more than which mail, which
// recipient, which status. Everything else that may be about opened mail is held: whoever replays a ciphertext learns
// nothing from us, not even that it could be opened.

import type { ByteSource } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { type DeliveryReport, fromDomain, type HeaderBlock, mediaTypeOf, readReport } from "../mime.ts";
import { formatMailbox, type Mailbox, parseMailbox } from "../smtp.ts";
import { readEnvid } from "./envid.ts";
import { fromMailer, type Rewritten, reportForSender } from "./report-writer.ts";
import { type Verdict, verdictsInHeader, verdictsInText } from "./verdicts.ts";

export { formatOwnReport, type OwnReport } from "./report-writer.ts";

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
  readonly domains: ReadonlyMap<string, unknown>;
};

export type BounceJudgement =
  /** Says nothing of mail that we opened; as any other mail. */
  | { readonly kind: "plain" }
  /** Leaves in this form: its From in the right domain, or all of it written anew. */
  | ({ readonly kind: "rewritten" } & Rewritten)
  | { readonly kind: "hold"; readonly code: BounceErrorCode; readonly reason: string };

/** Why a report is held: it is here to be looked at, and released where it harms nobody. */
export type BounceErrorCode =
  | "BOUNCE_OPENED" // a report about mail that was opened here and whose sender is not to hear of it
  | "BOUNCE_UNREADABLE"; // a report on its way out that cannot be read, so that what it is about is not certain

/** For every message with a recipient outside, whoever it comes from; most are `plain` after a look at two fields. */
export async function judgeBounce(leaving: Leaving, services: BounceServices): Promise<BounceJudgement> {
  const { header, body, reversePath } = leaving;
  if (reversePath !== undefined && mediaTypeOf(header).type !== "multipart/report") return plain;
  try {
    const report = await readReport(header, body());
    if (report !== undefined) return judgeReport(leaving, report, services);
    return reversePath === undefined ? await judgeText(leaving) : plain;
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    return unreadable(`a report that cannot be read: ${thrown.message}`);
  }
}

const plain: BounceJudgement = { kind: "plain" };

function unreadable(reason: string): BounceJudgement {
  return { kind: "hold", code: "BOUNCE_UNREADABLE", reason };
}

function opened(reason: string): BounceJudgement {
  return { kind: "hold", code: "BOUNCE_OPENED", reason };
}

function judgeReport(leaving: Leaving, report: DeliveryReport, services: BounceServices): BounceJudgement {
  const [recipient, ...others] = leaving.forwardPaths;
  if (recipient === undefined) return plain;
  const about = aboutOf(report, recipient, services.ledgerKey);
  switch (about.kind) {
    case "notOpened":
      return inRightName(leaving, report, services);
    case "unknown":
      return unreadable("a report that does not say which mail it is about");
    case "secret":
      return opened(about.reason);
    case "tellable": {
      if (others.length > 0) return opened("a report about opened mail, to more than its sender");
      const { envid } = about;
      const domain = hostedDomains(report, services)[0];
      if (domain === undefined) return opened("a report about opened mail, and no recipient of ours in it");
      const written = reportForSender(
        { leaving, report, recipient, domain, ...(envid === undefined ? {} : { envid }) },
        services,
      );
      return written === undefined ? unreadable("a report without a recipient") : { kind: "rewritten", ...written };
    }
  }
}

type About =
  | { readonly kind: "notOpened" | "unknown" }
  /** Of the domain that signed, and in order: the recipient may hear of it. */
  | { readonly kind: "tellable"; readonly envid?: string }
  | { readonly kind: "secret"; readonly reason: string };

/** Our ENVID decides where it came back, else the verdict on what was returned. */
function aboutOf({ envelopeId, returned }: DeliveryReport, recipient: Mailbox, key: Uint8Array): About {
  const reading = envelopeId === undefined ? undefined : readEnvid(key, envelopeId, formatMailbox(recipient));
  if (reading?.kind === "forged") return { kind: "secret", reason: "an envelope id that is ours for another address" };
  if (reading?.kind === "ours") {
    const { tellable, envid } = reading.claim;
    if (!tellable) return { kind: "secret", reason: "a report about mail whose sender is not to hear of it" };
    return { kind: "tellable", ...(envid === undefined ? {} : { envid }) };
  }
  if (returned === undefined) return { kind: "unknown" };
  const verdicts = verdictsInHeader(returned);
  if (verdicts.every((verdict) => !verdict.opened)) return { kind: "notOpened" };
  return isSendersOwn(verdicts, recipient)
    ? { kind: "tellable" }
    : { kind: "secret", reason: `a report about opened mail: ${verdicts.map(({ code }) => code).join(", ")}` };
}

function isSendersOwn(verdicts: readonly Verdict[], { domain }: Mailbox): boolean {
  return verdicts.length === 1 && verdicts[0]?.code === "OK" && verdicts[0].domain === domain;
}

/** Automatic mail that is no report we can read, older mail servers' bounces among it: only what it shows counts. */
async function judgeText({ header, body, forwardPaths }: Leaving): Promise<BounceJudgement> {
  const { verdicts, ours } = await verdictsInText({ header, body: body() });
  if (ours) return opened("automatic mail with an envelope id of ours");
  if (verdicts.every((verdict) => !verdict.opened)) return plain;
  // What a user's own program says about having read a letter is the user's to say to its sender (RFC 8098).
  const isReceipt = mediaTypeOf(header).parameters.get("report-type")?.toLowerCase() === "disposition-notification";
  if (isReceipt && forwardPaths.every((path) => isSendersOwn(verdicts, path))) return plain;
  return opened(`automatic mail with the header of opened mail: ${verdicts.map(({ code }) => code).join(", ")}`);
}

/** A report of our mail server speaks, and is signed, as the domain of the recipient it is about. */
function inRightName(leaving: Leaving, report: DeliveryReport, services: BounceServices): BounceJudgement {
  const hosted = hostedDomains(report, services);
  const [domain] = hosted;
  const author = fromDomain(leaving.header)?.domain;
  if (leaving.reversePath !== undefined || domain === undefined) return plain;
  if (author !== undefined && hosted.includes(author)) return plain;
  return { kind: "rewritten", header: fromMailer(leaving.header, domain) };
}

function hostedDomains({ recipients }: DeliveryReport, { domains }: BounceServices): readonly string[] {
  const named = recipients.flatMap(({ finalRecipient, originalRecipient }) => [finalRecipient, originalRecipient]);
  const mailboxes = named.map((address) => (address === undefined ? undefined : parseMailbox(address.address)));
  return mailboxes.flatMap((mailbox) => (mailbox !== undefined && domains.has(mailbox.domain) ? [mailbox.domain] : []));
}
