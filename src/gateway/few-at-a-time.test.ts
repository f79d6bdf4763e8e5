import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { fewAtATime, mostAtATime } from "./few-at-a-time.ts";

test("all are served, in order, and never more than a few at a time", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 20 }), async (delays) => {
      let busy = 0;
      let most = 0;
      const results = await fewAtATime([...delays.entries()], async ([at, delay]) => {
        most = Math.max(most, ++busy);
        await sleep(delay);
        busy--;
        return at;
      });
      assert.deepEqual(results, [...delays.keys()]);
      assert.equal(most, Math.min(mostAtATime, delays.length));
    }),
    { numRuns: 50 },
  );
});

test("what fails is thrown", async () => {
  await assert.rejects(
    fewAtATime([1, 2, 3], async (item) => {
      if (item === 2) throw new Error("two");
    }),
    /two/,
  );
});
