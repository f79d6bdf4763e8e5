// Names for messages on their way, in the form of Postfix's long queue ids: sorted by time, without vowels, so that no
// id spells a word and none is misread.

import { randomInt } from "node:crypto";

const alphabet = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
const base = BigInt(alphabet.length);
const randomPart = 4;

export function queueId(at: Date): string {
  let id = "";
  for (let rest = BigInt(at.getTime()); rest > 0n; rest /= base) id = alphabet[Number(rest % base)] + id;
  for (let count = 0; count < randomPart; count += 1) id += alphabet[randomInt(alphabet.length)];
  return id;
}
