// Stage 5. What must happen, per group of recipients: open, protect, pass on, hold, or refuse. Mail to a member leaves
// secured or not at all; while a better directory entry may come, the sender keeps it.

import { type ForwardPath, type Reply, reply } from "../smtp.ts";
import type { Classified, Direction } from "./classify.ts";
import { loopOf } from "./loops.ts";
import type { Accepted, Group, OwnDomain, Services, Treatment } from "./passage.ts";
import { peerOf } from "./peer.ts";
import { onceSecured } from "./plan.ts";
import { readProbeAddress } from "./probe.ts";
import { signingOnce } from "./signing-once.ts";

export async function decide(
  accepted: Accepted,
  classified: Classified,
  services: Services,
): Promise<readonly Group[]> {
  const { unreadable, served } = accepted;
  const before: readonly Group[] = served.length === 0 ? [] : [{ recipients: served, kind: "served" }];
  if (unreadable !== undefined) return [...before, unreadableGroup(accepted, unreadable)];
  const groups = classified.directions.flatMap((direction) => groupsOf(accepted, classified, direction, services));
  return [...before, ...(await withPlan(accepted, merged(groups)))];
}

/** What cannot be read at all was decided without a key; from outside it may have been encrypted. */
function unreadableGroup({ from, recipients }: Accepted, reason: string): Group {
  const answer = reply(552, "5.3.4", "The header of this message is too large");
  return from === "outside"
    ? { recipients, kind: "hold", code: "LIMIT", reason }
    : { recipients, kind: "refuse", answer, reason };
}

/** One direction, less the recipients for whom this message ends here. */
function groupsOf(
  accepted: Accepted,
  classified: Classified,
  direction: Direction,
  services: Services,
): readonly Group[] {
  const { header, from, released } = accepted;
  const { domain } = direction;
  const ended: Group[] = [];
  const looping: ForwardPath[] = [];
  const recipients: ForwardPath[] = [];
  let reason = "";
  for (const recipient of direction.recipients) {
    const probe = readProbeAddress(services.ledgerKey, recipient);
    const loop = released ? undefined : loopOf(header, from, recipient, services.ledgerKey);
    if (loop !== undefined) reason = loop;
    if (probe !== undefined) ended.push({ recipients: [recipient], domain, ...probeTreatment(probe) });
    else (loop === undefined ? recipients : looping).push(recipient);
  }
  if (looping.length > 0) ended.push({ recipients: looping, domain, kind: "hold", code: "LOOP", reason });
  if (recipients.length === 0) return ended;
  const { own } = direction;
  const treatment =
    own === undefined
      ? outbound(accepted, domain, classified.speaker, services)
      : inbound(accepted, own, classified, services);
  return [...ended, { recipients, domain, ...treatment }];
}

function probeTreatment({ kind, token }: { readonly kind: "pass" | "bounce"; readonly token: string }): Treatment {
  const answer = kind === "pass" ? reply(250, "2.0.0", "Probe seen") : reply(550, "5.1.1", "This probe is to bounce");
  return { kind: "probe", token, answer };
}

/**
 * Mail within one of our domains was never outside: nothing is on it, and nothing is to be said about it. The same goes for
 * what one of our users hands on to another without having written it: nobody here can sign for its author.
 */
function inbound(
  accepted: Accepted,
  own: OwnDomain,
  { speaker, fromDomain }: Classified,
  services: Services,
): Treatment {
  if (accepted.from === "outside") return { kind: "open", as: own };
  if (speaker === undefined || fromDomain === undefined || speaker.name === own.name)
    return { kind: "pass", towards: "inside" };
  const peer = peerOf(own.name, accepted.snapshot, services.trust, accepted.at);
  if (peer.kind === "unusable") return refuse(peer.reason);
  return peer.kind === "stranger"
    ? { kind: "pass", towards: "inside" }
    : { ...peer, kind: "exchange", as: speaker, to: own };
}

function outbound(accepted: Accepted, domain: string, speaker: OwnDomain | undefined, services: Services): Treatment {
  const { outward, snapshot, at, from } = accepted;
  if (outward.kind === "hold") return outward;
  const peer = peerOf(domain, snapshot, services.trust, at);
  if (peer.kind === "stranger") return { kind: "pass", towards: "outside" };
  if (peer.kind === "unusable") return refuse(peer.reason);
  if (speaker !== undefined) return { ...peer, kind: "protect", as: speaker };
  // Came from the world and goes back to it: a redirect, on which nothing of ours is to be said.
  if (from === "outside") return { kind: "pass", towards: "outside" };
  return refuse("From names no domain of ours", reply(550, "5.7.1", "From names no domain that may send here"));
}

/** All that is passed on as it is goes as one message, and a speaker signs a message once. */
function merged(groups: readonly Group[]): readonly Group[] {
  const [insideward, outwardly] = (["inside", "outside"] as const).map((side) =>
    groups.filter((group) => group.kind === "pass" && group.towards === side),
  ) as [Group[], Group[]];
  const others = groups.filter(({ kind }) => kind !== "pass");
  const signers = new Map<OwnDomain, OwnDomain>();
  const signing = (as: OwnDomain): OwnDomain => signers.getOrInsertComputed(as, signingOnce);
  return [
    ...others.map((group) =>
      group.kind === "protect" && others.length > 1 ? { ...group, as: signing(group.as) } : group,
    ),
    ...[insideward, outwardly].flatMap(together),
  ];
}

function together(groups: readonly Group[]): readonly Group[] {
  const [first, second] = groups;
  if (first === undefined || second === undefined) return groups;
  const { domain: _, ...treatment } = first;
  return [{ ...treatment, recipients: groups.flatMap(({ recipients }) => recipients) }];
}

/** Who was to be served under protection when the message was first seen is not served without it now. */
async function withPlan(accepted: Accepted, groups: readonly Group[]): Promise<readonly Group[]> {
  if (!groups.some(({ kind }) => kind === "pass")) return groups;
  let secured: (key: Uint8Array) => boolean;
  let reason = "was to be protected when it was first seen";
  try {
    secured = onceSecured(await accepted.plan());
  } catch (thrown) {
    // It may have said "protect".
    secured = () => true;
    reason = `what was decided when it was first seen cannot be read: ${(thrown as Error).message}`;
  }
  return groups.flatMap((group) => (group.kind === "pass" ? apart(accepted, group, secured, reason) : [group]));
}

function apart(
  { keys }: Accepted,
  group: Group,
  secured: (key: Uint8Array) => boolean,
  reason: string,
): readonly Group[] {
  const split = Object.groupBy(group.recipients, (recipient) =>
    secured(keys.of(recipient, "planned")) ? "kept" : "passed",
  );
  const { kept, passed } = split;
  const { domain } = group;
  const named = domain === undefined ? {} : { domain };
  return [
    ...(passed === undefined ? [] : [{ ...group, recipients: passed }]),
    ...(kept === undefined ? [] : [{ ...named, recipients: kept, ...refuse(reason, reply(451, "4.7.0", "Not now")) }]),
  ];
}

function refuse(
  reason: string,
  answer: Reply = reply(451, "4.7.5", "No certificate of the recipient's domain can be used now"),
): Treatment {
  return { kind: "refuse", answer, reason };
}
