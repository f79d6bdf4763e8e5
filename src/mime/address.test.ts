import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import PostalMime from "postal-mime";
import { latin1, sourceOf } from "../bytes.ts";
import { type Address, fromDomain, parseAddress } from "./address.ts";
import { readEntity } from "./entity.ts";

/** The text stands for octets: U+0000 to U+00FF each one octet, all above in UTF-8. */
function octetsOf(text: string): Uint8Array {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text) : latin1(text);
}

function utf8(text: string): string {
  return Buffer.from(text).toString("latin1");
}

async function judge(headerText: string): Promise<Address | undefined> {
  return fromDomain((await readEntity(sourceOf(octetsOf(`${headerText}\r\n\r\n`)))).header);
}

const accepted: readonly (readonly [from: string, address: string])[] = [
  ["a@good.example", "a@good.example"],
  ["<a@good.example>", "a@good.example"],
  ["A.b+c@Good.EXAMPLE", "A.b+c@good.example"],
  ["John Doe <a@good.example>", "a@good.example"],
  ["John Q. Public <a@good.example>", "a@good.example"],
  ["John Doe<a@good.example>", "a@good.example"],
  ['"John Doe" <a@good.example>', "a@good.example"],
  ['"Doe, John" <a@good.example>', "a@good.example"],
  ['"Treasury: Unit 4; East" <a@good.example>', "a@good.example"],
  ["[EXT] John <a@good.example>", "a@good.example"],
  ["a@good.example (John Doe)", "a@good.example"],
  ["John <a@good.example> (at work)", "a@good.example"],
  ["=?utf-8?Q?J=C3=BCrgen?= <a@good.example>", "a@good.example"],
  ["=?utf-8?Q?M=C3=BCller=2C_Hans?= <a@good.example>", "a@good.example"],
  ["=?utf-8?B?SsO8cmdlbg==?= =?utf-8?Q?_X?= <a@good.example>", "a@good.example"],
  ["=?iso-8859-1*de?Q?J=FCrgen?= <a@good.example>", "a@good.example"],
  ["=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <a@good.example>", "a@good.example"],
  [utf8("Jürgen <a@good.example>"), "a@good.example"],
  ["J\xfcrgen <a@good.example>", "a@good.example"],
  [utf8("ü@good.example"), "ü@good.example"],
  ['"a b"@good.example', '"a b"@good.example'],
  ['John <"a b"@good.example>', '"a b"@good.example'],
  [utf8("a@bücher.example"), "a@xn--bcher-kva.example"],
  [utf8("a@BÜCHER.example").replace("\xc3\x9c", "\xc3\xbc"), "a@xn--bcher-kva.example"],
  ["a@xn--bcher-kva.example", "a@xn--bcher-kva.example"],
  ["John\r\n Doe\r\n <a@good.example>", "a@good.example"],
  ["\r\n a@good.example", "a@good.example"],
  ["\tJohn\t<a@good.example> \t", "a@good.example"],
  ["a@sub.good.example", "a@sub.good.example"],
  ["a!b%c@good.example", "a!b%c@good.example"],
  ["=bounce=@good.example", "=bounce=@good.example"],
];

for (const [from, address] of accepted) {
  test(`From: ${JSON.stringify(from)} names ${address}`, async () => {
    assert.deepEqual(await judge(`From: ${from}`), { address, domain: address.slice(address.lastIndexOf("@") + 1) });
  });
}

const zwj = "\u200d";
const refused: Readonly<Record<string, readonly string[]>> = {
  "no address": [
    "",
    " ",
    "a",
    "good.example",
    "@",
    "<>",
    "<@good.example>",
    "a@",
    "@good.example",
    "John <a>",
    '""@',
    "<a@>",
  ],
  "two addresses": [
    "a@good.example, b@evil.example",
    "a@good.example b@evil.example",
    "a@good.example; b@evil.example",
    "a@good.example <b@evil.example>",
    "<a@good.example> <b@evil.example>",
    "<a@good.example><b@evil.example>",
    "<<a@good.example>@evil.example>",
    "a@evil.example@good.example",
    "<a@evil.example@good.example>",
    "a@good.example, ",
    ", a@good.example",
    "a@good.example,",
    "<a@good.example>;",
    "John, <a@good.example>",
    "Doe, John <a@good.example>",
    "a@good.example\r\n , b@evil.example",
  ],
  "an address in a display name": [
    '"b@evil.example" <a@good.example>',
    "b@evil.example <a@good.example>",
    '"b@evil.example," <a@good.example>',
    '"<b@evil.example>" <a@good.example>',
    '"John <" <a@good.example>',
    '"John >" <a@good.example>',
    "John > <a@good.example>",
    "John < <a@good.example>",
    "=?utf-8?Q?b=40evil.example?= <a@good.example>",
    "=?utf-8?B?YkBldmlsLmV4YW1wbGU=?= <a@good.example>",
    "=?utf-8?Q?=3Cb?= <a@good.example>",
    "=?utf-8?Q?x=3E?= <a@good.example>",
    "=?utf-8?Q?=22x?= <a@good.example>",
    "=?utf-8?Q?x=5C?= <a@good.example>",
    '"=?utf-8?Q?b=40evil.example?=" <a@good.example>',
    utf8("b＠evil.example <a@good.example>"),
    utf8("=?utf-8?Q?b=EF=BC=A0evil.example?= <a@good.example>"),
    utf8("b﹫evil.example <a@good.example>"),
    utf8("＜b＞ <a@good.example>"),
    "=?utf-8?Q?x=00?= <a@good.example>",
    "=?utf-8?Q?x=0D=0AFrom:_b?= <a@good.example>",
    "=?utf-7?Q?b+AEA-evil.example?= <a@good.example>",
    "=?utf-16?B?AGIAQA==?= <a@good.example>",
    "=?unknown?Q?x?= <a@good.example>",
    "=?utf-8?Q?b=4?= <a@good.example>",
    "=?utf-8?Q?b=?= <a@good.example>",
    "=?utf-8?B?Yg?= <a@good.example>",
    "=?utf-8?B?Y!g=?= <a@good.example>",
    "=?utf-8?X?b?= <a@good.example>",
    "=?utf-8?Q?a b?= <a@good.example>",
    "=?utf-8?Q?open <a@good.example>",
    "=?utf-8?Q?=FF?= <a@good.example>",
    "\xc1\x80 <a@good.example>",
    "\xe0\x81\x80 <a@good.example>",
    "\xf0\x80\x81\x80 <a@good.example>",
  ],
  quotes: [
    '"a@evil.example"@good.example',
    '"a"b@good.example',
    'a"b"@good.example',
    '"a"."b"@good.example',
    '"a\\"b"@good.example',
    '"a,b"@good.example',
    '"a;b"@good.example',
    '"a:b"@good.example',
    '"<a>"@good.example',
    '"a(b)"@good.example',
    '"open@good.example',
    '"John\\" <a@good.example>',
    '"John\\\\" <a@good.example>',
    '"John" Doe <a@good.example>',
    'John "Johnny" Doe <a@good.example>',
    '"John" "Doe" <a@good.example>',
    'John" <a@good.example>',
    '"John <a@good.example>',
    "John\\ <a@good.example>",
    '<a@good.example">',
    '<"a@good.example">',
    '"a@good.example"',
    "'a@good.example'",
  ],
  comments: [
    "a(comment)@good.example",
    "a@(comment)good.example",
    "a@good(comment).example",
    "a@good.example(comment)",
    "a@good.example (comment).evil.example",
    "(comment) a@good.example",
    "(comment) <a@good.example>",
    "John (b@evil.example) <a@good.example>",
    "John (Johnny) <a@good.example>",
    "<a@good.example (comment)>",
    "<(comment)a@good.example>",
    "a@good.example (b@evil.example)",
    "a@good.example (<b>)",
    "a@good.example (a (nested) b)",
    "a@good.example (open",
    "a@good.example closed)",
    "a@good.example (escaped \\))",
    'a@good.example ("quoted")',
    "a@good.example (one) (two)",
    "a@good.example (=?utf-8?Q?=40?=)",
  ],
  "groups and routes": [
    "Group: a@good.example;",
    "Group:a@good.example",
    "undisclosed-recipients:;",
    "<@evil.example:a@good.example>",
    "<@evil.example,@x.example:a@good.example>",
    "<evil.example:a@good.example>",
    ": a@good.example",
    "a@good.example;",
    "a@good.example:25",
  ],
  "doubtful domains": [
    "a@good.example.",
    "a@.good.example",
    "a@good..example",
    "a@good",
    "a@localhost",
    "a@[192.0.2.1]",
    "a@[IPv6:2001:db8::1]",
    "a@192.0.2.1",
    "a@good.example\\",
    "a@good example",
    "a@good. example",
    "a @good.example",
    "a@ good.example",
    "a@good.example b",
    "< a@good.example>",
    "<a@good.example >",
    "<a@good.example> b",
    "<a@good.example>>",
    "a@-good.example",
    "a@good-.example",
    "a@go_od.example",
    "a@good.example/evil",
    "a@good.example#evil",
    "a@good.example?evil",
    "a@good%2eexample",
    "a@=?utf-8?Q?good?=.example",
    "=?utf-8?Q?a?=@good.example",
    "=?utf-8?Q?a=40good.example?=",
    `a@${"a".repeat(64)}.example`,
    `a@${"a.".repeat(130)}example`,
    utf8("a@faß.example"),
    utf8("a@βόλος.example"),
    utf8(`a@good${zwj}x.example`),
    utf8("a@ｇood.example"),
    utf8("a@good。example"),
    utf8("a@good．example"),
    utf8("a@\u212Aelvin.example"),
    utf8("a@go\u00adod.example"),
    utf8("a@good\u200b.example"),
    utf8("a@good.example\u00a0"),
    utf8("a@good.example\u2028"),
    utf8("a@bu\u0308cher.example"),
    "a@b\xfccher.example",
    "\xfc@good.example",
    "<\xfc@good.example>",
  ],
  "control characters": [
    "a\0@good.example",
    "a@good.example\0",
    "a@good.example\0.evil.example",
    "a@good\0.example",
    "John\0 <a@good.example>",
    "John\r<a@good.example>",
    "John\n<a@good.example>",
    "a@good.example\nFrom: b@evil.example",
    "a@good.example\rFrom: b@evil.example",
    "a@good.example\n b@evil.example",
    "John\x1b <a@good.example>",
    "John\x7f <a@good.example>",
    utf8("John\x85 <a@good.example>"),
    "a@good.example\r\n \r\n",
    "John\r\n \r\n <a@good.example>",
    "\r\n \r\n a@good.example",
  ],
  "odd local parts": [
    ".a@good.example",
    "a.@good.example",
    "a..b@good.example",
    "a,b@good.example",
    "a;b@good.example",
    "a:b@good.example",
    "a[b]@good.example",
    "a\\b@good.example",
    "a b@good.example",
    `${"a".repeat(300)}@good.example`,
  ],
};

for (const [why, fields] of Object.entries(refused)) {
  for (const from of fields) {
    test(`From: ${JSON.stringify(from)} names no domain for certain (${why})`, async () => {
      assert.equal(await judge(`From: ${from}`), undefined);
    });
  }
}

for (const header of [
  "Subject: none",
  "From: a@good.example\r\nFrom: a@good.example",
  "From: a@good.example\r\nSubject: x\r\nFROM: b@evil.example",
  "From : a@good.example",
  "From\t: a@good.example",
  "From: a@good.example\r\nfrom : b@evil.example",
  "Sender: a@good.example",
  "Resent-From: a@good.example",
  "From a@good.example Mon",
  ">From: a@good.example",
]) {
  test(`the header ${JSON.stringify(header)} names no domain for certain`, async () => {
    assert.equal(await judge(header), undefined);
  });
}

test("a domain is taken only where another parser finds the same one", async () => {
  const piece = fc.constantFrom(
    ...'<>@,;:"\\() ',
    "a@good.example",
    "b@evil.example",
    "<a@good.example>",
    "John",
    "good.example",
    "evil.example",
    "=?utf-8?Q?b=40evil.example?=",
    "=?utf-8?Q?=2C?=",
    "(c)",
    '"q"',
    "\r\n ",
    "\u00fc",
  );
  let agreed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 7 }), async (pieces) => {
      const header = `From: ${pieces.join("")}`;
      const ours = await judge(header);
      if (ours === undefined) return;
      const theirs = (await PostalMime.parse(Buffer.from(octetsOf(`${header}\r\n\r\n`)))).from;
      assert.equal(theirs?.address?.split("@").at(-1)?.toLowerCase(), ours.domain, JSON.stringify(header));
      agreed++;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(agreed > 200, `only ${agreed} addresses to compare`);
});

for (const { text, expected } of [
  { text: "a@good.example", expected: "a@good.example" },
  { text: '"a@b"@good.example', expected: '"a@b"@good.example' },
  { text: '"a\\"b"@Good.example', expected: '"a\\"b"@good.example' },
  { text: "ü@bücher.example", expected: "ü@xn--bcher-kva.example" },
  { text: "<a@good.example>", expected: undefined },
  { text: " a@good.example", expected: undefined },
  { text: "a@[192.0.2.1]", expected: undefined },
  { text: "a", expected: undefined },
  { text: "", expected: undefined },
  { text: '"a"b"@good.example', expected: undefined },
  { text: "a\ud800@good.example", expected: undefined },
]) {
  test(`the envelope address ${JSON.stringify(text)} is ${expected ?? "none"}`, () => {
    assert.equal(parseAddress(text)?.address, expected);
  });
}
