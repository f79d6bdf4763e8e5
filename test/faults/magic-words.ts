// Loaded into a gateway before its own modules (NODE_OPTIONS=--import): faults that come with a message. Octets that
// arrive are looked through for two words; half a second after one came, if the message was not answered by then, the
// process aborts or turns for ever. What the product does with the message has no part in it.

import { Socket } from "node:net";
import { Readable } from "node:stream";
import { crashWord, hangWord } from "./words.ts";

const afterMs = 500;

const faults: readonly (readonly [Buffer, () => void])[] = [
  [Buffer.from(crashWord), () => process.abort()],
  [
    Buffer.from(hangWord),
    () => {
      for (;;);
    },
  ],
];

const { write } = Socket.prototype;
const waiting = new WeakMap<Socket, NodeJS.Timeout>();

Socket.prototype.push = function (this: Socket, chunk: unknown, encoding?: BufferEncoding): boolean {
  for (const [word, strike] of faults)
    if (Buffer.isBuffer(chunk) && chunk.includes(word)) waiting.set(this, setTimeout(strike, afterMs));
  return Readable.prototype.push.call(this, chunk, encoding);
};

Socket.prototype.write = function (this: Socket, ...values: unknown[]): boolean {
  clearTimeout(waiting.get(this));
  return Reflect.apply(write, this, values);
} as typeof write;
