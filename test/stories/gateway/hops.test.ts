// Next hops on bad days, and gateways that stop: nothing is lost, nothing comes twice.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Lab, type Letter, letter, stories } from "../../postfix.ts";

/** How often each letter has arrived at the users of b.example once the queues are empty. */
async function arrivals(lab: Lab, letters: readonly Letter[], ms?: number): Promise<number[]> {
  await lab.idle(ms);
  return letters.map(({ subject }) => lab.b.users.arrivals.filter(({ octets }) => octets.includes(subject)).length);
}

async function sendThree(lab: Lab, fill: number = 0): Promise<readonly Letter[]> {
  const letters = [1, 2, 3].map(() => lab.secret("alice@a.example", "bob@b.example", { fill }));
  for (const { octets } of letters) await lab.a.send("alice@a.example", ["bob@b.example"], octets);
  return letters;
}

stories(8, {}, (story) => {
  for (const side of ["outside", "inside"] as const) {
    const name = side === "outside" ? "on the way out" : "on the way in";
    const tapOf = (lab: Lab) => (side === "outside" ? lab.a : lab.b).taps[side];

    story(`${name} the next hop falls silent: other mail goes on, and what waited arrives once`, async (lab) => {
      tapOf(lab).mood = { kind: "silent" };
      tapOf(lab).drop();
      const before = tapOf(lab).connections;
      const letters = await sendThree(lab);
      while (tapOf(lab).connections < before + 3) await sleep(20);
      const other = lab.secret("bob@b.example", "alice@a.example");
      await lab.b.send("bob@b.example", ["alice@a.example"], other.octets);
      await lab.a.users.arrived(({ octets }) => octets.includes(other.subject), 1, 5000);
      assert.equal(
        lab.b.users.arrivals.filter(({ octets }) => letters.some((one) => octets.includes(one.word))).length,
        0,
      );
      tapOf(lab).mood = { kind: "pass" };
      tapOf(lab).drop();
      assert.deepEqual(await arrivals(lab, letters), [1, 1, 1]);
    });

    story(`${name} the next hop is slow: each mail arrives once`, async (lab) => {
      tapOf(lab).mood = { kind: "slow", ms: 60 };
      const letters = await sendThree(lab, 50_000);
      const counts = arrivals(lab, letters);
      await sleep(1500);
      tapOf(lab).mood = { kind: "pass" };
      assert.deepEqual(await counts, [1, 1, 1]);
    });

    story(`${name} the next hop says 421 in the middle of a message: it arrives once, and whole`, async (lab) => {
      tapOf(lab).mood = { kind: "cut", octets: 30_000, reply: "421 4.3.2 Going down" };
      tapOf(lab).drop();
      const before = tapOf(lab).connections;
      const letters = await sendThree(lab, 100_000);
      while (tapOf(lab).connections < before + 3) await sleep(20);
      assert.equal(
        lab.b.users.arrivals.filter(({ octets }) => letters.some((one) => octets.includes(one.word))).length,
        0,
      );
      tapOf(lab).mood = { kind: "pass" };
      assert.deepEqual(await arrivals(lab, letters), [1, 1, 1]);
      for (const { octets, subject } of letters) {
        const arrival = lab.b.users.arrivals.find((one) => one.octets.includes(subject));
        assert.ok(arrival?.octets.subarray(-octets.length).equals(octets));
      }
    });
  }

  story("a gateway restarted under load passes mail again within 5 s, and loses and doubles none", async (lab) => {
    const letters: Letter[] = [];
    let restarted: number | undefined;
    let first: number | undefined;
    const load = (async () => {
      while (letters.length < 150) {
        const mail = letter("alice@a.example", "bob@b.example");
        letters.push(mail);
        await lab.a.send("alice@a.example", ["bob@b.example"], mail.octets);
        await sleep(20);
      }
    })();
    await sleep(1000);
    assert.equal(await lab.a.gateway.stop(), 0);
    restarted = performance.now();
    const had = lab.b.users.arrivals.length;
    const restart = lab.a.gateway.restart();
    while (first === undefined) {
      await sleep(10);
      if (lab.b.users.arrivals.length > had + 1) first = performance.now();
      if (performance.now() - restarted > 10_000) break;
    }
    await Promise.all([load, restart]);
    assert.ok(
      first !== undefined && first - restarted < 5000,
      `${first === undefined ? "none" : first - restarted} ms`,
    );
    const counts = await arrivals(lab, letters);
    assert.deepEqual([counts.length, counts.filter((count) => count !== 1)], [150, []]);
  });

  story("16 parallel mails of 2 MB arrive as they were sent", async (lab) => {
    const letters = Array.from({ length: 16 }, () =>
      lab.secret("alice@a.example", "bob@b.example", { fill: 2_000_000 }),
    );
    await Promise.all(letters.map(({ octets }) => lab.a.send("alice@a.example", ["bob@b.example"], octets)));
    assert.deepEqual(
      await arrivals(lab, letters, 60_000),
      letters.map(() => 1),
    );
    for (const { octets, subject } of letters) {
      const arrival = lab.b.users.arrivals.find((one) => one.octets.includes(subject));
      assert.ok(arrival?.octets.subarray(-octets.length).equals(octets));
    }
  });
});
