// Mail of our own making. It enters at the hub and passes this gateway like any other; the ledger knows that it went, so
// that a retry of the message it is about does not send it twice.

import { sourceOf } from "../bytes.ts";
import { type ForwardPath, isPositive, type Mailbox } from "../smtp.ts";
import type { Step } from "./identity.ts";
import type { Arrived, Services } from "./passage.ts";
import { record } from "./recall.ts";

export type OwnMail = {
  readonly reversePath: Mailbox | undefined;
  readonly to: Mailbox;
  readonly message: Uint8Array;
};

/**
 * Whether the hub has it, now or from an earlier time. The step is recorded for `about`, recipients of the message that
 * it is about; the caller answers them afterwards, and with 451 where this is false.
 */
export async function submit(
  arrived: Arrived,
  about: readonly ForwardPath[],
  step: Step,
  { reversePath, to, message }: OwnMail,
  services: Services,
): Promise<boolean> {
  const hop = services.submit;
  if (hop === undefined) return false;
  const envelope = { reversePath, forwardPaths: [to], parameters: {} };
  const [answer] = await services.relay(hop, envelope, sourceOf(message));
  if (answer === undefined || !isPositive(answer)) return false;
  await record(arrived, about, step, services);
  return true;
}
