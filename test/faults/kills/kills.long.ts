// The whole kill run: 20,000 mails, more than a hundred kills of workers, gateways, hubs and edges (security.md D1, D2), and
// beside it the same kills of hubs and edges with nothing but Postfix between them. Fewer by POSTERN_KILL_MAILS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withPeers } from "../../peers.ts";
import { Lab, stories } from "../../postfix.ts";
import { killRun, type Tally } from "./kill-run.ts";
import { controlOrder, killOrder, sayTally, summaryOf } from "./laboratory.ts";

const mails = Number(process.env["POSTERN_KILL_MAILS"] ?? 20_000);
const perSecond = 33;
// One kill for each 160 mails, five seconds of pace; one round has 14.
const kills = Math.ceil(mails / 160 / 14) * 14;
const mayComeTwice = 0.35;

let withPostern: Tally | undefined;

stories(1, killOrder(), (story) => {
  story(`${mails} mails, ${kills} kills: nothing lost, nothing in clear, little twice`, async (lab) => {
    const tally = await killRun(lab, { mails, kills, perSecond });
    withPostern = tally;
    sayTally(tally);
    assert.deepEqual(tally.lost, []);
    assert.deepEqual(tally.inClear, []);
    assert.equal(tally.kills.length, kills);
    const all = summaryOf(tally, ["worker", "gateway", "hub", "edge"]);
    assert.ok(all.open >= kills * 0.55, `${all.open} of ${kills} kills met a message in hand`);
    assert.ok(all.exact >= kills / 14, `${all.exact} stopped between the next hop's 250 and our reply`);
    const ours = summaryOf(tally, ["worker", "gateway"]);
    assert.ok(ours.duplicates <= ours.kills * mayComeTwice, `${ours.duplicates} twice after ${ours.kills} kills`);
  });
});

withPeers(["postfix"], 1, () => {
  test("the same kills of hubs and edges, with Postfix alone, for comparison", async () => {
    const lab = await Lab.open(controlOrder());
    try {
      // As many of them as the run above had.
      const tally = await killRun(lab, {
        mails: Math.round((mails * 5) / 14),
        kills: Math.round((kills * 5) / 14),
        perSecond,
        whom: ({ kind }) => kind === "hub" || kind === "edge",
      });
      sayTally(tally);
      assert.deepEqual(tally.lost, []);
      for (const [name, each] of [
        ["with Postern", withPostern],
        ["without", tally],
      ] as const) {
        if (each === undefined) continue;
        const { duplicates, kills: count } = summaryOf(each, ["hub", "edge"]);
        process.stdout.write(`twice after each kill of a hub or edge, ${name}: ${(duplicates / count).toFixed(2)}\n`);
      }
    } finally {
      await lab.close();
    }
  });
});
