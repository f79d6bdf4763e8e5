// A member leaves by saying so, never by silence: what becomes of mail to one whose directory entry vanished, over
// restarts, with several workers, with a store that cannot be used.

import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { clerk, Lab, mail, minister, walk } from "../../test/gateway-lab.ts";
import { temporaryFolder, temporaryStore } from "../../test/temporary-store.ts";
import { goneWaitsMs } from "../directory.ts";
import { isSecureMailError } from "../errors.ts";
import { type LdifEntry, parseLdif } from "../ldif.ts";
import { Membership } from "./membership.ts";

const below = "x@deep.below.example";
const spoken =
  "dn: cn=below\nobjectClass: posternMember\nassociatedDomain: below.example\nposternIncludeSubdomains: TRUE\n";

async function labOf(t: TestContext) {
  const lab = await Lab.open({ entries: spoken });
  t.after(() => lab.close());
  const whole = readFileSync(lab.community.directoryFile, "utf8");
  const write = (text: string) => writeFileSync(lab.community.directoryFile, text);
  // As a file that was cut between two entries: good LDIF, with treasury.example alone.
  const cut = () => write(`${whole.split("\n\n").slice(0, 2).join("\n\n")}\n`);
  const alarms = () => lab.faults.filter((fault) => isSecureMailError(fault, "MEMBER_VANISHED")).length;
  return { lab, whole, write, cut, alarms };
}

async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !what(); ) {
    assert.ok(performance.now() < end, "in ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("mail to a member whose entry vanished waits, mail that waits already too, and is protected when it is back", async (t) => {
  const { lab, whole, write, cut, alarms } = await labOf(t);
  const gateway = await lab.start();
  const hand = (to: string) => lab.hand("inside", { from: minister, to: [to], message: mail(minister) });
  assert.equal(await hand(clerk), "250 2.0.0");
  const sent = lab.world.got.length;
  cut();
  await until(() => gateway.snapshot().number === 2);
  assert.equal(await hand(clerk), "451 4.7.5");
  assert.equal(await hand(below), "451 4.7.5");
  assert.match(
    lab.reports.at(-2)?.reason ?? "",
    /^the entry of parliament\.example is gone since .*posternStatus: left/,
  );
  assert.equal(await lab.hand("inside", { to: [clerk], message: mail("mailer-daemon@treasury.example") }), "451 4.7.5");
  assert.equal(await hand("a@stranger.example"), "250 2.0.0");
  assert.equal(lab.world.got.length, sent + 1);
  await until(() => alarms() === 2);
  write(`${whole}\n`);
  await until(() => gateway.snapshot().number === 3);
  assert.equal(await hand(clerk), "250 2.0.0");
  assert.match(lab.world.got.at(-1)?.message ?? "", /authEnveloped-data/);
});

test("a restart forgets nobody, and says nothing twice; who says left is a stranger at once", async (t) => {
  const { lab, whole, write, cut, alarms } = await labOf(t);
  const hand = () => lab.hand("inside", { from: minister, to: [clerk], message: mail(minister) });
  await lab.start();
  await lab.stop();
  cut();
  for (const _ of [1, 2]) {
    const { snapshot } = await lab.start();
    assert.deepEqual(
      snapshot().gone.map(({ domain }) => domain),
      ["below.example", "parliament.example"],
    );
    assert.equal(await hand(), "451 4.7.5");
    await lab.stop();
    assert.equal(alarms(), 2);
  }
  write(whole.replace(/(associatedDomain: parliament[\s\S]*?posternStatus: )active/, "$1left"));
  await lab.start();
  assert.equal(await hand(), "250 2.0.0");
  assert.match(lab.world.got.at(-1)?.message ?? "", /^text\r$/m);
  await lab.stop();
  cut();
  await lab.start();
  assert.equal(await hand(), "250 2.0.0");
});

test("after seven days it is a stranger; mail from it is judged as a stranger's all the time", async (t) => {
  const { lab, cut } = await labOf(t);
  const sealed = await lab.fromParliament(mail(clerk));
  await lab.start();
  await lab.stop();
  cut();
  const services = await lab.services();
  assert.deepEqual(await walk(services, "outside", { from: clerk, to: [minister], message: sealed }), ["250 2.0.0"]);
  assert.equal(lab.reports.at(-1)?.code, "OK");
  const message = mail(minister);
  assert.deepEqual(await walk(services, "inside", { from: minister, to: [clerk], message }), ["451 4.7.5"]);
  const clock = (): Date => new Date(Date.now() + goneWaitsMs);
  const hand = { from: minister, to: [clerk], message: mail(minister) };
  assert.deepEqual(await walk({ ...services, clock }, "inside", hand), ["250 2.0.0"]);
});

const entriesOf = (...domains: readonly string[]): readonly LdifEntry[] =>
  parseLdif(
    Buffer.from(
      `version: 1\n\n${domains.map((name) => `dn: cn=${name}\nobjectClass: posternMember\nassociatedDomain: ${name}\n`).join("\n")}`,
    ),
  );
const own = new Set<string>();
const clock = (): Date => new Date();

test("of several workers one says that a member vanished, and each knows it", async (t) => {
  const folder = temporaryFolder(t);
  const alarms: unknown[] = [];
  const workers = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const { members: store } = await temporaryStore(t, { folder });
      return Membership.open(entriesOf("a.example", "b.example"), {
        ...{ store, own, clock, notes: true },
        alarm: (thrown) => alarms.push(thrown),
      });
    }),
  );
  for (const worker of workers) worker.takeUp(entriesOf("b.example"));
  for (const worker of workers) await worker.close();
  for (const { snapshot } of workers) assert.equal(snapshot.gone[0]?.domain, "a.example");
  assert.deepEqual(
    alarms.map((thrown) => (thrown as Error).message.slice(0, 26)),
    ["the entry of a.example is "],
  );
});

test("while the store cannot be used the process remembers, says so, and notes it when it can", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "postern.db");
  writeFileSync(file, "no database".repeat(1000));
  const { members: store } = await temporaryStore(t, { folder });
  const alarms: unknown[] = [];
  const membership = await Membership.open(entriesOf("a.example", "b.example"), {
    ...{ store, own, clock, notes: true, retryMs: 50 },
    alarm: (thrown) => alarms.push(thrown),
  });
  assert.equal(membership.takeUp(entriesOf("b.example")).gone[0]?.domain, "a.example");
  const codes = () => alarms.map((thrown) => (isSecureMailError(thrown) ? thrown.code : String(thrown)));
  await until(() => alarms.length === 2);
  assert.deepEqual(codes(), ["STORE_UNUSABLE", "MEMBER_VANISHED"]);
  rmSync(file);
  for (let known = 0; known < 2; known = (await store.list().catch(() => [])).length)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await membership.close();
  const [gone] = (await store.list()).filter((row) => row.gone !== undefined);
  assert.equal(gone?.domain, "a.example");
  assert.equal(alarms.length, 2);
});
