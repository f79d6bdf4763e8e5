// Ten kills while mail passes. The whole run, with a hundred and more, is kills.long.ts.

import assert from "node:assert/strict";
import { stories } from "../../postfix.ts";
import { killRun } from "./kill-run.ts";
import { killOrder, sayTally } from "./laboratory.ts";

stories(1, killOrder(), (story) => {
  story("ten processes are killed, and nothing is lost or seen", async (lab) => {
    const tally = await killRun(lab, { mails: 300, kills: 10, perSecond: 15 });
    sayTally(tally);
    assert.deepEqual(tally.lost, []);
    assert.deepEqual(tally.inClear, []);
    assert.equal(tally.kills.length, 10);
    assert.ok(tally.accepted > 200, `${tally.accepted} mails were accepted`);
    // What was under way between two servers when one of them was killed may come twice; the long run says how much.
    assert.ok(tally.duplicates.length <= 40, `${tally.duplicates.length} came twice`);
  });
});
