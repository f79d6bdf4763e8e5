// What the directory says of a domain that mail is to go to: a stranger, a member that can be written to, or one that
// cannot be now.

import { describeGone, type Found, type Snapshot, selectEncryptionCertificates } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { defaultProfile, type ProfileName, profileNames } from "../smime.ts";
import type { Certificate } from "../x509.ts";
import { encryptionJudge } from "./judge-peer.ts";
import type { Trust } from "./passage.ts";

export type Peer =
  | { readonly kind: "stranger" }
  | { readonly kind: "member"; readonly certificates: readonly Certificate[]; readonly profile: ProfileName }
  | { readonly kind: "unusable"; readonly reason: string };

type Judged = { readonly trust: Trust; readonly second: number; readonly peer: Peer };

// Certificates have no finer time than the second: what a member's are worth is judged once in each, not twice a message.
const judged = new WeakMap<Found["member"], Map<string, Judged>>();

export function peerOf(domain: string, snapshot: Snapshot, trust: Trust, at: Date): Peer {
  const name = parseDomainName(domain);
  const found = name === undefined ? undefined : snapshot.find(name);
  if (found === undefined || found.member.status === "left") {
    const gone = name === undefined ? undefined : snapshot.findGone(name, at);
    return gone === undefined ? { kind: "stranger" } : { kind: "unusable", reason: describeGone(gone) };
  }
  const ofMember = judged.getOrInsertComputed(found.member, () => new Map());
  const second = Math.floor(at.getTime() / 1000);
  const last = ofMember.get(found.domain);
  if (last?.second === second && last.trust === trust) return last.peer;
  const peer = judge(found, trust, at);
  ofMember.set(found.domain, { trust, second, peer });
  return peer;
}

function judge(found: Found, trust: Trust, at: Date): Peer {
  if (found.member.status === "suspended")
    return { kind: "unusable", reason: `${found.domain} is suspended in the directory` };
  const { chosen, rejected } = selectEncryptionCertificates(found, encryptionJudge(trust, at));
  if (chosen.length > 0) return { kind: "member", certificates: chosen, profile: profileFor(found, chosen) };
  const why = rejected.map(({ certificate, code, reason }) => `${certificate.subject}: ${code}, ${reason}`);
  return { kind: "unusable", reason: [`no usable certificate of ${found.domain}`, ...why].join("; ") };
}

/** The strongest that the member says it reads; where it says nothing, by its certificates. */
function profileFor({ member }: Found, certificates: readonly Certificate[]): ProfileName {
  const preferred: readonly ProfileName[] = ["M", "B", "E", "L"];
  const common = preferred.find((profile) => profileNames.includes(profile) && member.profiles.includes(profile));
  return common ?? defaultProfile(certificates);
}
