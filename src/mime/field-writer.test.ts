import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { latin1, latin1Text, sourceOf } from "../bytes.ts";
import { isSecureMailError, SecureMailError } from "../errors.ts";
import { readEntity } from "./entity.ts";
import { formatField } from "./field-writer.ts";
import { fieldText } from "./header.ts";

for (const { value, expected } of [
  { value: "short", expected: "X: short\r\n" },
  { value: "", expected: "X:\r\n" },
  { value: "a  b ", expected: "X: a b\r\n" },
  { value: `${"a".repeat(70)} ${"b".repeat(70)}`, expected: `X: ${"a".repeat(70)}\r\n ${"b".repeat(70)}\r\n` },
  { value: "c".repeat(200), expected: `X: ${"c".repeat(200)}\r\n` },
]) {
  test(`a field of ${JSON.stringify(value.slice(0, 20))} is written and folded at blanks`, () => {
    assert.equal(latin1Text(formatField("X", value)), expected);
  });
}

test("whatever the name and value, there comes one whole field or a failure", async () => {
  const strange = fc.string({
    unit: fc.oneof(
      fc.constantFrom("\r", "\n", "\0", "\t", " ", ":", "ü", "a"),
      fc.string({ minLength: 1, maxLength: 1, unit: "binary" }),
    ),
    maxLength: 200,
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.constantFrom("Subject", "X"), strange), strange, async (name, value) => {
      let octets: Uint8Array;
      try {
        octets = formatField(name, value);
      } catch (failure) {
        return assert.ok(failure instanceof SecureMailError);
      }
      const { header } = await readEntity(sourceOf(octets, latin1("\r\n")));
      assert.deepEqual(
        header.fields.map((field) => [field.name, fieldText(field)]),
        [[name, value.split(/ +/).filter(Boolean).join(" ")]],
      );
    }),
    { numRuns: 1000 },
  );
});

test("every control and every eight-bit character is refused in a value and in a name", () => {
  const codes = Array.from({ length: 0x100 }, (_, code) => code).filter((code) => code < 0x20 || code >= 0x7f);
  for (const character of codes.map((code) => String.fromCharCode(code))) {
    for (const write of [() => formatField("X", `a${character}b`), () => formatField(`X${character}`, "a")]) {
      assert.throws(write, (failure) => isSecureMailError(failure, "MIME_FIELD"));
    }
  }
});

test("a word that no line can hold is MIME_LIMIT", () => {
  assert.throws(
    () => formatField("X", "a".repeat(999)),
    (failure) => isSecureMailError(failure, "MIME_LIMIT"),
  );
});
