// 64 mails of 20 MB at the same time. In `npm test` there are 16 of 2 MB (hops.test.ts).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { stories } from "../../postfix.ts";

const mails = 64;
const octets = 20_000_000;

stories(1, {}, (story) => {
  story(`${mails} parallel mails of 20 MB arrive as they were sent`, async (lab) => {
    const letters = Array.from({ length: mails }, () =>
      lab.secret("alice@a.example", "bob@b.example", { fill: octets }),
    );
    const sizes = letters.map((mail) => mail.octets.length);
    await Promise.all(letters.map((mail) => lab.a.send("alice@a.example", ["bob@b.example"], mail.octets)));
    await lab.idle(900_000);
    for (const [at, mail] of letters.entries()) {
      const arrivals = lab.b.users.arrivals.filter((one) => one.octets.includes(mail.subject));
      assert.equal(arrivals.length, 1);
      const [arrival] = arrivals;
      // The stub keeps the beginning; trace fields stand before what was sent.
      const begins = arrival?.octets.indexOf(mail.octets.subarray(0, 200)) ?? -1;
      assert.ok(begins > 0 && (arrival?.length ?? 0) - begins >= (sizes[at] ?? 0));
      const kept = arrival?.octets.subarray(begins) ?? Buffer.alloc(0);
      const digest = (part: Uint8Array): string => createHash("sha256").update(part).digest("hex");
      assert.equal(digest(kept), digest(mail.octets.subarray(0, kept.length)));
    }
  });
});
