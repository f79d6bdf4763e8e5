// The edges of the demo's houses, as small as can be: each hands mail on to the other house by the line, or to the world.
// Real ones keep a queue here (Postfix); this one answers what the next one answers.

import { chunkSize, concat, sourceOf } from "../bytes.ts";
import {
  defaultLimits,
  type ForwardPath,
  type Hop,
  listen,
  type MailServer,
  type RelayPool,
  type Reply,
  reply,
  type SocketAddress,
  smtp,
} from "../smtp.ts";

// LIMIT: a demo's letters are small; what is larger would wait here in memory.
const largest = 16 * 1024 * chunkSize;

/** Hands on by the domain of each recipient; `hopFor` says where to. */
export function openEdge(
  hostname: string,
  address: SocketAddress,
  hopFor: (domain: string) => Hop,
  pool: RelayPool,
): Promise<MailServer> {
  return listen(address, {
    dialect: smtp,
    hostname,
    postmaster: { localPart: "postmaster", domain: hostname },
    limits: { ...defaultLimits, messageSize: largest },
    onFault: () => undefined,
    async handle({ envelope, message }) {
      const octets = concat(await Array.fromAsync(message));
      const answers = new Map<ForwardPath, Reply>();
      for (const [hop, forwardPaths] of Map.groupBy(envelope.forwardPaths, ({ domain }) => hopFor(domain))) {
        const replies = await pool.relay(hop, { ...envelope, forwardPaths }, sourceOf(octets));
        for (const [index, path] of forwardPaths.entries()) answers.set(path, replies[index] as Reply);
      }
      return envelope.forwardPaths.map((path) => answers.get(path) ?? reply(451, "4.3.0", "Not handed on"));
    },
  });
}
