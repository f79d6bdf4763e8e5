// A probe of `postern check` came by: that is all that is wanted of it.

import { formatMailbox } from "../smtp.ts";
import type { Accepted, Group, Prepared, Services } from "./passage.ts";

export async function noteProbe(
  { from, at, envelope: { reversePath } }: Accepted,
  { token, answer }: Group & { kind: "probe" },
  { store }: Services,
): Promise<Prepared> {
  const seen = { side: from, at, reversePath: reversePath === undefined ? "" : formatMailbox(reversePath) };
  await store.probes.note(token, seen);
  return { kind: "answer", answer, findings: { code: "PROBE" } };
}
