// The message as it was before its layers were put around it: the header that stood there, and the payload's body.
import { type ByteSource, equalOctets, type Spool } from "../bytes.ts";
import { formatHeader, type HeaderBlock, readEntity } from "../mime.ts";
import { behindHeader } from "./again.ts";
import { layoutOf, restoreHeader } from "./layout.ts";

/** The innermost content that was reached, and its header where it is a MIME entity. */
export type Payload = { readonly spool: Spool; readonly header: HeaderBlock };

/** The restored message, to be read as often as wanted. */
export async function restoreMessage(outer: HeaderBlock, payload: Payload): Promise<() => ByteSource> {
  const end = layoutOf(payload.header)?.end ?? "line";
  const recorded = restoreHeader(outer, payload.header, end);
  const honest = end === "line" || (await endsThere(recorded, payload));
  const header = honest ? recorded : restoreHeader(outer, payload.header, "line");
  return () => message(header, payload);
}

/**
 * Whether readers find the header's end where it is. A record that says falsely that no empty line ended it would make
 * header fields of the body's first lines: another From, or results in our name (security A18).
 */
async function endsThere(header: Uint8Array, payload: Payload): Promise<boolean> {
  const { header: read } = await readEntity(message(header, payload));
  return equalOctets(formatHeader(read), header);
}

async function* message(header: Uint8Array, payload: Payload): ByteSource {
  yield header;
  yield* behindHeader(payload.spool, payload.header);
}
