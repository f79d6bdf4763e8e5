// Stage 3. Header and body are told apart; what pretends to be ours is taken off before anybody reads it, and what
// leaves for the world leaves without what it must not tell.

import type { ByteSource } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { type HeaderBlock, readEntity } from "../mime.ts";
import type { ForwardPath } from "../smtp.ts";
import { judgeBounce } from "./bounce.ts";
import { withoutClaims } from "./claims.ts";
import type { Accepted, Arrived, Outward, Services } from "./passage.ts";
import { planOf } from "./plan.ts";
import type { Recalled } from "./recall.ts";

export async function read(
  arrived: Arrived,
  { served, left: recipients }: Recalled,
  services: Services,
): Promise<Accepted> {
  const { authservId, snapshot } = services;
  const { header: asItCame, unreadable } = await headerOf(arrived);
  const length = asItCame.fields.reduce((sum, { octets }) => sum + octets.length, asItCame.separator.length);
  const header = arrived.from === "outside" ? withoutClaims(asItCame, authservId) : asItCame;
  const body = (): ByteSource => behind(arrived.raw(), length);
  return {
    ...arrived,
    header,
    body,
    ...(unreadable === undefined ? {} : { unreadable }),
    outward: await outwardOf(arrived, recipients, header, body, services),
    recipients,
    served,
    snapshot: snapshot(),
    plan: planOf(arrived, services),
  };
}

type Head = { readonly header: HeaderBlock; readonly unreadable?: string };

async function headerOf({ raw }: Arrived): Promise<Head> {
  try {
    const { header, body } = await readEntity(raw());
    await body.return?.();
    return { header };
  } catch (thrown) {
    if (!isSecureMailError(thrown, "MIME_LIMIT")) throw thrown;
    return { header: { fields: [], separator: new Uint8Array(0) }, unreadable: thrown.message };
  }
}

/** The message as the world may see it. */
async function outwardOf(
  { envelope }: Arrived,
  recipients: readonly ForwardPath[],
  header: HeaderBlock,
  body: () => ByteSource,
  services: Services,
): Promise<Outward> {
  const forwardPaths = recipients.filter(({ domain }) => !services.domains.has(domain));
  if (forwardPaths.length === 0) return { kind: "leaves", header, body };
  const judged = await judgeBounce({ reversePath: envelope.reversePath, forwardPaths, header, body }, services);
  if (judged.kind === "hold") return judged;
  if (judged.kind === "plain") return { kind: "leaves", header, body };
  const { body: anew } = judged;
  return { kind: "leaves", header: judged.header, body: anew === undefined ? body : () => once(anew) };
}

async function* once(octets: Uint8Array): ByteSource {
  yield octets;
}

async function* behind(source: ByteSource, length: number): AsyncGenerator<Uint8Array> {
  let skip = length;
  for await (const chunk of source) {
    if (chunk.length > skip) yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
