// Loaded into a gateway before its own modules (NODE_OPTIONS=--import): a message that holds a word kills or hangs the
// worker that works on it, as it is hashed to be signed: not while the message arrives, waits for its turn or is put into
// the hold store, when another would be accused.

import crypto, { createHash, type Hash } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { crashWord, hangWord } from "./words.ts";

const faults: readonly (readonly [string, () => void])[] = [
  [crashWord, () => process.abort()],
  [
    hangWord,
    () => {
      for (;;);
    },
  ],
];

function look(octets: unknown): void {
  if (!(octets instanceof Uint8Array)) return;
  for (const [word, strike] of faults) {
    if (Buffer.from(octets).includes(word) && new Error("who asks?").stack?.includes("/src/cms/")) strike();
  }
}

const prototype = Object.getPrototypeOf(createHash("sha256")) as Hash;
const { update } = prototype;
prototype.update = function (this: Hash, ...values: unknown[]): Hash {
  look(values[0]);
  return Reflect.apply(update, this, values) as Hash;
} as Hash["update"];

const { hash } = crypto;
crypto.hash = ((...values: unknown[]) => {
  look(values[1]);
  return Reflect.apply(hash, crypto, values);
}) as typeof hash;
syncBuiltinESMExports();
