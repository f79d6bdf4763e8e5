import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatMailbox, maxLocalPart, parseMailbox } from "./mailbox.ts";

for (const [text, formatted] of [
  ["a@b.example", "a@b.example"],
  ["A.b+c@B.Example", "A.b+c@b.example"],
  ['"a b"@b.example', '"a b"@b.example'],
  ['"plain"@b.example', "plain@b.example"],
  ['"a\\"b\\\\"@b.example', '"a\\"b\\\\"@b.example'],
  ['"@>"@b.example', '"@>"@b.example'],
  ["root@localhost", "root@localhost"],
  ["a@[192.0.2.1]", "a@[192.0.2.1]"],
  ["a@[IPv6:2001:DB8::1]", "a@[IPv6:2001:db8::1]"],
  ["@relay.example,@two.example:a@b.example", "a@b.example"],
  ["grün@bücher.example", "grün@xn--bcher-kva.example"],
  ["SRS0=aa=bb=c.example=d@e.example", "SRS0=aa=bb=c.example=d@e.example"],
] as const) {
  test(`${text} is an address and leaves as ${formatted}`, () => {
    const mailbox = parseMailbox(text);
    assert.equal(mailbox && formatMailbox(mailbox), formatted);
  });
}

for (const text of [
  "",
  "a",
  "@b.example",
  "a@",
  "a b@c.example",
  ".a@b.example",
  "a..b@c.example",
  "a.@b.example",
  "a@-b.example",
  "a@b..example",
  "a@b.example.",
  "a@192.0.2.1",
  "a@[192.0.2.256]",
  "a@[2001:db8::1]",
  "a@[IPv6:192.0.2.1]",
  "a@b.example SIZE=1",
  'a"b@c.example',
  '"a"b"@c.example',
  '"a\r\nRCPT TO:<x@y.example>"@c.example',
  "a@b.example\r\nDATA",
  "a\0@b.example",
  "a\u0085b@c.example",
  `${"a".repeat(maxLocalPart + 1)}@b.example`,
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is no address`, () => assert.equal(parseMailbox(text), undefined));
}

test("what is parsed and written is parsed to the same again, and holds nothing that could end a command", () => {
  const odd = fc.string({ unit: fc.constantFrom(...'ab.@<>\\" \r\n\t\0:,;()[]é\u{1f600}'), maxLength: 14 });
  const domain = fc.constantFrom("b.example", "[192.0.2.1]", "b.example>\r\nDATA");
  fc.assert(
    fc.property(odd, domain, fc.boolean(), (local, host, quoted) => {
      const mailbox = parseMailbox(`${quoted ? `"${local}"` : local}@${host}`);
      if (mailbox === undefined) return;
      const formatted = formatMailbox(mailbox);
      assert.deepEqual(parseMailbox(formatted), mailbox);
      assert.doesNotMatch(formatted, /\p{Cc}/u);
    }),
    { numRuns: 5000 },
  );
});
