import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1, sourceOf } from "../bytes.ts";
import { ambiguities } from "./ambiguity.ts";
import { readEntity } from "./entity.ts";

async function judge(headerText: string): Promise<readonly string[]> {
  return ambiguities((await readEntity(sourceOf(latin1(headerText)))).header);
}

for (const fields of [
  "Subject: x",
  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit",
  "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m",
  'Content-Type: application/x-pkcs7-mime;\r\n\tsmime-type=signed-data;\r\n\tname="smime.p7m";\r\nContent-Transfer-Encoding: BASE64',
  'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg=sha-256; boundary="----=_Part_1(2)3:4"',
  'Content-Type: multipart/mixed; boundary="=_two words"',
  "Content-Type: multipart/mixed; boundary=----=_NextPart_000_0012",
  "Content-Type: application/octet-stream; name*=utf-8''smime.p7m; name=smime.p7m",
  'Content-Type: application/octet-stream; name="C:\\x\\smime.p7m"',
  "From a@b.example Mon\r\nContent-Type: text/plain",
  "__proto__: x\r\nContent-Type: text/plain",
]) {
  test(`honest: ${JSON.stringify(fields)}`, async () => assert.deepEqual(await judge(`${fields}\r\n\r\nbody`), []));
}

const multipart = "Content-Type: multipart/mixed; boundary=b";
const odd = "multipart with an odd boundary";
for (const { fields, what } of [
  { fields: `${multipart}\r\nContent-Type: text/plain`, what: "Content-Type given twice" },
  { fields: `${multipart}\r\nX: y\r\nCONTENT-TYPE: multipart/mixed; boundary=c`, what: "Content-Type given twice" },
  {
    fields: "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64",
    what: "Content-Transfer-Encoding given twice",
  },
  { fields: "MIME-Version: 1.0\r\nMIME-Version: 1.0", what: "MIME-Version given twice" },
  { fields: "Content-Disposition: inline\r\nContent-Disposition: attachment", what: "Content-Disposition given twice" },
  { fields: "Subject: a\0b", what: "NUL in the header" },
  { fields: "Subject: a\nContent-Type: text/html", what: "bare CR or LF in the header" },
  { fields: "Subject: a\rContent-Type: text/html", what: "bare CR or LF in the header" },
  { fields: "Subject: x\r\nno field\r\nContent-Type: text/html", what: "header without an empty line at its end" },
  { fields: "Content-Type : multipart/mixed; boundary=b", what: "Content-Type with blanks before its colon" },
  { fields: "Content-Type: multipart/mixed;\r\n \r\n boundary=b", what: "Content-Type with a line of blanks" },
  { fields: "Content-Type: multipart", what: "Content-Type without type and subtype" },
  { fields: "Content-Type:", what: "Content-Type without type and subtype" },
  { fields: "Content-Type: =?utf-8?Q?multipart/mixed?=; boundary=b", what: "Content-Type without type and subtype" },
  {
    fields: "Content-Type: text/plain, multipart/mixed; boundary=b",
    what: "Content-Type with text where a semicolon should be",
  },
  { fields: "Content-Type: multipart/mixed boundary=b", what: "Content-Type with text where a semicolon should be" },
  { fields: "Content-Type: multipart/mixed; boundary", what: "a parameter that has no value" },
  { fields: "Content-Type: multipart/mixed; (boundary=a) boundary=b", what: "Content-Type with a comment" },
  { fields: 'Content-Type: multipart/mixed; boundary="b', what: "Content-Type with an open quote or comment" },
  { fields: "Content-Type: multipart/mixed; boundary=b (c", what: "Content-Type with an open quote or comment" },
  { fields: `${multipart}; boundary=c`, what: "boundary given twice" },
  { fields: `${multipart}; BOUNDARY=b`, what: "boundary given twice" },
  { fields: `${multipart}; boundary*=us-ascii''c`, what: "boundary by RFC 2231" },
  { fields: "Content-Type: multipart/mixed; boundary*0=b; boundary*1=c", what: "boundary by RFC 2231" },
  { fields: "Content-Type: multipart/mixed; boundary*0=b; boundary*2=c", what: "boundary with a piece missing" },
  { fields: "Content-Type: multipart/mixed; boundary*0=b; boundary*0=c", what: "boundary*0 given twice" },
  { fields: "Content-Type: multipart/mixed; boundary*00=b", what: "parameter boundary*00 not readable" },
  {
    fields: "Content-Type: application/pkcs7-mime; smime-type=signed-data; smime-type=enveloped-data",
    what: "smime-type given twice",
  },
  { fields: "Content-Disposition: attachment; filename=a.txt; filename=smime.p7m", what: "filename given twice" },
  { fields: "Content-Type: application/octet-stream; name=a.txt; name=smime.p7m", what: "name given twice" },
  {
    fields: "Content-Type: application/octet-stream; name*0=smime; name*1=.p7m; name*=us-ascii''a.txt",
    what: "name by RFC 2231",
  },
  { fields: 'Content-Type: multipart/mixed; boundary="a\\b"', what: "boundary with a backslash" },
  { fields: "Content-Type: multipart/mixed; boundary=a b", what: "boundary not quoted" },
  { fields: 'Content-Type: multipart/mixed; boundary=a"b"', what: "boundary not quoted" },
  { fields: "Content-Type: multipart/mixed", what: "multipart without a boundary" },
  { fields: "Content-Type: multipart/mixed; boundary=", what: odd },
  { fields: 'Content-Type: multipart/mixed; boundary=""', what: odd },
  { fields: 'Content-Type: multipart/mixed; boundary="b "', what: odd },
  { fields: 'Content-Type: multipart/mixed; boundary=" b"', what: odd },
  { fields: `Content-Type: multipart/mixed; boundary=${"b".repeat(71)}`, what: odd },
  { fields: 'Content-Type: multipart/mixed; boundary="b\xfc"', what: odd },
  { fields: 'Content-Type: multipart/mixed; boundary="b\tc"', what: odd },
  { fields: 'Content-Type: multipart/mixed; boundary="=?utf-8?Q?b?="', what: odd },
  { fields: `${multipart}\r\nContent-Transfer-Encoding: base64`, what: "multipart/mixed encoded as a whole" },
  {
    fields: "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable",
    what: "message/rfc822 encoded as a whole",
  },
  { fields: "Content-Transfer-Encoding: x-uuencode", what: "Content-Transfer-Encoding unknown" },
  { fields: "Content-Transfer-Encoding: base64 (x)", what: "Content-Transfer-Encoding with more than one word" },
  { fields: "Content-Transfer-Encoding: base64, 8bit", what: "Content-Transfer-Encoding with more than one word" },
  { fields: "Content-Transfer-Encoding:", what: "Content-Transfer-Encoding with more than one word" },
]) {
  test(`ambiguous: ${JSON.stringify(fields)}`, async () => {
    const found = await judge(`${fields}\r\n\r\nbody`);
    assert.ok(found.includes(what), JSON.stringify(found));
  });
}
