// Stage 4. Which way each recipient's mail goes: the listener says who may be believed, the recipient's domain where to.

import type { DomainName } from "../domain.ts";
import { fromDomain } from "../mime.ts";
import type { ForwardPath } from "../smtp.ts";
import type { Accepted, OwnDomain, Services, Side } from "./passage.ts";

export type Classified = {
  /** The domain in From, where no two readers can differ about it. */
  readonly fromDomain: DomainName | undefined;
  /** The own domain in whose name mail to the world leaves; undefined: it is not ours. */
  readonly speaker: OwnDomain | undefined;
  readonly directions: readonly Direction[];
};

/** All recipients of one domain. */
export type Direction = {
  readonly towards: Side;
  readonly domain: string;
  readonly own?: OwnDomain;
  readonly recipients: readonly ForwardPath[];
};

export function classify(accepted: Accepted, services: Services): Classified {
  const { domains } = services;
  const { envelope, from, recipients } = accepted;
  const byDomain = Map.groupBy(recipients, ({ domain }) => domain);
  const directions = [...byDomain].map(([domain, ofDomain]): Direction => {
    const own = domains.get(domain);
    return own === undefined
      ? { towards: "outside", domain, recipients: ofDomain }
      : { towards: "inside", domain, own, recipients: ofDomain };
  });
  const { outward, header } = accepted;
  const author = fromDomain(outward.kind === "leaves" ? outward.header : header)?.domain;
  // A bounce to the world is ours whichever way it came: only our own servers make one for a foreign recipient.
  const mayBeOurs = from === "inside" || envelope.reversePath === undefined;
  return { fromDomain: author, speaker: mayBeOurs ? speakerOf(accepted, author, services) : undefined, directions };
}

/** Never another one than the author: who redirects a letter or sends it to a list has not written it. */
function speakerOf(
  { envelope: { reversePath }, snapshot }: Accepted,
  author: DomainName | undefined,
  { domains }: Services,
): OwnDomain | undefined {
  const named = author === undefined ? undefined : domains.get(author);
  if (named !== undefined || reversePath === undefined) return named;
  const sender = domains.get(reversePath.domain);
  // Where no author can be named nobody else's name is used; and a domain may speak for those below it.
  return author === undefined || snapshot.find(author)?.domain === sender?.name ? sender : undefined;
}
