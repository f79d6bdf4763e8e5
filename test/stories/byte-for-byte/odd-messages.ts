// Messages as a gateway meets them: not as they should be. All lines end in CRLF; everything else may be odd.

import fc from "fast-check";

/** A message in pieces, so that a failing one is shrunk to what matters. All octets as characters below U+0100. */
export type OddMessage = {
  /** Whole fields with their line ends. */
  readonly fields: readonly string[];
  /** What follows the last field: an empty line and the body, something else, or nothing. */
  readonly rest: string;
};

export function octetsOf({ fields, rest }: OddMessage): Buffer {
  return Buffer.from(fields.join("") + rest, "latin1");
}

const words = fc.constantFrom(
  "",
  "a",
  "=?utf-8?q?=E2=82=AC?=",
  "text/plain",
  "\xe4\xf6",
  "\xe2\x82\xac",
  '"q;\\""',
  "x=y",
);
const blanks = fc.constantFrom(" ", "  ", "\t", "\r\n ", "\r\n\t", "\r\n \t ", "\r\n \r\n  ");
const colons = fc.constantFrom(":", ": ", ":\t", " :", "\t : ", ":\r\n ", ":   ");
const lineEnds = fc.constantFrom("\r\n", " \r\n", "\t \r\n");

const value = fc.array(fc.tuple(words, blanks), { maxLength: 4 }).map((pairs) => pairs.flat().join(""));

/** A value that no blanks end: they would fold the next line. */
function fieldOf(names: readonly string[], values: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...names), colons, values, words, lineEnds)
    .map(([name, colon, middle, end, lineEnd]) => `${name}${colon}${middle}${end}${lineEnd}`);
}

/** Fields that stay outside; our own record's name among them, and names that only look like content fields. */
const outside = fieldOf(
  ["From", "To", "Subject", "X", "Received", "DKIM-Signature", "List-Id", "Postern-Layout", "X-Content-Type"],
  value,
);
const oddOutside = fc.constantFrom(
  "Content : none\r\n",
  "Bcc:\r\n",
  "!#$%&'*+-.^_`|~: every character of a token\r\n",
  "Subject:no blank\r\n",
  "Postern-Layout: fields=none\r\n",
  "Postern-Layout: fields=0 0; end=open\r\n",
  `X-Long: ${"v".repeat(5000)}\r\n`,
  `References: ${"<id@a.example>\r\n ".repeat(200)}<id@a.example>\r\n`,
);

/** Fields that go inside, right ones and impossible ones. */
const contentNames = ["MIME-Version", "mime-version", "Content-Type", "CONTENT-TYPE", "Content-Transfer-Encoding"];
const content = fieldOf([...contentNames, "Content-Disposition", "Content-ID", "Content-", "content-X"], value);
const oddContent = fc.constantFrom(
  "MIME-Version: 1.0\r\n",
  "MIME-Version : 1.0\r\n",
  "MIME-Version: 1.0 (made by\r\n hand)\r\n",
  "Content-Type: multipart/mixed;\r\n boundary=x\r\n",
  "Content-Type:text/plain\r\n",
  "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n",
  'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=x\r\n',
  "Content-Transfer-Encoding: base64\r\n",
  "Content-Transfer-Encoding: x-unheard-of\r\n",
  "Content-Description: a bare\rCR, a bare\nLF and a \0\r\n",
  "Content-Type:\r\n \r\n",
);

const line = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    "--x",
    "--x--",
    "From here",
    ">From there",
    "trailing blanks  ",
    "\t",
    "\xe2\x82\xac\xff",
  ),
  fc.constantFrom(
    "a bare\rCR",
    "a bare\nLF",
    "\0",
    "\r",
    "-----BEGIN PKCS7-----",
    "Subject: not in the header",
    "\x1a",
  ),
  fc.constantFrom("l".repeat(998), "l".repeat(5000), "0123456789".repeat(10_000)),
  fc.string({ unit: "binary-ascii" }),
);
const body = fc
  .tuple(fc.array(line, { maxLength: 6 }), fc.constantFrom("\r\n", "", "\r", " "))
  .map(([lines, end]) => lines.join("\r\n") + end);

const rest = fc.oneof(
  { weight: 6, arbitrary: body.map((text) => `\r\n${text}`) },
  { weight: 1, arbitrary: fc.constantFrom("", "\r\n") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("this line is no field\r\n\r\nbody", "neither this\rnor: that", ": no name\r\n", " "),
  },
);

const mboxLine = fc.constantFrom("From ann@a.example Mon Nov 23 09:00:00 2026\r\n", ">From ann Mon\r\n");

const field = fc.oneof(
  { weight: 3, arbitrary: outside },
  { weight: 1, arbitrary: oddOutside },
  { weight: 3, arbitrary: content },
  { weight: 2, arbitrary: oddContent },
);
const fields = fc.array(field, { maxLength: 10 });

/** Odd messages in general: no content fields, scattered ones, doubled ones; header only, body only, nothing at all. */
export const oddMessage: fc.Arbitrary<OddMessage> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ fields, rest }) },
  {
    weight: 1,
    arbitrary: fc.tuple(mboxLine, fields, rest).map(([from, others, rest]) => ({ fields: [from, ...others], rest })),
  },
  { weight: 1, arbitrary: fc.tuple(fields, field).map(([fields, last]) => ({ fields, rest: last.trimEnd() })) },
);

/** Odd messages whose header ends in an empty line and begins with a field: servers can add theirs on both ends. */
export const oddMessageUnderway: fc.Arbitrary<OddMessage> = fc.record({
  fields,
  rest: body.map((text) => `\r\n${text}`),
});
