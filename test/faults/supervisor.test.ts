// The supervisor under faults that come from outside: messages that crash or hang a worker, signals, kill -9, broken
// files. The real program, real sockets.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { after, type TestContext, test } from "node:test";
import { freePort } from "../postfix/ports.ts";
import { runPostern } from "../program.ts";
import { DaemonLab, type DaemonLabOptions, isAlive, slowMs, until } from "./daemon-lab.ts";
import { crashWord, hangWord } from "./words.ts";

const clerk = "clerk@parliament.example";
const slow = "slow@parliament.example";
let letters = 0;
/** No two alike. */
const text = (word: string = ""): string => `letter ${++letters} ${word}`;

async function running(t: TestContext, options: DaemonLabOptions = {}): Promise<DaemonLab> {
  const lab = await DaemonLab.open(options);
  t.after(() => lab.close());
  await lab.start();
  return lab;
}

test("a message that crashes its worker delays itself only; the others go on, and a new worker comes at once", async (t) => {
  const lab = await running(t);
  const before = await lab.pids();
  const poisoned = lab.hand(slow, text(crashWord));
  for (let mail = 0; mail < 20; mail += 1) assert.ok((await lab.deliver(clerk, text())) <= 2);
  assert.match(await poisoned, /^4/);
  const [line] = await lab.heard(/worker \d+ was ended by SIGABRT\n(?:.*\n)*?.*in hand when a worker died: 1\. /);
  const died = performance.now();
  assert.ok(before.includes(Number(/worker (\d+)/.exec(line)?.[1])));
  await lab.heard(/is ready in place of one that died/);
  t.diagnostic(`a new worker after ${Math.round(performance.now() - died)} ms`);
  const now = await lab.status();
  assert.deepEqual([now.ready, now.workers.map(({ ready }) => ready)], [true, [true, true]]);
  assert.equal(now.workers.filter(({ pid }) => before.includes(pid)).length, 1);
});

test("the only worker dies: who connects meanwhile waits, nobody is turned away", async (t) => {
  const lab = await running(t, { workers: 1 });
  const [pid = 0] = await lab.pids();
  assert.equal(await lab.hand(clerk, text()), "250 2.0.0");
  process.kill(pid, "SIGKILL");
  const died = performance.now();
  await until("its end", () => (isAlive(pid) ? undefined : true));
  assert.equal(await lab.deliver(clerk, text()), 1);
  t.diagnostic(`first mail ${Math.round(performance.now() - died)} ms after the death of the only worker`);
});

test("a message that hangs its worker holds up nobody, and the worker is killed when it is silent too long", async (t) => {
  const lab = await running(t, { silenceSeconds: 5 });
  const before = await lab.pids();
  const hanging = lab.hand(slow, text(hangWord));
  await new Promise((resolve) => setTimeout(resolve, 700));
  for (let mail = 0; mail < 10; mail += 1) assert.ok((await lab.deliver(clerk, text())) <= 2);
  assert.doesNotMatch(lab.output, /no sign of life/, "good mail did not wait for the end of the hanging worker");
  const [, pid] = await lab.heard(/worker (\d+) gave no sign of life for 5 s and was killed/);
  assert.ok(before.includes(Number(pid)));
  assert.match(await hanging, /^4/);
  await lab.heard(/is ready in place of one that died/);
  assert.ok(!isAlive(Number(pid)));
});

test("a connection on its way to a worker that hangs is served by the next one", async (t) => {
  const lab = await running(t, { workers: 1, silenceSeconds: 3 });
  const hanging = lab.hand(slow, text(hangWord));
  await new Promise((resolve) => setTimeout(resolve, 700));
  const waiting = lab.hand(clerk, text());
  await lab.heard(/gave no sign of life for 3 s and was killed/);
  assert.equal(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 8000))]), "250 2.0.0");
  assert.match(await hanging, /^4/);
});

test("a message that killed its worker while alone twice is held unopened, and good mail goes on all the while", async (t) => {
  const lab = await running(t);
  const poison = text(crashWord);
  const answers: string[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const from = lab.output.length;
    answers.push((await lab.hand(slow, poison)).slice(0, 1));
    if (attempt < 3) await lab.heard(/is ready in place of one that died/, from);
    assert.ok((await lab.deliver(clerk, text())) <= 2);
  }
  assert.deepEqual(answers, ["4", "4", "4", "2"]);
  assert.equal(lab.output.match(/was ended by SIGABRT/g)?.length, 3);
  assert.equal(lab.output.match(/it was alone/g)?.length, 2);
  const { stdout } = await runPostern(["hold", "list", "--json", "--config", lab.file]);
  const held = stdout
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(held.length, 1);
  assert.deepEqual(held[0].forwardPaths, [slow]);
});

for (const { what, spoil, said } of [
  {
    what: "an unknown setting",
    spoil: (lab: DaemonLab) => lab.changeConfig("hostname:", "hostnam:"),
    said: /not reloaded: .*postern\.yaml:1:1: hostnam: unknown setting \(did you mean hostname\?\)/,
  },
  {
    what: "broken YAML",
    spoil: (lab: DaemonLab) => lab.changeConfig("listen: {", "listen: {{"),
    said: /not reloaded: .*postern\.yaml:\d+:\d+: /,
  },
  {
    what: "a key that is not there",
    spoil: (lab: DaemonLab) => lab.changeConfig("sign.pem", "none.pem"),
    said: /not reloaded: .*none\.pem: cannot be read/,
  },
  {
    what: "a key of another certificate",
    spoil: (lab: DaemonLab) => lab.changeConfig("encrypt.pem", "sign.pem"),
    said: /not reloaded: .*is not the certificate of the key in/,
  },
  {
    what: "a directory that is no LDIF",
    spoil: (lab: DaemonLab) => writeFile(lab.directoryFile, "version: 1\n\nnonsense\n"),
    said: /not reloaded: .*members\.ldif: .*line 3/,
  },
  {
    what: "an address that another program has",
    async spoil(lab: DaemonLab) {
      const other = createServer().listen(await freePort(), "127.0.0.1");
      after(() => other.close());
      await new Promise((resolve) => other.once("listening", resolve));
      const { port } = other.address() as { port: number };
      await lab.changeConfig(`127.0.0.1:${lab.outside}`, `127.0.0.1:${port}`);
    },
    said: /not reloaded: cannot listen on 127\.0\.0\.1:\d+: another program listens there/,
  },
  {
    what: "another data folder",
    spoil: (lab: DaemonLab) => lab.changeConfig("dataDir: state", "dataDir: elsewhere"),
    said: /not reloaded: dataDir is another: that needs a restart/,
  },
]) {
  test(`SIGHUP with ${what}: the fault is named, and the gateway goes on as it was`, async (t) => {
    const lab = await running(t, { workers: 1 });
    const before = await lab.pids();
    await spoil(lab);
    lab.signal("SIGHUP");
    await lab.heard(said);
    await lab.heard(/the configuration as it was stays in force/);
    assert.deepEqual(await lab.pids(), before);
    assert.equal(await lab.hand(clerk, text()), "250 2.0.0");
  });
}

test("SIGHUP with a good configuration: a new set takes over, no mail is refused, what was in hand is finished", async (t) => {
  const lab = await running(t);
  const before = await lab.pids();
  const moved = await freePort();
  await lab.changeConfig(`127.0.0.1:${lab.outside}`, `127.0.0.1:${moved}`);
  const inHand = lab.hand(slow, text());
  await new Promise((resolve) => setTimeout(resolve, 300));
  const answers: Promise<string>[] = [];
  const sending = setInterval(() => answers.push(lab.hand(clerk, text())), 20);
  lab.signal("SIGHUP");
  const [, ms] = await lab.heard(/reloaded in (\d+) ms/);
  await new Promise((resolve) => setTimeout(resolve, 300));
  clearInterval(sending);
  const heard = new Set(await Promise.all(answers));
  t.diagnostic(`reloaded in ${ms} ms, ${answers.length} mails meanwhile`);
  assert.deepEqual([...heard], ["250 2.0.0"]);
  assert.equal(await inHand, "250 2.0.0");
  const now = await lab.pids();
  assert.ok(now.length === 2 && now.every((pid) => !before.includes(pid)));
  await lab.heard(new RegExp(`outside 127\\.0\\.0\\.1:${moved}, `));
  await until("the end of the old workers", () => (before.some(isAlive) ? undefined : true));
  assert.doesNotMatch(lab.output, /in place of one that died|ALARM/);
});

test("SIGTERM in the middle of a message: it is answered, then the gateway ends with 0, and nothing is left", async (t) => {
  const lab = await running(t);
  const workers = await lab.pids();
  const inHand = lab.hand(slow, text());
  await new Promise((resolve) => setTimeout(resolve, 500));
  const started = performance.now();
  const status = lab.ended("SIGTERM");
  assert.equal(await inHand, "250 2.0.0");
  assert.equal(await status, 0);
  assert.ok(performance.now() - started < slowMs + 3000);
  assert.ok(!workers.some(isAlive));
});

test("under load a restart passes the first mail within five seconds", async (t) => {
  const lab = await running(t);
  for (let mail = 0; mail < 10; mail += 1) await lab.deliver(clerk, text());
  // On a machine that has other work, starting any program takes its time.
  const beforeVersion = performance.now();
  await runPostern(["--version"]);
  const limitMs = Math.max(5000, 20 * (performance.now() - beforeVersion));
  const load = Array.from({ length: 8 }, () => lab.deliver(clerk, text()));
  const started = performance.now();
  assert.equal(await lab.ended("SIGTERM"), 0);
  lab.launch();
  await lab.deliver(clerk, text());
  const ms = performance.now() - started;
  t.diagnostic(`first mail ${Math.round(ms)} ms after SIGTERM`);
  assert.ok(ms < limitMs, `${ms} of ${limitMs} ms`);
  await Promise.all(load);
});

test("kill -9 of the supervisor: the next start works at once, and the orphans finish what they have and end", async (t) => {
  const lab = await running(t);
  const orphans = await lab.pids();
  const inHand = lab.hand(slow, text());
  await new Promise((resolve) => setTimeout(resolve, 500));
  await lab.ended("SIGKILL");
  const started = performance.now();
  await lab.start();
  t.diagnostic(`ready ${Math.round(performance.now() - started)} ms after the start`);
  assert.equal(await lab.hand(clerk, text()), "250 2.0.0");
  assert.equal(await inHand, "250 2.0.0");
  await until("the end of the orphans", () => (orphans.some(isAlive) ? undefined : true));
});

test("a second gateway on the same folder is refused, and says whose it is", async (t) => {
  const lab = await running(t, { workers: 1 });
  const { status, stderr } = await runPostern(["gateway", "--config", lab.file]);
  assert.equal(status, 69);
  assert.match(stderr, /a gateway already runs on .*state/);
  assert.equal(await lab.hand(clerk, text()), "250 2.0.0");
});

test("the first start fails by an address that another program has: 69, said plainly, and no process is left", async (t) => {
  const lab = await DaemonLab.open();
  t.after(() => lab.close());
  const other = createServer().listen(lab.inside, "127.0.0.1");
  t.after(() => other.close());
  lab.launch();
  assert.equal(await lab.ended(), 69);
  assert.match(lab.output, /cannot listen on 127\.0\.0\.1:\d+: another program listens there \(EADDRINUSE\)/);
  assert.doesNotMatch(lab.output, /stack|at file:/);
});

test("a half-written directory changes nothing and is named with its line; whole, it counts without a signal", async (t) => {
  const lab = await running(t, { workers: 1 });
  const whole = await readFile(lab.directoryFile, "utf8");
  const half = whole.slice(0, whole.lastIndexOf("userCertificate;binary::") + 8);
  await writeFile(lab.directoryFile, half);
  await lab.heard(/DIRECTORY_FILE_INVALID: .*members\.ldif: .*line \d+/);
  assert.equal(await lab.hand(clerk, text()), "250 2.0.0");
  await writeFile(lab.directoryFile, `${whole}\n`);
  await lab.heard(/directory: snapshot 2, 2 members/);
  assert.equal(await lab.hand(clerk, text()), "250 2.0.0");
});
