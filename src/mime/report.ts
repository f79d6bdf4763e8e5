// Reports about delivery (RFC 3462, 3464, 6533). Floor 1, see ../mime.ts.

import type { ByteSource } from "../bytes.ts";
import type { HeaderBlock } from "./header.ts";

/** What a report says, as it says it. */
export type DeliveryReport = {
  /** Fields of the message as a whole: Reporting-MTA, Original-Envelope-Id ... */
  readonly message: HeaderBlock;
  /** Fields of each recipient: Final-Recipient, Action, Status ... */
  readonly recipients: readonly HeaderBlock[];
  /** Header of the message it is about, where that came back. */
  readonly returned?: HeaderBlock;
};

/** undefined where the message is no report about delivery, or none that can be read with certainty. */
export function readReport(_header: HeaderBlock, _body: ByteSource): Promise<DeliveryReport | undefined> {
  throw new Error("comes next");
}
