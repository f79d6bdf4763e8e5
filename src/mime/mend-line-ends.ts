// A CR or LF that stands alone, mended before a message is handed on in clear (decision record 0010). Floor 1, see
// ../mime.ts.

import type { ByteSource } from "../bytes.ts";
import type { HeaderBlock, HeaderField } from "./header.ts";

/**
 * The message as every reader reads it alike: undefined where it is so already, which most messages are. `read` gives
 * the message from its start, each time it is called; it is called up to three times.
 */
export function mendLineEnds(_read: () => ByteSource): Promise<ByteSource | undefined> {
  throw new Error("comes next");
}

/** A header without stray CR and LF, each a blank instead; the same one where it has none. Only the fields `which` names. */
export function mendHeader(header: HeaderBlock, _which: (field: HeaderField) => boolean = () => true): HeaderBlock {
  return header;
}
