// Reports about delivery, read (RFC 3462, 3464, 6533). Floor 1, see ../mime.ts. Written in report-writer.ts.
//
// A report is read for what it tells about a message that may not be told about. So this reads what is certain, and says
// of everything else that claims to be a report that it cannot be read: whoever judges then takes the safe side.

import { asBuffer, type ByteSource, concat } from "../bytes.ts";
import { ambiguities } from "./ambiguity.ts";
import { readEntity } from "./entity.ts";
import { fieldsNamed, fieldText, type HeaderBlock, splitHeader, trimBlanks } from "./header.ts";
import { mediaTypeOf, transferEncodingOf } from "./media-type.ts";
import { ambiguous, malformed, overLimit } from "./mime-error.ts";
import { readMultipart, readParts } from "./multipart.ts";
import { decodeTransfer, transferDecoder } from "./transfer-encoding.ts";

/** What a report says, as it says it. */
export type DeliveryReport = {
  /** The sender's name for the envelope of the message it is about (RFC 3464, 2.2.1). */
  readonly envelopeId?: string;
  readonly recipients: readonly ReportedRecipient[];
  /** Header of the message it is about, where that came back. */
  readonly returned?: HeaderBlock;
};

/** One recipient (RFC 3464, 2.3); nothing of it is checked. */
export type ReportedRecipient = {
  readonly finalRecipient?: TypedAddress;
  readonly originalRecipient?: TypedAddress;
  /** In lower case: failed, delayed, delivered, relayed, expanded. */
  readonly action?: string;
  readonly status?: string;
};

/** `rfc822; a@b.example`: the type in lower case, an address of type `utf-8` without its escapes (RFC 6533, 3). */
export type TypedAddress = { readonly type: string; readonly address: string };

// LIMIT: a recipient takes some 300 octets, a message has at most some thousand of them.
export const maxStatusOctets: number = 1024 * 1024;
// LIMIT: house.md 5, addresses in a message.
const maxRecipients = 10_000;

/**
 * `undefined` where the message does not claim to be a report about delivery. Throws a SecureMailError where it does and
 * cannot be read with certainty, or is too large.
 */
export async function readReport(header: HeaderBlock, body: ByteSource): Promise<DeliveryReport | undefined> {
  const { type, parameters } = mediaTypeOf(header);
  const boundary = parameters.get("boundary");
  const reportType = parameters.get("report-type")?.toLowerCase() ?? "delivery-status";
  if (type !== "multipart/report" || !reportType.endsWith("delivery-status")) return undefined;
  requireCertain(ambiguities(header));
  if (boundary === undefined) throw malformed("a report without a boundary", { field: "Content-Type" });
  let status: Status | undefined;
  let returned: HeaderBlock | undefined;
  for await (const part of readParts(readMultipart(body, boundary), (problem) => requireCertain([problem]))) {
    const entity = await readEntity(part);
    requireCertain(ambiguities(entity.header).filter((what) => !isHarmlessInPart(what)));
    const partType = mediaTypeOf(entity.header).type;
    if (statusTypes.has(partType)) {
      if (status !== undefined) throw ambiguous("a report with two parts about delivery");
      status = readStatus(await collectStatus(decoded(entity.header, entity.body)));
    } else if (returnedTypes.has(partType)) {
      if (returned !== undefined) throw ambiguous("a report that returns two messages");
      returned = await headerOf(decoded(entity.header, entity.body));
    }
  }
  if (status === undefined) throw malformed("a report without its part about delivery", {});
  return { ...status, ...(returned === undefined ? {} : { returned }) };
}

const statusTypes: ReadonlySet<string> = new Set(["message/delivery-status", "message/global-delivery-status"]);
const returnedTypes: ReadonlySet<string> = new Set([
  "text/rfc822-headers",
  "message/rfc822-headers", // QUIRK RFC 3462, 2: some servers put it among the messages
  "message/rfc822",
  "message/global",
  "message/global-headers",
]);

type Status = Pick<DeliveryReport, "envelopeId" | "recipients">;

function requireCertain(problems: readonly string[]): void {
  const [problem] = problems;
  if (problem !== undefined) throw ambiguous(problem);
}

/** A part may be empty, and what stands in it is read as it stands. */
function isHarmlessInPart(what: string): boolean {
  return what === "header without an empty line at its end" || what === "NUL in the header";
}

function decoded(header: HeaderBlock, body: ByteSource): ByteSource {
  return decodeTransfer(body, transferDecoder(transferEncodingOf(header)));
}

async function collectStatus(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > maxStatusOctets) throw overLimit(`a report of more than ${maxStatusOctets} octets`);
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** Groups of fields, an empty line between them: the first is about the message, each further one about a recipient. */
function readStatus(octets: Uint8Array): Status {
  const groups = [...groupsOf(octets)];
  const [message, ...recipients] = groups;
  if (message === undefined || recipients.length === 0) throw malformed("a report about no recipient", {});
  const envelopeId = onlyText(message, "Original-Envelope-Id");
  return { recipients: recipients.map(readRecipient), ...(envelopeId === undefined ? {} : { envelopeId }) };
}

function readRecipient(group: HeaderBlock): ReportedRecipient {
  const finalRecipient = typedAddress(onlyText(group, "Final-Recipient"));
  const originalRecipient = typedAddress(onlyText(group, "Original-Recipient"));
  const action = onlyText(group, "Action");
  const status = onlyText(group, "Status");
  return {
    ...(finalRecipient === undefined ? {} : { finalRecipient }),
    ...(originalRecipient === undefined ? {} : { originalRecipient }),
    ...(action === undefined ? {} : { action: action.toLowerCase() }),
    ...(status === undefined ? {} : { status }),
  };
}

function typedAddress(text: string | undefined): TypedAddress | undefined {
  const semicolon = text?.indexOf(";") ?? -1;
  if (text === undefined || semicolon === -1) return undefined;
  const type = trimBlanks(text.slice(0, semicolon)).toLowerCase();
  const written = trimBlanks(text.slice(semicolon + 1)).replace(/^<([^<>]*)>$/, "$1");
  return { type, address: type === "utf-8" ? written.replace(/\\x\{([0-9A-F]{2,6})\}/g, fromCodePoint) : written };
}

function fromCodePoint(written: string, digits: string): string {
  const code = Number.parseInt(digits, 16);
  return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? written : String.fromCodePoint(code);
}

function* groupsOf(octets: Uint8Array): Generator<HeaderBlock> {
  const buffer = asBuffer(octets);
  let groups = 0;
  for (let from = 0, end = 0; from < octets.length; from = end) {
    const found = buffer.indexOf("\r\n\r\n", from, "latin1");
    end = found === -1 ? octets.length : found + 4;
    const group = octets.subarray(from, found === -1 ? end : found + 2);
    // An empty line too many, between two groups or before the first.
    const empty = leadingLineEnds(group);
    if (empty === group.length) continue;
    if (++groups > maxRecipients) throw overLimit(`a report about more than ${maxRecipients} recipients`);
    const { header, bodyAt } = splitHeader(group.subarray(empty), true);
    if (bodyAt !== group.length - empty)
      throw malformed("a line that is no field in a report", { offset: from + bodyAt });
    yield header;
  }
}

function leadingLineEnds(octets: Uint8Array): number {
  let at = 0;
  while (octets[at] === 0x0d && octets[at + 1] === 0x0a) at += 2;
  return at;
}

/** The header at the start of what came back; the rest is passed over. */
async function headerOf(source: ByteSource): Promise<HeaderBlock> {
  const { header, body } = await readEntity(source);
  await body.return?.();
  return header;
}

/** Two fields of one name, or one that readers cut at a NUL, say nothing that is certain. */
function onlyText(group: HeaderBlock, name: string): string | undefined {
  const [field, another] = fieldsNamed(group, name);
  if (another !== undefined) throw ambiguous(`${name} given twice`);
  if (field?.octets.includes(0)) throw ambiguous(`NUL in ${name}`);
  return field === undefined ? undefined : fieldText(field);
}
