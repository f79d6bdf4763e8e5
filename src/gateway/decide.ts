// Stage 3. What must happen, per group of recipients: open, protect, pass on, or refuse.

import { type Found, selectEncryptionCertificates } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { defaultProfile, type ProfileName, profileNames } from "../smime.ts";
import { type Reply, reply } from "../smtp.ts";
import type { Certificate } from "../x509.ts";
import type { Classified, Direction } from "./classify.ts";
import { encryptionJudge } from "./judge-peer.ts";
import type { Accepted, Group, OwnDomain, Services, Treatment } from "./passage.ts";

export function decide(accepted: Accepted, classified: Classified, services: Services): readonly Group[] {
  return classified.directions.map((direction) => ({
    recipients: direction.recipients,
    domain: direction.domain,
    ...(direction.own === undefined
      ? outbound(accepted, direction, classified.speaker, services)
      : inbound(accepted, direction.own)),
  }));
}

/** Mail among our own users was never outside: nothing is on it, and nothing is to be said about it. */
function inbound({ from }: Accepted, own: OwnDomain): Treatment {
  return from === "inside" ? { kind: "pass", towards: "inside" } : { kind: "open", as: own };
}

function outbound(
  accepted: Accepted,
  { domain }: Direction,
  speaker: OwnDomain | undefined,
  services: Services,
): Treatment {
  const name = parseDomainName(domain);
  const found = name === undefined ? undefined : accepted.snapshot.find(name);
  if (found === undefined || found.member.status === "left") return { kind: "pass", towards: "outside" };
  if (found.member.status === "suspended") return refuse(accepted, `${domain} is suspended in the directory`);
  // Came from the world and goes back to it: a redirect, on which nothing of ours is to be said.
  if (speaker === undefined && accepted.from === "outside") return { kind: "pass", towards: "outside" };
  if (speaker === undefined)
    return refuse(
      accepted,
      "From names no domain of ours",
      reply(550, "5.7.1", "From names no domain that may send here"),
    );
  return protectFor(accepted, found, speaker, services);
}

function protectFor(accepted: Accepted, found: Found, as: OwnDomain, services: Services): Treatment {
  const { chosen, rejected } = selectEncryptionCertificates(found, encryptionJudge(services.trust, accepted.at));
  if (chosen.length === 0) {
    const why = rejected.map(({ certificate, code, reason }) => `${certificate.subject}: ${code}, ${reason}`);
    return refuse(accepted, [`no usable certificate of ${found.domain}`, ...why].join("; "));
  }
  return { kind: "protect", as, certificates: chosen, profile: profileFor(found, chosen) };
}

/** The strongest that the member says it reads; where it says nothing, by its certificates. */
function profileFor({ member }: Found, certificates: readonly Certificate[]): ProfileName {
  const preferred: readonly ProfileName[] = ["M", "B", "E", "L"];
  const common = preferred.find((profile) => profileNames.includes(profile) && member.profiles.includes(profile));
  return common ?? defaultProfile(certificates);
}

/** Mail to a member leaves secured or not at all; while a better directory entry may come, the sender keeps it. */
function refuse(
  { envelope }: Accepted,
  reason: string,
  answer: Reply = reply(451, "4.7.5", "No certificate of the recipient's domain can be used now"),
): Treatment {
  // A bounce that is refused for good is dropped by its maker without a word.
  const kept = envelope.reversePath === undefined ? reply(451, "4.7.0", ...answer.lines) : answer;
  return { kind: "refuse", answer: kept, reason };
}
