import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { reencoded, variants } from "../../test/ber-variants.ts";
import { cut, cuts } from "../../test/chunks.ts";
import { concat, hex } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { BerInput, type Encoding, type Steps } from "./ber-input.ts";
import { DerReader } from "./der-reader.ts";
import * as der from "./der-writer.ts";
import { context, tag } from "./tag.ts";
import { toDer } from "./to-der.ts";

const octets = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

/** Runs a coroutine over octets that come in pieces. */
function run<Result>(
  read: (input: BerInput) => Steps<Result>,
  pieces: readonly Uint8Array[],
): { result: Result; input: BerInput } {
  const input = new BerInput();
  const steps = read(input);
  const left = [...pieces];
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return { result: step.value, input };
    const piece = left.shift();
    if (piece === undefined) input.end();
    else input.push(piece);
  }
}

/** SEQUENCE { number INTEGER, content [0] EXPLICIT OCTET STRING, rest SET OF ANY OPTIONAL } */
function* readExample(input: BerInput): Steps<string> {
  const content: Uint8Array[] = [];
  yield* input.enter(tag.sequence);
  const number = new DerReader(toDer(yield* input.element())).integer();
  yield* input.enter(context(0));
  yield* input.octetString(tag.octetString, (chunk) => content.push(Uint8Array.from(chunk)));
  yield* input.leave();
  const rest: string[] = [];
  if ((yield* input.peek()) === tag.set) {
    yield* input.enter(tag.set);
    while ((yield* input.peek()) !== -1) rest.push(hex(toDer(yield* input.element())));
    yield* input.leave();
  }
  yield* input.leave();
  return `${number} ${hex(concat([...content, new Uint8Array(0)]))} ${rest.join(" ")}`;
}

const example = der.sequence(
  ...[der.integer(300), der.explicit(0, der.octetString(Buffer.alloc(150, "abc")))],
  der.setOf(der.nullElement(), der.sequence(der.integer(1), der.octetString(octets("0102")))),
);
const expected = `300 ${hex(Buffer.alloc(150, "abc"))} 0500 300702010104020102`;

test("a structure is read alike in every encoding and under every chunking", () => {
  fc.assert(
    fc.property(variants, cuts, (variant, places) => {
      const { result } = run(readExample, cut(reencoded(example, variant), places));
      assert.equal(result, expected);
    }),
    { numRuns: 500 },
  );
});

test("an optional part may be missing, in definite and indefinite lengths", () => {
  for (const whole of ["3008 020105 a003 040161", "3080 020105 a080 2480 0401 61 0000 0000 0000"]) {
    assert.equal(run(readExample, [octets(whole)]).result, "5 61 ");
  }
});

for (const { whole, encoding } of [
  { whole: "3008 020105 a003 040161", encoding: "DER" },
  { whole: "308108 020105 a003 040161", encoding: "BER" },
  { whole: "300a 020105 a005 2403 040161", encoding: "BER" },
  { whole: "3080 020105 a003 040161 0000", encoding: "BER-indefinite" },
] as const satisfies readonly { whole: string; encoding: Encoding }[]) {
  test(`${whole} is told to be ${encoding}, and how long it was`, () => {
    const { input } = run(readExample, [octets(`${whole} 9999`)]);
    assert.equal(input.encoding, encoding);
    assert.equal(input.offset, octets(whole).length);
    assert.equal(hex(input.unread), "9999");
  });
}

test("small segments are gathered into chunks worth a call, large ones passed on as they are", () => {
  const seen: number[] = [];
  const small = Buffer.alloc(3 * 100_000, octets("040178"));
  const large = der.octetString(Buffer.alloc(40_000, "y"));
  const read = (input: BerInput): Steps<void> => input.octetString(tag.octetString, (chunk) => seen.push(chunk.length));
  run(read, [concat([octets("2480"), small, large, octets("0000")])]);
  assert.deepEqual(seen, [65_536, 34_464, 40_000]);
});

test("outside of any container the end of the input is an end, once it has come", () => {
  assert.equal(run((input) => input.peek(), []).result, -1);
  assert.equal(run((input) => input.peek(), [new Uint8Array(0), octets("0500")]).result, tag.null);
});

for (const { what, whole, code, offset } of [
  { what: "another tag", whole: "3100", code: "ASN1_MALFORMED", offset: 0 },
  { what: "a primitive container", whole: "1000", code: "ASN1_MALFORMED", offset: 0 },
  { what: "nothing", whole: "", code: "ASN1_TRUNCATED", offset: 0 },
  { what: "a container that ends too soon", whole: "3003 020105", code: "ASN1_MALFORMED", offset: 5 },
  { what: "an indefinite container that ends too soon", whole: "3080 020105 0000", code: "ASN1_MALFORMED", offset: 5 },
  { what: "no element where one must be", whole: "3000", code: "ASN1_MALFORMED", offset: 2 },
  {
    what: "one element more than there should be",
    whole: "300a 020105 a005 040161 0500",
    code: "ASN1_MALFORMED",
    offset: 10,
  },
  {
    what: "an element longer than its container",
    whole: "3008 020105 a004 040161 00",
    code: "ASN1_MALFORMED",
    offset: 5,
  },
  { what: "a string longer than its container", whole: "3008 020105 a003 040261", code: "ASN1_MALFORMED", offset: 7 },
  {
    what: "an end-of-contents in a definite container",
    whole: "300a 020105 0000 a003 040161",
    code: "ASN1_MALFORMED",
    offset: 5,
  },
  { what: "an element cut short", whole: "3008 0201", code: "ASN1_TRUNCATED", offset: 4 },
  { what: "a string cut short", whole: "3008 020105 a003 0401", code: "ASN1_TRUNCATED", offset: 9 },
  { what: "segments cut short", whole: "3080 020105 a080 2480 0401 61", code: "ASN1_TRUNCATED", offset: 12 },
]) {
  test(`${what} is refused at its offset, wherever it is cut`, () => {
    for (let at = 0; at <= octets(whole).length; at++) {
      assert.throws(
        () => run(readExample, cut(octets(whole), [at])),
        (failure) => {
          assert.ok(isSecureMailError(failure, code), String(failure));
          assert.equal(failure.place.offset, offset);
          return true;
        },
      );
    }
  });
}

test("an element over the size asked for is refused by its header, before its contents have come", () => {
  for (const whole of ["308200ff", `3080 04820100`]) {
    assert.throws(
      () => run((input) => input.element(100), [octets(whole)]),
      (failure) => isSecureMailError(failure, "ASN1_LIMIT"),
    );
  }
});
