// What production brings: messages that kill or hang a worker, gateways that send mail in a circle, a full disk, and
// strangers who would relay.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { notRun } from "../../not-run.ts";
import { canMount, type Lab, type Letter, letter, type Site, stories } from "../../postfix.ts";
import { runPostern } from "../../program.ts";
import { crashWord, hangWord } from "./words.ts";

const strikes = path.resolve(import.meta.dirname, "strikes.ts");

async function held({ gateway }: Site): Promise<string> {
  const { stdout } = await runPostern(["hold", "list", "--config", gateway.configFile]);
  return stdout.toString("utf8");
}

function timesArrived(lab: Lab, letters: readonly Letter[]): number[] {
  return letters.map(({ subject }) => lab.b.users.arrivals.filter(({ octets }) => octets.includes(subject)).length);
}

const mountable = canMount();
if (!mountable) notRun(1, "this machine lets nobody mount a small file system");

const order = {
  loop: "loop.example",
  a: {
    environment: () => ({ NODE_OPTIONS: `--import=${strikes}` }),
    options: ["--silence", "5"],
    postfix: { "hub-in": { relay_domains: "a.example loop.example" } },
  },
  b: {
    postfix: { "hub-in": { relay_domains: "b.example c.example loop.example" } },
    ...(mountable ? { stateSize: "48m" } : {}),
  },
};

stories(mountable ? 5 : 4, order, (story) => {
  for (const [what, word, death] of [
    ["crashes", crashWord, /ended by SIGABRT/],
    ["hangs", hangWord, /gave no sign of life/],
  ] as const) {
    story(`a message that ${what} a worker ends in the hold store, and others arrive meanwhile`, async (lab) => {
      const poison = letter("alice@a.example", "bob@b.example");
      await lab.a.send(
        "alice@a.example",
        ["bob@b.example"],
        Buffer.concat([poison.octets, Buffer.from(`${word}\r\n`)]),
      );
      await lab.a.gateway.says(death, 30_000);
      const good = [1, 2, 3, 4].map(() => lab.secret("alice@a.example", "bob@b.example"));
      for (const { octets } of good) await lab.a.send("alice@a.example", ["bob@b.example"], octets);
      for (let tries = 0; !(await held(lab.a)).includes("bob@b.example") && tries < 60; tries += 1) await lab.a.flush();
      const [id = ""] = /[0-9A-Za-z]{12}/.exec(await held(lab.a)) ?? [];
      assert.equal((await runPostern(["hold", "drop", id, "--yes", "--config", lab.a.gateway.configFile])).status, 0);
      await lab.idle(60_000);
      assert.deepEqual(timesArrived(lab, [poison, ...good]), [0, 1, 1, 1, 1]);
    });
  }

  story("two gateways that send a mail to each other hold it soon, and other mail goes on", async (lab) => {
    const mail = letter("eve@stranger.example", "x@loop.example");
    const before = lab.observers.b.connections;
    await lab.sendFromOutside("a", "eve@stranger.example", ["x@loop.example"], mail.octets);
    for (let tries = 0; tries < 100 && !`${await held(lab.a)}${await held(lab.b)}`.includes("x@loop.example"); )
      tries += 1;
    assert.match(`${await held(lab.a)}${await held(lab.b)}`, /x@loop\.example/);
    assert.ok(lab.observers.b.connections - before < 10);
    await lab.idle();
    const other = lab.secret("alice@a.example", "bob@b.example");
    await lab.a.send("alice@a.example", ["bob@b.example"], other.octets);
    await lab.b.users.arrived(({ octets }) => octets.includes(other.subject));
  });

  story("hub-in takes no mail for other domains and names no users", async (lab) => {
    const mail = letter("eve@stranger.example", "somebody");
    for (const to of ["other@elsewhere.example", "a.example!other@elsewhere.example", "user@[127.0.0.1]"])
      await assert.rejects(lab.sendFromOutside("a", "eve@stranger.example", [to], mail.octets), /"code":5/, to);
  });

  if (mountable) {
    story("with a full disk mail waits at the hub, and arrives once when there is room", async (lab) => {
      const filler = path.join(lab.b.folder, "state", "filler");
      assert.throws(() => writeFileSync(filler, Buffer.alloc(64 * 1024 * 1024)), /ENOSPC/);
      const letters = [0, 2_000_000, 3_000_000].map((fill) => lab.secret("alice@a.example", "bob@b.example", { fill }));
      for (const { octets } of letters) await lab.a.send("alice@a.example", ["bob@b.example"], octets);
      await lab.b.gateway.says(/SPILL_UNWRITABLE/, 20_000);
      rmSync(filler);
      await lab.idle(60_000);
      assert.deepEqual(timesArrived(lab, letters), [1, 1, 1]);
    });
  }
});
