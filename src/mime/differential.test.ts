// Our reading of other people's messages beside that of postal-mime, a parser that repairs what it can.

import assert from "node:assert/strict";
import { test } from "node:test";
import PostalMime, { type Email } from "postal-mime";
import { messageSuites, type StoredMessage, storedMessages } from "../../test/messages.ts";
import { withVectors } from "../../test/vectors.ts";
import { type ByteSource, collect, latin1Text, sourceOf } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { fromDomain } from "./address.ts";
import { readEntity } from "./entity.ts";
import { fieldText } from "./header.ts";
import { mediaTypeOf, transferEncodingOf } from "./media-type.ts";
import { readMultipart, readParts } from "./multipart.ts";
import { decodeTransfer, transferDecoder } from "./transfer-encoding.ts";

const strict = "the base64 is broken: postal-mime makes something of it, we refuse";
const notField = "a line that is no field ends our header, as it does Postfix's; postal-mime goes on";
const noType =
  "the media type cannot be read: postal-mime takes what stands there, we assume text/plain (RFC 2045, 5.2)";

/** What postal-mime finds in a message and we do not, or otherwise. A row that has become untrue fails. */
const disagreements: ReadonlyMap<string, { readonly what: readonly string[]; readonly why: string }> = new Map([
  ["enmime/low-quality/bad-header-start.raw", { what: ["fields"], why: notField }],
  ["enmime/low-quality/bad-header-wrap.raw", { what: ["attachment application/x-zip-compressed"], why: notField }],
  ["enmime/low-quality/malformed-base64-attach.raw", { what: ["attachment application/msword"], why: strict }],
  [
    "enmime/low-quality/unk-encoding-part.raw",
    { what: ["attachment application/x-zip-compressed"], why: "an unknown transfer encoding is no identity" },
  ],
  [
    "enmime/mail/epilogue-sample.raw",
    {
      what: ["attachment text/html"],
      why: "a close delimiter with text behind it is none, so the base64 does not end",
    },
  ],
  ["enmime/mail/erroneous.raw", { what: ["fields"], why: notField }],
  ["enmime/mail/inlinemultipart.raw", { what: ["attachment application/pdf"], why: strict }],
  ["enmime/mail/malformed-multiple-address-header-values.raw", { what: ["attachment application/pdf"], why: strict }],
  [
    "enmime/mail/mime-bad-content-type.raw",
    {
      what: ["attachment application/pdf name=invoice_302232133150612.pdf"],
      why: "text behind the subtype is not part of it",
    },
  ],
  [
    "enmime/mail/mime-blank-media-name.raw",
    { what: ["attachment application/pdf name="], why: "text behind the subtype is not part of it" },
  ],
  ["enmime/mail/mime-duplicate-param.raw", { what: ["attachment application/pdf"], why: strict }],
  ["enmime/mail/mime-unquoted-tspecials-param.raw", { what: ["attachment application/pdf"], why: strict }],
  ["enmime/mail/qp-utf8-header-no-break.raw", { what: ["fields"], why: notField }],
  ["enmime/parts/barren-content-type.raw", { what: ["attachment "], why: noType }],
  [
    "enmime/parts/ctype-invalid-characters.raw",
    { what: ["attachment text/plain>"], why: "a token ends before what may not stand in it" },
  ],
  ["enmime/parts/empty-ctype-bad-content.raw", { what: ["attachment <html>"], why: noType }],
  [
    "mimekit-messages/feedback-report.txt",
    {
      what: ["attachment message/feedback-report", "attachment message/rfc822", "fields"],
      why: "the file begins with a byte order mark, which makes its first line no field",
    },
  ],
  ["mimekit-messages/issue358.txt", { what: ["fields"], why: notField }],
  ["mimekit-messages/missing-subtype.txt", { what: ["attachment application-x-gzip"], why: noType }],
  ["mimekit-messages/multipart-digest.txt", { what: ["fields"], why: "we know an mbox line when it stands on top" }],
]);

for (const suite of messageSuites) {
  withVectors(suite, 1, (folder) => {
    test(`the messages of ${suite} read as postal-mime reads them, but for known disagreements`, async () => {
      const found = new Map<string, string[]>();
      for (const message of storedMessages(folder)) {
        const what = await compare(message);
        if (what.length > 0) found.set(`${suite}/${message.name}`, what);
      }
      const known = [...disagreements].filter(([name]) => name.startsWith(`${suite}/`));
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(known.map(([name, { what }]) => [name, what])));
    });
  });
}

async function compare({ withCrlf }: StoredMessage): Promise<string[]> {
  const theirs = await PostalMime.parse(Buffer.from(withCrlf));
  const { header } = await readEntity(sourceOf(withCrlf));
  const leaves = await leavesOf(sourceOf(withCrlf));
  const fields = header.fields.filter(({ name }) => name !== "");
  const missing = theirs.attachments.filter(({ mimeType, content }) => {
    const text = comparable(latin1Text(Buffer.from(content as ArrayBuffer)));
    return !leaves.some((leaf) => leaf.type === mimeType && comparable(leaf.text) === text);
  });
  const domain = fromDomain(header)?.domain;
  return [
    ...missing.map(({ mimeType }) => `attachment ${mimeType}`),
    ...(sameFields(
      fields.map((field) => [field.name.toLowerCase(), fieldText(field)]),
      theirs,
    )
      ? []
      : ["fields"]),
    ...(domain === undefined || domain === domainOf(theirs) ? [] : [`domain ${domain}`]),
  ];
}

function domainOf(theirs: Email): string | undefined {
  return theirs.from?.address?.split("@").at(-1)?.toLowerCase();
}

function sameFields(fields: readonly (readonly string[])[], theirs: Email): boolean {
  const normal = (rows: readonly (readonly string[])[]) =>
    rows.map((row) => row.map((text) => text.replace(/\s+/g, " ").trim()));
  assert.ok(Array.isArray(theirs.headers));
  return (
    JSON.stringify(normal(fields)) === JSON.stringify(normal(theirs.headers.map(({ key, value }) => [key, value])))
  );
}

/** postal-mime gives what was not encoded with LF, and with one line end more or less. */
function comparable(text: string): string {
  return text.replaceAll("\r\n", "\n").trimEnd();
}

type Leaf = { readonly type: string; readonly text: string };

async function leavesOf(source: ByteSource): Promise<Leaf[]> {
  const { header, body } = await readEntity(source);
  const { type, parameters } = mediaTypeOf(header);
  const boundary = parameters.get("boundary");
  const leaves: Leaf[] = [];
  if (type.startsWith("multipart/") && boundary !== undefined) {
    const parts = readParts(readMultipart(body, boundary), () => {});
    for await (const part of parts) leaves.push(...(await leavesOf(part)));
    return leaves;
  }
  const octets = await collect(body);
  try {
    const decoded = await collect(decodeTransfer(sourceOf(octets), transferDecoder(transferEncodingOf(header))));
    const inner = type === "message/rfc822" ? await leavesOf(sourceOf(decoded)) : [];
    return [{ type, text: latin1Text(decoded) }, ...inner];
  } catch (failure) {
    assert.ok(failure instanceof SecureMailError);
    return [];
  }
}
