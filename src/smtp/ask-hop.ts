// Whether a next hop is there and what it can do, without a message.

import { defaultTimeouts, type Hop, RelaySession } from "./relay-session.ts";

/** Who asks waits at the terminal. */
const patienceMs = 10_000;

/** What the hop says to EHLO, over TLS where the hop asks for it; throws SMTP_HOP_UNUSABLE. */
export async function askHop(hop: Hop, hostname: string): Promise<ReadonlyMap<string, string>> {
  const timeouts = { ...defaultTimeouts, connectMs: patienceMs, commandMs: patienceMs };
  const session = await RelaySession.open(hop, hostname, timeouts);
  const { keywords } = session;
  await session.quit();
  return keywords;
}
