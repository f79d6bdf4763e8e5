import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutSource, cuts } from "../../test/chunks.ts";
import { collect, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { readEntity } from "./entity.ts";
import { mendHeader, mendLineEnds } from "./mend-line-ends.ts";
import { decodedText } from "./walk.ts";

async function mended(text: string, places: readonly number[] = []): Promise<string | undefined> {
  const source = await mendLineEnds(() => cutSource(latin1(text), places));
  return source && latin1Text(await collect(source));
}

const lines = (...all: readonly string[]) => all.join("\r\n");
const base64 = (text: string) => latin1(text).toBase64();

test("a message whose lines all end in CRLF is left alone", async () => {
  assert.equal(await mended(lines("Subject: x", "", "a", "", "b", "")), undefined);
  assert.equal(await mended(""), undefined);
  assert.equal(await mended("no line end"), undefined);
});

for (const { what, message, expected } of [
  {
    what: "a plain letter with a bare LF is a MIME letter in base64",
    message: lines("Subject: x", "", "a\nb", ""),
    expected: lines("Subject: x", "MIME-Version: 1.0", "Content-Transfer-Encoding: base64", "", base64("a\nb\r\n"), ""),
  },
  {
    what: "a CR at the very end stands alone",
    message: lines("MIME-Version: 1.0", "Content-Transfer-Encoding: 8bit", "Subject: x", "", "a\r"),
    expected: lines("MIME-Version: 1.0", "Content-Transfer-Encoding: base64", "Subject: x", "", base64("a\r"), ""),
  },
  {
    what: "a header field keeps to its line, with blanks",
    message: lines("Subject: x\nBcc: y\rz", "From: a", "", "a", ""),
    expected: lines("Subject: x Bcc: y z", "From: a", "", "a", ""),
  },
  {
    what: "no line of blanks comes to be in a header",
    message: lines("Subject: x", " \n", "From: a", "", "a", ""),
    expected: lines("Subject: x", "From: a", "", "a", ""),
  },
  {
    what: "what is quoted-printable is decoded and written in base64",
    message: lines("Content-Transfer-Encoding: quoted-printable", "MIME-Version: 1.0", "", "a=3D=\nb\n"),
    expected: lines("Content-Transfer-Encoding: base64", "MIME-Version: 1.0", "", base64("a=b\n"), ""),
  },
  {
    what: "what cannot be decoded gets blanks",
    message: lines("Content-Transfer-Encoding: x-unknown", "", "a\nb\r", ""),
    expected: lines("Content-Transfer-Encoding: x-unknown", "", "a b ", ""),
  },
  {
    what: "a body that began without an empty line gets one",
    message: lines("Subject: x", "no field\n", ""),
    expected: lines(
      "Subject: x",
      "MIME-Version: 1.0",
      "Content-Transfer-Encoding: base64",
      "",
      base64("no field\n\r\n"),
      "",
    ),
  },
  {
    what: "a part is encoded alone; around the parts stand blanks",
    message: lines(
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      "pre\nface\r",
      "--b",
      "",
      "one",
      "--b",
      "Content-Type: text/plain",
      "",
      "two\n.\n",
      "--b",
      "Content-Type: message/delivery-status",
      "",
      "Reporting-MTA: dns; x\ny",
      "--b--",
      "epi\nlogue",
    ),
    expected: lines(
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      "pre face ",
      "--b",
      "",
      "one",
      "--b",
      "Content-Type: text/plain",
      "Content-Transfer-Encoding: base64",
      "",
      base64("two\n.\n"),
      "",
      "--b",
      "Content-Type: message/delivery-status",
      "",
      "Reporting-MTA: dns; x y",
      "--b--",
      "epi logue",
    ),
  },
  {
    what: "a letter within a letter stays one",
    message: lines("Content-Type: message/rfc822", "", "Subject: in\nside", "", "a\nb"),
    expected: lines(
      "Content-Type: message/rfc822",
      "",
      "Subject: in side",
      "MIME-Version: 1.0",
      "Content-Transfer-Encoding: base64",
      "",
      base64("a\nb"),
      "",
    ),
  },
]) {
  test(what, async () => assert.equal(await mended(message), expected));
}

const piece = fc.constantFrom(
  "\r",
  "\n",
  "\r\n",
  "\r\n.\r\n",
  "\n.\n",
  "\r.\r",
  "a",
  "--b",
  "--b--",
  "Subject: x",
  ": ",
);
const frames = [
  (text: string) => `${text}`,
  (text: string) => `Subject: x\r\n\r\n${text}`,
  (text: string) => `Subject: x${text}y\r\n\r\nz`,
  (text: string) =>
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${text}\r\n--b\r\n\r\n${text}\r\n--b--\r\n${text}`,
  (text: string) => `Content-Type: message/rfc822\r\n\r\n${text}`,
];
const messages = fc
  .tuple(fc.constantFrom(...frames), fc.array(piece, { maxLength: 12 }))
  .map(([frame, pieces]) => frame(pieces.join("")));

test("what is mended has no stray CR or LF, wherever the stream was cut, and mending it again changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(messages, cuts, async (text, places) => {
      const once = await mended(text, places);
      assert.equal(once === undefined, !/\r(?!\n)|(?<!\r)\n/.test(text));
      if (once === undefined) return;
      assert.doesNotMatch(once, /\r(?!\n)|(?<!\r)\n/);
      assert.equal(once, await mended(text));
      assert.equal(await mended(once), undefined);
    }),
    { numRuns: 2000 },
  );
});

test("the octets of a letter's body are the same behind its base64", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), cuts, async (octets, places) => {
      const text = `Content-Type: application/octet-stream\r\nMIME-Version: 1.0\r\n\r\n${latin1Text(octets)}.\n`;
      const once = await mended(text, places);
      const shown = latin1Text(await collect(decodedText(sourceOf(latin1(once ?? "")))));
      assert.equal(shown.replace("Content-Transfer-Encoding: base64\r\n", ""), text);
    }),
  );
});

test("only the fields that are named are mended", async () => {
  const { header } = await readEntity(sourceOf(latin1("Subject: a\nb\r\nContent-Type: text/x\ny\r\n\r\n")));
  const { fields } = mendHeader(header, ({ name }) => name === "Subject");
  assert.deepEqual(
    fields.map(({ octets }) => latin1Text(octets)),
    ["Subject: a b\r\n", "Content-Type: text/x\ny\r\n"],
  );
  assert.equal(
    mendHeader(header, () => false),
    header,
  );
});
