// ASN.1 elements as a tree that tests take apart, change and write again. It reads any BER and writes DER unless told
// otherwise; it is for octets that a test made, so it checks nothing.

import { berElements, constructedBit, der } from "../src/asn1.ts";

export type Tree = {
  identifier: number;
  contents: Uint8Array | Tree[];
  /** Written in place of the element, where it is there. */
  encoded?: Uint8Array;
};

/** The first element of `octets`. */
export function treeOf(octets: Uint8Array): Tree {
  return treesOf(octets)[0] as Tree;
}

function treesOf(octets: Uint8Array): Tree[] {
  return berElements(octets).map(({ identifier, contentStart, contentEnd }) => {
    const contents = octets.subarray(contentStart, contentEnd);
    return { identifier, contents: isConstructed(identifier) ? treesOf(contents) : Uint8Array.from(contents) };
  });
}

export function octetsOf({ identifier, contents, encoded }: Tree): Uint8Array {
  return encoded ?? der.element(identifier, ...(contents instanceof Uint8Array ? [contents] : contents.map(octetsOf)));
}

export function isConstructed(identifier: number): boolean {
  return (identifier & constructedBit) !== 0;
}

/** The elements inside, which there must be. */
export function inside(tree: Tree | undefined): Tree[] {
  if (tree === undefined || tree.contents instanceof Uint8Array) throw new Error("nothing constructed is there");
  return tree.contents;
}

/** The element at a path of positions; negative ones count from the end. */
export function within(tree: Tree, ...path: readonly number[]): Tree {
  let at = tree;
  for (const position of path) {
    const next = inside(at).at(position);
    if (next === undefined) throw new Error(`no element at ${path.join(".")}`);
    at = next;
  }
  return at;
}

/** The octets of a primitive element, which can be changed in place. */
export function primitive(tree: Tree): Uint8Array {
  if (!(tree.contents instanceof Uint8Array)) throw new Error("a primitive element was expected");
  return tree.contents;
}
