import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { latin1, sourceOf } from "../bytes.ts";
import { readEntity } from "./entity.ts";
import { fileNameOf, mediaTypeOf, parseMediaType, readMediaType, transferEncodingOf } from "./media-type.ts";

type Case = { text: string; type: string; parameters?: Record<string, string>; problems?: string[] };
const cases: Case[] = [
  { text: "text/plain", type: "text/plain" },
  { text: "TEXT/Plain; CharSet=US-ASCII", type: "text/plain", parameters: { charset: "US-ASCII" } },
  {
    text: 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="=_a;b"',
    type: "multipart/signed",
    parameters: { protocol: "application/pkcs7-signature", micalg: "sha-256", boundary: "=_a;b" },
  },
  {
    text: "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m;",
    type: "application/pkcs7-mime",
    parameters: { "smime-type": "authEnveloped-data", name: "smime.p7m" },
  },
  { text: "text/plain ; ; charset = utf-8 ;", type: "text/plain", parameters: { charset: "utf-8" } },
  {
    text: 'text/plain; charset="a\\"b"',
    type: "text/plain",
    parameters: { charset: 'a"b' },
    problems: ["charset with a backslash"],
  },
  { text: 'a/b; name="C:\\temp\\x.txt"', type: "a/b", parameters: { name: "C:tempx.txt" } },
  { text: "a/b; name=My File.pdf; x=y", type: "a/b", parameters: { name: "My File.pdf", x: "y" } },
  {
    text: "a/b; boundary=one two",
    type: "a/b",
    parameters: { boundary: "one two" },
    problems: ["boundary not quoted"],
  },
  { text: "a/b; boundary=----=_Part/1?", type: "a/b", parameters: { boundary: "----=_Part/1?" } },
  {
    text: "text/plain (Plain (nested) text); charset=us-ascii (c)",
    type: "text/plain",
    parameters: { charset: "us-ascii" },
    problems: ["Content-Type with a comment"],
  },
  {
    text: "text/plain, multipart/mixed; boundary=a",
    type: "text/plain",
    parameters: { boundary: "a" },
    problems: ["Content-Type with text where a semicolon should be"],
  },
  {
    text: 'a/b; x="open',
    type: "a/b",
    parameters: { x: "open" },
    problems: ["Content-Type with an open quote or comment"],
  },
  { text: "a/b; x", type: "a/b", parameters: {}, problems: ["a parameter that has no value"] },
  { text: "a/b; x=1; X=2", type: "a/b", parameters: { x: "1" }, problems: ["x given twice"] },
  { text: "a/b; __proto__=1; constructor=2", type: "a/b", parameters: { ["__proto__"]: "1", constructor: "2" } },
  { text: "a/b; name*=utf-8''%e2%82%ac%20rates", type: "a/b", parameters: { name: "€ rates" } },
  { text: "a/b; name*=iso-8859-1'en'%A3", type: "a/b", parameters: { name: "£" } },
  { text: "a/b; name=x.txt; name*=utf-8''y.txt", type: "a/b", parameters: { name: "y.txt" } },
  { text: "a/b; name*0*=utf-8''%C3; name*1*=%BC; name*2=x", type: "a/b", parameters: { name: "üx" } },
  { text: "a/b; name*1=b; name*0=a", type: "a/b", parameters: { name: "ab" } },
  { text: "a/b; name*0=a; name*2=c", type: "a/b", parameters: { name: "a" }, problems: ["name with a piece missing"] },
  { text: "a/b; name*0=a; name*0=b", type: "a/b", parameters: { name: "a" }, problems: ["name*0 given twice"] },
  { text: "a/b; name*01=a", type: "a/b", parameters: {}, problems: ["parameter name*01 not readable"] },
  {
    text: "a/b; boundary*0=x; boundary*1=y",
    type: "a/b",
    parameters: { boundary: "xy" },
    problems: ["boundary by RFC 2231"],
  },
  {
    text: "a/b; boundary=z; boundary*0=x",
    type: "a/b",
    parameters: { boundary: "x" },
    problems: ["boundary by RFC 2231"],
  },
  { text: "a/b; name*=nonsense", type: "a/b", parameters: { name: "nonsense" } },
  { text: "a/b; name*=unknown-set''%41", type: "a/b", parameters: { name: "A" } },
];

for (const { text, type, parameters = {}, problems = [] } of cases) {
  test(`the media type ${JSON.stringify(text)} is read`, () => {
    const reading = readMediaType(text);
    assert.equal(reading.mediaType?.type, type);
    assert.deepEqual([...(reading.mediaType?.parameters ?? [])], Object.entries(parameters));
    assert.deepEqual(reading.problems, problems);
  });
}

for (const text of ["", "text", "/plain", "text/", ";", "text plain", "(comment)", "te\0xt/plain", "multipart"]) {
  test(`${JSON.stringify(text)} is no media type`, () => assert.equal(parseMediaType(text), undefined));
}

test("reading a media type ends well on any text", () => {
  const characters = fc.constantFrom(..."a/;=\"\\()*'%0 \t,<\u00fc");
  fc.assert(
    fc.property(fc.string({ unit: characters }), (text) => void readMediaType(`a/b;${text}`)),
    { numRuns: 5000 },
  );
});

test("more parameters than anybody writes are cut off and named", () => {
  const { mediaType, problems } = readMediaType(`a/b${Array.from({ length: 200 }, (_, n) => `; p${n}=1`).join("")}`);
  assert.equal(mediaType?.parameters.size, 100);
  assert.deepEqual(problems, ["Content-Type with more than 100 parameters"]);
});

async function headerOf(text: string) {
  return (await readEntity(sourceOf(latin1(text)))).header;
}

test("an entity without Content-Type is text/plain, one without transfer encoding is 7bit", async () => {
  const header = await headerOf("Subject: x\r\n\r\n");
  assert.equal(mediaTypeOf(header).type, "text/plain");
  assert.equal(transferEncodingOf(header), "7bit");
});

for (const { text, expected } of [
  { text: "Content-Disposition: attachment; filename=smime.p7m", expected: "smime.p7m" },
  { text: "Content-Type: a/b; name=x\r\nContent-Disposition: attachment; filename*=utf-8''%C3%BC", expected: "ü" },
  { text: "Content-Type: a/b; name=x\r\nContent-Disposition: inline", expected: "x" },
  { text: "Subject: x", expected: undefined },
]) {
  test(`the file name in ${JSON.stringify(text)} is ${expected}`, async () => {
    assert.equal(fileNameOf(await headerOf(`${text}\r\n\r\n`)), expected);
  });
}

for (const { text, expected } of [
  { text: "BASE64", expected: "base64" },
  { text: " (a) Quoted-Printable (b)", expected: "quoted-printable" },
  { text: "8bit;", expected: "8bit" },
  { text: "x-uuencode", expected: "x-uuencode" },
  { text: "", expected: "7bit" },
]) {
  test(`the transfer encoding ${JSON.stringify(text)} is ${expected}`, async () => {
    assert.equal(transferEncodingOf(await headerOf(`Content-Transfer-Encoding: ${text}\r\n\r\n`)), expected);
  });
}
