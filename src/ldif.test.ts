import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatLdif, ldifText, maxLdifLine, parseLdif, withEntries } from "./ldif.ts";

const parse = (text: string) => parseLdif(Buffer.from(text, "latin1"));
const plain = (text: string) =>
  parse(text).map(({ dn, values }) => [
    dn,
    ...values.map((value) => `${[value.type, ...value.options].join(";")}=${ldifText(value)}`),
  ]);

test("entries of RFC 2849 are read: comments, folding, base64, options, several values", () => {
  const file = `# a comment
#  folded too
 that goes on
version: 1

dn: cn=a,
  o=see
objectClass: top
objectclass:  person
description:: w6TDtsO8
# between values
userCertificate;Binary:: AA
 ==
1.2.3;lang-de:x
empty:


dn:: Y249YixvPXNlZQ==
cn: b`;
  const expected = [
    [
      "cn=a, o=see",
      "objectclass=top",
      "objectclass=person",
      "description=äöü",
      "usercertificate;binary=\0",
      "1.2.3;lang-de=x",
      "empty=",
    ],
    ["cn=b,o=see", "cn=b"],
  ];
  assert.deepEqual(plain(file), expected);
  assert.deepEqual(plain(file.replaceAll("\n", "\r\n")), expected);
  assert.deepEqual(parse(file)[0]?.values[3]?.line, 12);
});

test("raw UTF-8, which many writers leave, is read", () => {
  assert.deepEqual(plain("dn: cn=\xc3\xa4\ncn: \xc3\xa4\n"), [["cn=ä", "cn=ä"]]);
});

for (const { text, code, line, why } of [
  { text: "cn: a\n", code: "LDIF_MALFORMED", line: 1, why: "an entry that does not begin with dn" },
  { text: "dn: a\ncn: a\n\nversion: 1\n", code: "LDIF_MALFORMED", line: 4, why: "a version at the wrong place" },
  { text: "version: 2\n", code: "LDIF_UNSUPPORTED", line: 1, why: "another version" },
  { text: "dn: a\n\n", code: "LDIF_MALFORMED", line: 1, why: "an entry without attributes" },
  {
    text: "dn: a\ncn: a\ndn: b\ncn: b\n",
    code: "LDIF_MALFORMED",
    line: 3,
    why: "entries without an empty line between",
  },
  { text: "dn: a\nno colon here\n", code: "LDIF_MALFORMED", line: 2, why: "a line without attribute" },
  { text: "dn: a\n: x\n", code: "LDIF_MALFORMED", line: 2, why: "an empty attribute name" },
  { text: "dn: a\nc_n: x\n", code: "LDIF_MALFORMED", line: 2, why: "an odd attribute name" },
  { text: "dn: a\ncn;: x\n", code: "LDIF_MALFORMED", line: 2, why: "an empty option" },
  { text: "dn: a\ncn:: AA=A\n", code: "LDIF_MALFORMED", line: 2, why: "broken base64" },
  { text: "dn: a\ncn:: AAA\n", code: "LDIF_MALFORMED", line: 2, why: "short base64" },
  { text: "dn: a\ncn: \xff\n", code: "LDIF_MALFORMED", line: 2, why: "octets that are not UTF-8" },
  { text: "dn: a\ncn: a\0b\n", code: "LDIF_MALFORMED", line: 2, why: "a NUL" },
  { text: "dn: a\ncn: a\rb\n", code: "LDIF_MALFORMED", line: 2, why: "a bare CR" },
  { text: "dn:: /w==\ncn: a\n", code: "LDIF_MALFORMED", line: 1, why: "a dn that is not UTF-8" },
  { text: " a\n", code: "LDIF_MALFORMED", line: 1, why: "a continuation of nothing" },
  { text: "dn: a\n\n a\n", code: "LDIF_MALFORMED", line: 3, why: "a continuation of an empty line" },
  { text: "dn: a\njpegPhoto:< file:///etc/passwd\n", code: "LDIF_UNSUPPORTED", line: 2, why: "a value by URL" },
  { text: "dn: a\nchangetype: delete\n", code: "LDIF_UNSUPPORTED", line: 2, why: "a change record" },
  { text: "dn: a\nreplace: cn\ncn: b\n-\n", code: "LDIF_UNSUPPORTED", line: 4, why: "a modification" },
  { text: `dn: a\ncn: ${"x".repeat(maxLdifLine)}\n`, code: "LDIF_LIMIT", line: 2, why: "a line without end" },
  {
    text: `dn: a\ncn: x\n${` ${"x".repeat(1023)}\n`.repeat(1030)}`,
    code: "LDIF_LIMIT",
    line: 1027,
    why: "folding without end",
  },
]) {
  test(`${why} is refused with its line`, () => {
    assert.throws(
      () => parse(text),
      (thrown: Error & { code?: string }) => {
        assert.equal(thrown.code, code);
        assert.match(thrown.message, new RegExp(`^line ${line}: `));
        return true;
      },
    );
  });
}

test("what is written is read again, octet for octet", () => {
  const description = fc.constantFrom("cn", "mail", "userCertificate;binary");
  const value = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.string({ unit: "binary", maxLength: 50 }),
    fc.uint8Array({ maxLength: 300 }),
  );
  const entry = fc.record({
    dn: fc.string({ minLength: 1, maxLength: 100 }),
    attributes: fc.array(fc.tuple(description, value), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 4 }), (entries) => {
      const written = formatLdif(entries);
      assert.ok(written.split("\n").every((line) => /^[ -~]{0,76}$/.test(line)));
      const read = parse(written).map(({ dn, values }) => ({
        dn,
        attributes: values.map(({ type, options, octets }) => [[type, ...options].join(";"), hex(octets)]),
      }));
      const meant = entries.map(({ dn, attributes }) => ({
        dn: Buffer.from(dn).toString(),
        attributes: attributes.map(([name, octets]) => [name.toLowerCase(), hex(octets)]),
      }));
      assert.deepEqual(read, meant);
    }),
    { numRuns: 500 },
  );
});

function hex(value: string | Uint8Array): string {
  return Buffer.from(value as string).toString("hex");
}

test("an entry is changed or added where it stands, and all else of the file stays as it was", () => {
  const file = `version: 1
# of the first
dn: cn=A, o=see
cn: old
 er
description: Zürich

# of the second
dn: cn=b,o=see
cn: b`;
  const changed = withEntries(Buffer.from(file), [
    { dn: "cn=c,o=see", attributes: [["cn", "c"]] },
    { dn: "CN=a,o=see", attributes: [["cn", "new"]] },
  ]);
  const expected = `version: 1
# of the first
dn: CN=a,o=see
cn: new

# of the second
dn: cn=b,o=see
cn: b

dn: cn=c,o=see
cn: c
`;
  assert.equal(Buffer.from(changed).toString(), expected);
  const last = withEntries(changed, [{ dn: "cn=c,o=see", attributes: [["cn", "ü"]] }]);
  assert.equal(Buffer.from(last).toString(), expected.replace(/cn: c\n$/, "cn:: w7w=\n"));
});

test("a new file begins with its version", () => {
  const made = withEntries(Buffer.alloc(0), [{ dn: "cn=a", attributes: [["cn", "a"]] }]);
  assert.equal(Buffer.from(made).toString(), "version: 1\n\ndn: cn=a\ncn: a\n");
});
