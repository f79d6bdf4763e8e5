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

export function classify(accepted: Accepted, { domains }: Services): Classified {
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
  const { reversePath } = envelope;
  // A bounce to the world is ours whichever way it came: only our own servers make one for a foreign recipient.
  const mayBeOurs = from === "inside" || reversePath === undefined;
  const named = author === undefined ? undefined : domains.get(author);
  const speaker = named ?? (reversePath === undefined ? undefined : domains.get(reversePath.domain));
  return { fromDomain: author, speaker: mayBeOurs ? speaker : undefined, directions };
}
