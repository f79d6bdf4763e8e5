// Byte for byte: which header fields travel inside and how they find back to their places.
//
// The content fields (MIME-Version, Content-*) describe the body and go with it into the signed part; all others stay
// outside, where the world's servers need them. The S/MIME content fields stand outside in place of the first content
// field. A record inside the signed part says which gaps lay between the others. Trace fields that servers add on top
// do not disturb it, for everything is counted from the place of the S/MIME fields.
import { concat, equalOctets, latin1 } from "../bytes.ts";
import {
  fieldNamed,
  fieldsNamed,
  fieldText,
  formatField,
  type HeaderBlock,
  type HeaderField,
  isContentField,
} from "../mime.ts";

/** The record's name; other programs ignore it (RFC 2045, 9: only Content-* has meaning in a part). */
export const layoutField = "Postern-Layout";

const crlf = latin1("\r\n");

export type SplitHeader = {
  /** Fields that stay outside, before and behind the place of the S/MIME content fields. */
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
  /** Header of the payload: content fields, record, empty line. */
  readonly payloadHead: Uint8Array;
};

/** Divides a header into what stays outside and what travels inside. */
export function splitHeader({ fields, separator }: HeaderBlock): SplitHeader {
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  const content: Uint8Array[] = [];
  const gaps: number[] = [];
  let behindLast = 0;
  for (const field of fields) {
    if (!isContentField(field)) (content.length === 0 ? before : after).push(wholeLine(field));
    else {
      gaps.push(after.length - behindLast);
      behindLast = after.length;
      content.push(wholeLine(field));
    }
  }
  const last = fields.at(-1);
  const open = last !== undefined && !endsLine(last.octets);
  const record = formatLayout({ gaps, end: open ? "open" : separator.length > 0 ? "line" : "none" });
  return { before, after, payloadHead: concat([...content, record, crlf]) };
}

/** How the content fields stood among the others: `gaps[i]` other fields before the i-th, counted from the one before it. */
export type Layout = {
  readonly gaps: readonly number[];
  /** `line`: an empty line ended the header. `none`: it ended without one. `open`: in the middle of its last line. */
  readonly end: "line" | "none" | "open";
};

function formatLayout({ gaps, end }: Layout): Uint8Array {
  const fields = gaps.length === 0 ? "none" : gaps.join(" ");
  return formatField(layoutField, end === "line" ? `fields=${fields}` : `fields=${fields}; end=${end}`);
}

const layoutSyntax = /^fields=(none|\d{1,6}(?: \d{1,6})*)(?:; end=(none|open))?$/;

/** The record of a payload's header, undefined where there is none that can be read. */
export function layoutOf(header: HeaderBlock): Layout | undefined {
  const field = fieldNamed(header, layoutField);
  const match = field === undefined ? null : layoutSyntax.exec(fieldText(field).replace(/\s+/g, " "));
  if (match === null) return undefined;
  const gaps = match[1] === "none" ? [] : (match[1] as string).split(" ").map(Number);
  return { gaps, end: (match[2] ?? "line") as Layout["end"] };
}

/**
 * The header of the restored message, with the end asked for, from the outer header and that of the signed part.
 *
 * Without a record the payload's content fields take the place of the outer ones. MIME-Version belongs to a letter and
 * not to a part of one (RFC 2045, 4): others leave it outside, and what they sent has to stay MIME.
 */
export function restoreHeader(outer: HeaderBlock, payload: HeaderBlock, end: Layout["end"]): Uint8Array {
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  let others = before;
  for (const field of outer.fields) {
    if (isContentField(field)) others = after;
    else others.push(field.octets);
  }
  const layout = layoutOf(payload);
  const hasVersion = layout !== undefined || fieldNamed(payload, "MIME-Version") !== undefined;
  const version = hasVersion ? [] : fieldsNamed(outer, "MIME-Version").map(({ octets }) => octets);
  const content = payload.fields.filter(isContentField).map(wholeLine);
  const restored = [...before, ...version, ...interleave(content, layout?.gaps ?? [], after)];
  if (end === "line") return concat([...restored, crlf]);
  const fields = concat(restored);
  return end === "open" && endsLine(fields) ? fields.subarray(0, -2) : fields;
}

function interleave(
  content: readonly Uint8Array[],
  gaps: readonly number[],
  others: readonly Uint8Array[],
): Uint8Array[] {
  const result: Uint8Array[] = [];
  let at = 0;
  content.forEach((octets, index) => {
    const gap = gaps[index] ?? 0;
    result.push(...others.slice(at, at + gap), octets);
    at += gap;
  });
  return [...result, ...others.slice(at)];
}

/** A payload may end within its last field. */
function wholeLine({ octets }: HeaderField): Uint8Array {
  return endsLine(octets) ? octets : concat([octets, crlf]);
}

function endsLine(octets: Uint8Array): boolean {
  return octets.length >= 2 && equalOctets(octets.subarray(-2), crlf);
}
