import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Turns } from "./turns.ts";

/** Work that ends when it is told to. */
function work(name: string, log: string[]): { run: () => Promise<string>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run = async (): Promise<string> => {
    log.push(`${name} begins`);
    await promise;
    log.push(`${name} ends`);
    return name;
  };
  return { run, end: () => resolve() };
}

const nobody = (): void => undefined;

test("who must be alone waits for the others, and the others for it", async () => {
  const turns = new Turns();
  const log: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) => work(name, log)) as [
    ReturnType<typeof work>,
    ReturnType<typeof work>,
    ReturnType<typeof work>,
  ];
  const running = [turns.beside(a.run), turns.alone(b.run, nobody), turns.beside(c.run)];
  await turn();
  assert.deepEqual(log, ["a begins"]);
  for (const one of [a, b, c]) {
    one.end();
    await turn();
  }
  assert.deepEqual(await Promise.all(running), ["a", "b", "c"]);
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test("two that must be alone go one after the other", async () => {
  const turns = new Turns();
  const log: string[] = [];
  const [a, b] = ["a", "b"].map((name) => work(name, log)) as [ReturnType<typeof work>, ReturnType<typeof work>];
  const running = [turns.alone(a.run, nobody), turns.alone(b.run, nobody)];
  b.end();
  await turn();
  a.end();
  await Promise.all(running);
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends"]);
});

test("who must be alone does not wait for ever, nor let the others wait", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const turns = new Turns();
  const log: string[] = [];
  const [slow, suspect, next] = ["slow", "suspect", "next"].map((name) => work(name, log)) as [
    ReturnType<typeof work>,
    ReturnType<typeof work>,
    ReturnType<typeof work>,
  ];
  const slowly = turns.beside(slow.run);
  const tried = turns.alone(suspect.run, nobody);
  await turn();
  mock.timers.tick(5000);
  assert.equal(await tried, undefined, "the others take too long");
  slow.end();
  await slowly;
  let company = 0;
  const again = turns.alone(suspect.run, () => {
    company += 1;
  });
  const waiting = turns.beside(next.run);
  await turn();
  assert.deepEqual(log.slice(2), ["suspect begins"]);
  mock.timers.tick(5000);
  await turn();
  assert.deepEqual([company, ...log.slice(3)], [1, "next begins"]);
  suspect.end();
  next.end();
  await Promise.all([again, waiting]);
  mock.timers.reset();
});

test("what is thrown leaves no lock behind", async () => {
  const turns = new Turns();
  const fail = (): Promise<never> => Promise.reject(new Error("x"));
  await assert.rejects(turns.beside(fail));
  await assert.rejects(turns.alone(fail, nobody));
  assert.equal(await turns.alone(async () => 1, nobody), 1);
  assert.equal(await turns.beside(async () => 2), 2);
});
