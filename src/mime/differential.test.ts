// Our reading of other people's messages beside that of postal-mime, a parser that repairs what it can.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import PostalMime, { type Email } from "postal-mime";
import { messageSuites, type StoredMessage, storedMessages } from "../../test/messages.ts";
import { withVectors } from "../../test/vectors.ts";
import { type ByteSource, collect, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { fromDomain } from "./address.ts";
import { ambiguities } from "./ambiguity.ts";
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

const honest = [
  "Subject: x\r\nContent-Type:",
  ...[" multipart/mixed", ";", " boundary", "=", "b", "\r\n", "\r\n", "preamble", "\r\n", "--b", "\r\n"],
  ...["Content-Type: application/octet-stream; name=p1", "\r\n", "\r\n", "part one", "\r\n", "--b", "\r\n"],
  ...["Content-Type: application/octet-stream;", " name=p2", "\r\n", "\r\n", "part two", "\r\n", "text", "\r\n"],
  ...["--b--", "\r\n", "epilogue"],
];
const odd = fc.constantFrom(
  ...[
    "multipart/mixed",
    " multipart/alternative;",
    " boundary=bb;",
    " boundary=c;",
    " boundary*0=c;",
    " boundary*1=b;",
  ],
  ...[" boundary*=us-ascii''c;", "=?utf-8?Q?b?=", '"', "(c)", "(", ")", ";", ",", "\\", "*", "'", ":", ": ", "=", "b"],
  ...["\r\n ", "\r\n \r\n ", "\r\n", "\r\n\r\n", "\r", "\n", "\0", "\x01", "\x0b", "\f", "\xfc", " ", "-", "--", "--c"],
  ...["--b", "--b--", "--bb", "\r\n--b", "\r\n--b--\r\n", "\n--b\r\n", "\r\n--b \r\n", "no field"],
  ...["Content-Type:\r\n", "\r\nContent-Type: text/plain\r\n", "\r\nContent-Type : multipart/mixed; boundary=c"],
  ...["Content-Type: message/rfc822\r\n", "Content-Disposition: inline\r\n"],
  ...["Content-Transfer-Encoding: quoted-printable\r\n", "\r\nContent-Transfer-Encoding: base64\r\n"],
);
const changes = fc.array(fc.tuple(fc.nat(honest.length), odd, fc.nat(1)), { maxLength: 3 });

test("a message that is not called ambiguous has the same parts for postal-mime", async () => {
  let clear = 0;
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      const pieces = [...honest];
      for (const [at, text, removed] of list) pieces.splice(at, removed, text);
      const octets = latin1(pieces.join(""));
      const { problems, parts } = await readDirectParts(octets);
      if (problems.length > 0) return;
      clear++;
      const { attachments } = await PostalMime.parse(Buffer.from(octets));
      const theirs = attachments.filter(({ mimeType }) => mimeType === "application/octet-stream");
      assert.deepEqual(
        parts.map(withoutLineEnds),
        theirs.map(({ content }) => withoutLineEnds(latin1Text(Buffer.from(content as ArrayBuffer)))),
        JSON.stringify(latin1Text(octets)),
      );
    }),
    { numRuns: 4000 },
  );
  assert.ok(clear > 500, `only ${clear} messages were clear`);
});

/** Blanks before a line end go in quoted-printable (RFC 2045, 6.7 rule 3); postal-mime keeps those of a line of blanks. */
function withoutLineEnds(text: string): string {
  return text.replace(/[ \t]*\r?$/gm, "").trimEnd();
}

/** The decoded application/octet-stream parts, and all that is doubtful about the message. */
async function readDirectParts(octets: Uint8Array): Promise<{ problems: string[]; parts: string[] }> {
  const { header, body } = await readEntity(sourceOf(octets));
  const problems = [...ambiguities(header)];
  const parts: string[] = [];
  const { type, parameters } = mediaTypeOf(header);
  const boundary = parameters.get("boundary");
  if (!type.startsWith("multipart/") || boundary === undefined) return { problems: ["no multipart"], parts };
  for await (const part of readParts(readMultipart(body, boundary), (what) => problems.push(what))) {
    const entity = await readEntity(part);
    problems.push(...ambiguities(entity.header));
    // postal-mime counts what a message inside holds among the parts around it.
    if (mediaTypeOf(entity.header).type === "message/rfc822") problems.push("a message inside");
    const encoded = await collect(entity.body);
    try {
      const decoder = transferDecoder(transferEncodingOf(entity.header));
      const decoded = await collect(decodeTransfer(sourceOf(encoded), decoder));
      if (mediaTypeOf(entity.header).type === "application/octet-stream") parts.push(latin1Text(decoded));
    } catch (failure) {
      assert.ok(failure instanceof SecureMailError);
      problems.push(failure.message);
    }
  }
  return { problems, parts };
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
