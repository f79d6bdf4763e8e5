// The same ASN.1 value in other encodings that BER allows (X.690, 8): lengths longer than they need be, indefinite
// lengths, strings in segments and segments of segments. What is chosen where is drawn from a list of numbers, so that
// fast-check can print it and make it smaller; 0 is always DER.

import fc from "fast-check";
import { constructedBit, tag } from "../src/asn1.ts";
import { concat } from "../src/bytes.ts";
import { isConstructed, type Tree, treeOf } from "./asn1-tree.ts";

/** `definite`: lengths are longer than they need be; `indefinite`: whatever can be is; `mixed`: each by its number. */
export type Variant = { readonly mode: "definite" | "indefinite" | "mixed"; readonly choices: readonly number[] };

export const variants: fc.Arbitrary<Variant> = fc.record({
  mode: fc.constantFrom("definite", "indefinite", "mixed"),
  choices: fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 40 }),
});

export function reencoded(octets: Uint8Array, { mode, choices }: Variant): Uint8Array {
  let drawn = 0;
  const draw = (): number => choices[drawn++ % choices.length] as number;
  return new Reencoder(mode, draw).encode(treeOf(octets));
}

type Form = "minimal" | "padded" | "indefinite";

class Reencoder {
  readonly #mode: Variant["mode"];
  readonly #draw: () => number;

  constructor(mode: Variant["mode"], draw: () => number) {
    this.#mode = mode;
    this.#draw = draw;
  }

  encode({ identifier, contents }: Tree): Uint8Array {
    if (!(contents instanceof Uint8Array))
      return this.#constructed(
        identifier,
        contents.map((child) => this.encode(child)),
      );
    if (isString(identifier) && this.#segmented()) return this.#string(identifier, contents, 2);
    return this.#element(identifier, contents, this.#form() === "minimal" ? "minimal" : "padded");
  }

  #constructed(identifier: number, children: readonly Uint8Array[]): Uint8Array {
    return this.#element(identifier, concat([...children, new Uint8Array(0)]), this.#form());
  }

  /** A string in one to four segments, each of which may be constructed again while `depth` lasts. */
  #string(identifier: number, contents: Uint8Array, depth: number): Uint8Array {
    const isBits = (identifier & 0x1f) === tag.bitString && identifier < 0x80;
    const unused = contents.subarray(0, 1);
    const octets = isBits ? contents.subarray(1) : contents;
    const pieces = this.#pieces(octets);
    const segments = pieces.map((piece, index) => {
      const whole = isBits ? concat([index === pieces.length - 1 ? unused : Uint8Array.of(0), piece]) : piece;
      const segmentTag = isBits ? tag.bitString : tag.octetString;
      return depth > 0 && this.#segmented()
        ? this.#string(segmentTag, whole, depth - 1)
        : this.#element(segmentTag, whole, this.#form() === "minimal" ? "minimal" : "padded");
    });
    return this.#constructed(identifier | constructedBit, segments);
  }

  #pieces(octets: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let left = octets;
    for (let count = this.#draw() % 4; count > 0; count--) {
      const length = (this.#draw() * 7) % (left.length + 1);
      pieces.push(left.subarray(0, length));
      left = left.subarray(length);
    }
    return [...pieces, left];
  }

  #form(): Form {
    if (this.#mode === "indefinite") return "indefinite";
    const choice = this.#draw() % 4;
    if (this.#mode === "definite") return choice === 0 ? "minimal" : "padded";
    return choice === 0 ? "minimal" : choice === 1 ? "padded" : "indefinite";
  }

  #segmented(): boolean {
    return this.#mode !== "definite" && this.#draw() % 3 !== 0;
  }

  #element(identifier: number, contents: Uint8Array, form: Form): Uint8Array {
    if (form === "indefinite" && isConstructed(identifier)) {
      return concat([Uint8Array.of(identifier, 0x80), contents, Uint8Array.of(0, 0)]);
    }
    return concat([Uint8Array.of(identifier), this.#length(contents.length, form), contents]);
  }

  #length(length: number, form: Form): Uint8Array {
    if (form === "minimal" && length < 0x80) return Uint8Array.of(length);
    const digits: number[] = [];
    for (let left = length; left > 0 || digits.length === 0; left >>>= 8) digits.unshift(left & 0xff);
    const zeros = form === "minimal" ? 0 : this.#draw() % 4;
    return Uint8Array.of(0x80 | (zeros + digits.length), ...new Array<number>(zeros).fill(0), ...digits);
  }
}

const stringTags: ReadonlySet<number> = new Set([
  tag.bitString,
  tag.octetString,
  tag.utf8String,
  tag.printableString,
  tag.ia5String,
  tag.utcTime,
  tag.generalizedTime,
]);

/** All primitive context-specific fields of CMS are OCTET STRINGs under an implicit tag. */
function isString(identifier: number): boolean {
  return identifier >= 0x80 || stringTags.has(identifier);
}
