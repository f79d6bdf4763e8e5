import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { type HeaderBlock, readEntity } from "../mime.ts";
import { layoutOf, restoreHeader, splitHeader } from "./layout.ts";

async function headerOf(text: string | Uint8Array): Promise<HeaderBlock> {
  return (await readEntity(sourceOf(typeof text === "string" ? latin1(text) : text))).header;
}

const smime = latin1(
  "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n",
);

/** Split as `protect` does, and restored as `open` does; `trace` is what servers put on top. */
async function throughTheWorld(text: string, trace: string = ""): Promise<string> {
  const { before, after, payloadHead } = splitHeader(await headerOf(text));
  const outer = await headerOf(concat([latin1(trace), ...before, smime, ...after, latin1("\r\n")]));
  const payload = await headerOf(payloadHead);
  return latin1Text(restoreHeader(outer, payload, layoutOf(payload)?.end ?? "line"));
}

for (const { what, text } of [
  {
    what: "content fields together",
    text: "From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nTo: b\r\n\r\n",
  },
  {
    what: "content fields apart",
    text: "Content-Type: text/plain\r\nFrom: a\r\nTo: b\r\nMIME-Version: 1.0\r\nX: y\r\n\r\n",
  },
  { what: "content fields alone", text: "MIME-Version: 1.0\r\nContent-ID: <1>\r\n\r\n" },
  { what: "no content field", text: "From: a\r\nTo: b\r\n\r\n" },
  { what: "no field at all", text: "\r\n" },
  { what: "no empty line", text: "From: a\r\nContent-Type: text/plain\r\n" },
  { what: "a last line without end", text: "From: a\r\nSubject: cut" },
  { what: "a last content field without end", text: "From: a\r\nContent-Type: text/plain" },
  { what: "folding of every kind", text: "From: a\r\n b\r\nContent-Type:\ttext/plain;\r\n\tx=y\r\nTo:  c \r\n\r\n" },
  { what: "names in any case", text: "FROM: a\r\ncontent-TYPE: text/plain\r\nMime-version: 1.0\r\n\r\n" },
  { what: "octets above ASCII", text: "Subject: Gr\xfc\xdfe\r\nContent-Description: \xe4\r\n\r\n" },
  { what: "a content field given twice", text: "Content-Type: a/b\r\nX: y\r\nContent-Type: c/d\r\n\r\n" },
  { what: "the record's own name", text: "Postern-Layout: fields=1 2 3\r\nFrom: a\r\nContent-Type: a/b\r\n\r\n" },
]) {
  test(`a header with ${what} comes back as it was`, async () => {
    assert.equal(await throughTheWorld(text), text);
  });

  test(`a header with ${what} comes back under the fields of servers`, async () => {
    const trace = "Received: by b; now\r\nReceived: by a; then\r\n";
    assert.equal(await throughTheWorld(text, trace), trace + text);
  });
}

test("every header comes back as it was", async () => {
  const field = fc.constantFrom(
    "From: a@a.example\r\n",
    "Subject: what\r\n it is\r\n",
    "X-Empty:\r\n",
    "Content-Type: text/plain\r\n",
    "Content-Language: en\r\n",
    "MIME-Version: 1.0\r\n",
    "content-transfer-encoding: 8bit\r\n",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(field, { maxLength: 12 }), fc.boolean(), async (fields, ended) => {
      const text = fields.join("") + (ended ? "\r\n" : "");
      assert.equal(await throughTheWorld(text), text);
    }),
    { numRuns: 500 },
  );
});

test("what describes the body travels inside, all else stays outside", async () => {
  const { before, after, payloadHead } = splitHeader(
    await headerOf("From: a\r\nContent-Type: text/plain\r\nSubject: s\r\nMIME-Version: 1.0\r\n\r\n"),
  );
  assert.deepEqual(before.map(latin1Text), ["From: a\r\n"]);
  assert.deepEqual(after.map(latin1Text), ["Subject: s\r\n"]);
  const inside = latin1Text(payloadHead);
  assert.equal(inside, "Content-Type: text/plain\r\nMIME-Version: 1.0\r\nPostern-Layout: fields=0 1\r\n\r\n");
});

for (const { record, layout } of [
  { record: "fields=none", layout: { gaps: [], end: "line" } },
  { record: "fields=0 12 3; end=none", layout: { gaps: [0, 12, 3], end: "none" } },
  { record: "fields=1\r\n 2; end=open", layout: { gaps: [1, 2], end: "open" } },
  { record: "fields=", layout: undefined },
  { record: "fields=1,2", layout: undefined },
  { record: "fields=-1", layout: undefined },
  { record: "fields=9999999", layout: undefined },
  { record: "fields=1; end=elsewhere", layout: undefined },
  { record: "fields=1; end=none; more", layout: undefined },
  { record: "nothing of the kind", layout: undefined },
]) {
  test(`the record ${JSON.stringify(record)} ${layout === undefined ? "is none" : "is read"}`, async () => {
    assert.deepEqual(layoutOf(await headerOf(`Postern-Layout: ${record}\r\n\r\n`)), layout);
  });
}

test("a record that counts more fields than there are loses and invents none", async () => {
  const outer = await headerOf("From: a\r\nContent-Type: application/pkcs7-mime\r\nTo: b\r\n\r\n");
  const payload = await headerOf("Content-Type: text/plain\r\nContent-ID: <1>\r\nPostern-Layout: fields=7 900\r\n\r\n");
  const restored = latin1Text(restoreHeader(outer, payload, "line")).split("\r\n");
  const wanted = ["", "", "Content-ID: <1>", "Content-Type: text/plain", "From: a", "To: b"];
  assert.deepEqual(restored.toSorted(), wanted);
});
