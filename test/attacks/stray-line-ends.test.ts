// SMTP smuggling by what leaves in clear (security A33): whatever a ciphertext held, the next server finds one message
// in it, however leniently it reads.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, concat, latin1, latin1Text, sourceOf } from "../../src/bytes.ts";
import { mendLineEnds } from "../../src/mime.ts";
import { DotWriter } from "../../src/smtp/message-octets.ts";
import { cut } from "../chunks.ts";
import { found, openedMail, protectedMail, recipient } from "../correspondents.ts";

const lineEnds = ["\r\n", "\n", "\r", "\r\r\n", "\n\r", "\n\n", "\r\r", "\r\n\n", "\r\n\r", "\0\n", "\r\0\n"];
/** What some server takes, or took, for the end of a message. */
const endings = lineEnds.flatMap((before) => lineEnds.map((after) => `${before}.${after}`));
const smuggled = "MAIL FROM:<admin@treasury.example>\r\nRCPT TO:<bob@treasury.example>\r\nDATA\r\nPay.\r\n";

const places: readonly { readonly where: string; readonly message: (octets: string) => string }[] = [
  { where: "in a body", message: (octets) => `Subject: x\r\n\r\nHello${octets}${smuggled}` },
  { where: "at a body's end", message: (octets) => `Subject: x\r\n\r\nHello${octets}` },
  { where: "at a body's beginning", message: (octets) => `Subject: x\r\n\r\n${octets}${smuggled}` },
  { where: "in a header", message: (octets) => `Subject: x${octets}${smuggled}` },
  {
    where: "in a part",
    message: (octets) =>
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello${octets}${smuggled}\r\n--b--\r\n`,
  },
  {
    where: "around the parts",
    message: (octets) =>
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n${octets}${smuggled}\r\n--b\r\n\r\nHello\r\n--b--${octets}${smuggled}`,
  },
  {
    where: "in quoted-printable",
    message: (octets) => `Content-Transfer-Encoding: quoted-printable\r\n\r\nHello=${octets}${smuggled}`,
  },
  { where: "in base64", message: (octets) => `Content-Transfer-Encoding: base64\r\n\r\nSGVs${octets}bG8=\r\n` },
  {
    where: "in a letter within",
    message: (octets) => `Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nHello${octets}${smuggled}`,
  },
  {
    where: "in a report within",
    message: (octets) => `Content-Type: message/delivery-status\r\n\r\nAction: x${octets}${smuggled}`,
  },
];

for (const { where, message } of places) {
  test(`A33: ${endings.length} endings ${where} leave one message to the most lenient server`, async () => {
    for (const ending of endings) {
      const octets = latin1(message(ending));
      for (const size of [1, 2, 3, octets.length]) {
        const ends = Array.from({ length: Math.floor(octets.length / size) }, (_, index) => (index + 1) * size);
        const read = () => sourceOf(...cut(octets, ends));
        const mended = await collect((await mendLineEnds(read)) ?? read());
        assert.equal(messagesIn(onTheWire(mended)), 1, `${JSON.stringify(ending)} in pieces of ${size}`);
      }
    }
  });
}

test("A33: what is protected keeps the octets of the body, shows none outside, and leaves as one message when opened", async () => {
  const key = await recipient("p256");
  for (const ending of endings) {
    const letter = latin1(`From: alice@a.example\r\nSubject: x\r\n\r\nHello${ending}${smuggled}`);
    const sealed = await protectedMail({ to: [key], innerEncoding: "base64" }, letter);
    assert.equal(await mendLineEnds(() => sourceOf(sealed)), undefined);
    const { report, octets } = await openedMail(sealed, { keys: [key] });
    assert.equal(report.code, "OK");
    assert.equal(latin1Text(found(octets)), latin1Text(letter));
    const read = () => sourceOf(found(octets));
    const mended = await collect((await mendLineEnds(read)) ?? read());
    assert.equal(messagesIn(onTheWire(mended)), 1, JSON.stringify(ending));
  }
});

function onTheWire(message: Uint8Array): string {
  const dots = new DotWriter();
  return latin1Text(concat([latin1("DATA\r\n"), dots.write(message), dots.end()]));
}

/** Every line end counts, NUL is nothing, and a dot alone on a line ends a message. */
function messagesIn(wire: string): number {
  const lines = wire.replaceAll("\0", "").split(/\r\n|\r|\n/);
  return lines.filter((line) => line === ".").length;
}
