// Bounces: whoever makes one, it passes Postern, leaves protected, and brings nobody's text back.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Arrival, type Lab, letter, stories } from "../../postfix.ts";

const order = {
  a: {
    postfix: {
      "edge-out": {
        smtpd_recipient_restrictions:
          "check_recipient_access inline:{ {barred@b.example = 550 5.7.1 Not to be written to} }, permit_mynetworks, reject",
      },
    },
  },
  b: {
    postfix: {
      // The edge refuses what Postern hands over, and the hub what comes from the world.
      "edge-in": {
        smtpd_recipient_restrictions:
          "check_recipient_access inline:{ {moved@b.example = 550 5.1.6 Moved away} }, permit_mynetworks, reject",
      },
      "hub-in": {
        smtpd_recipient_restrictions:
          "check_recipient_access inline:{ {unknown@b.example = 550 5.1.1 Unknown here} }, permit",
      },
    },
  },
};

/** The report that came for a mail; the mail itself did not. */
async function reportFor(lab: Lab, site: "a" | "b", recipient: string): Promise<Arrival> {
  const [report] = await lab[site].users.arrived(
    ({ reversePath, octets }) =>
      reversePath === "" && octets.includes("multipart/report") && octets.includes(recipient),
  );
  assert.ok(report);
  return report;
}

function textOf({ octets }: Arrival): string {
  return octets.toString("latin1");
}

/** Nothing of a report can be read on the lines between the sites. */
function assertNoReportOutside(lab: Lab): void {
  const seen = /multipart\/report|delivery-status|Final-Recipient|Diagnostic-Code/i.exec(
    lab.outside().toString("latin1"),
  );
  assert.equal(seen?.[0], undefined);
}

stories(8, order, (story) => {
  story(
    "the inner server refuses: the sender hears of it protected, signed by the far domain, without the text",
    async (lab) => {
      lab.b.users.manners = {
        recipient: (address) => (address === "nobody@b.example" ? "550 5.1.1 Nobody here" : undefined),
      };
      const mail = lab.secret("alice@a.example", "nobody@b.example");
      await lab.a.send("alice@a.example", ["nobody@b.example"], mail.octets);
      const report = await reportFor(lab, "a", "nobody@b.example");
      assert.deepEqual(report.forwardPaths, ["alice@a.example"]);
      assert.match(textOf(report), /^Postern-Verdict: OK; domain=b\.example/m);
      assert.match(textOf(report), /^Status: 5\.1\.1/m);
      assert.ok(!report.octets.includes(mail.word) && !report.octets.includes(mail.subject));
      assertNoReportOutside(lab);
    },
  );

  story("the same for a domain that is only hosted there, in that domain's name", async (lab) => {
    lab.b.users.manners = {
      recipient: (address) => (address === "nobody@c.example" ? "550 5.1.1 Nobody here" : undefined),
    };
    const mail = lab.secret("alice@a.example", "nobody@c.example");
    await lab.a.send("alice@a.example", ["nobody@c.example"], mail.octets);
    const report = await reportFor(lab, "a", "nobody@c.example");
    assert.match(textOf(report), /^Postern-Verdict: OK; domain=c\.example/m);
    assert.match(textOf(report), /^From: .*MAILER-DAEMON@c\.example/m);
    assert.ok(!report.octets.includes(mail.word) && !report.octets.includes(mail.subject));
    assertNoReportOutside(lab);
  });

  story("the far edge refuses what was opened: the same", async (lab) => {
    const mail = lab.secret("alice@a.example", "moved@b.example");
    await lab.a.send("alice@a.example", ["moved@b.example"], mail.octets);
    const report = await reportFor(lab, "a", "moved@b.example");
    assert.match(textOf(report), /^Postern-Verdict: OK; domain=b\.example/m);
    // The hub returns the header as it came, protected: what stands in it was readable before.
    assert.ok(!report.octets.includes(mail.word));
    assertNoReportOutside(lab);
  });

  story("the far hub refuses at once: our own edge reports through Postern, without the text", async (lab) => {
    const mail = lab.secret("alice@a.example", "unknown@b.example");
    await lab.a.send("alice@a.example", ["unknown@b.example"], mail.octets);
    const report = await reportFor(lab, "a", "unknown@b.example");
    assert.ok(!report.octets.includes(mail.word));
    // It passed the hub and Postern, and did not go straight from the edge.
    assert.match(textOf(report), /^Received: from .*by hub-out\.gw\.a\.example/ms);
    await lab.a.gateway.says(/relay\[\d+\]: \w+: to=<alice@a\.example>/);
    assert.match(textOf(report), /^Reporting-MTA: dns; edge-out\.gw\.a\.example/m);
  });

  story("the hub itself reports what Postern cannot hand on, through Postern, without the text", async (lab) => {
    const mail = lab.secret("alice@a.example", "barred@b.example");
    await lab.a.send("alice@a.example", ["barred@b.example"], mail.octets);
    const report = await reportFor(lab, "a", "barred@b.example");
    assert.match(textOf(report), /^Reporting-MTA: dns; hub-out\.gw\.a\.example/m);
    assert.match(textOf(report), /^Received: from hub-out\.gw\.a\.example/m);
    assert.ok(!report.octets.includes(mail.word));
    assertNoReportOutside(lab);
  });

  story(
    "a mail from a stranger that the inner server refuses comes back to the stranger without its text",
    async (lab) => {
      lab.b.users.manners = {
        recipient: (address) => (address === "nobody@b.example" ? "550 5.1.1 Nobody here" : undefined),
      };
      const mail = lab.secret("eve@stranger.example", "nobody@b.example");
      lab.secrets.splice(lab.secrets.indexOf(mail.word), 1);
      await lab.sendFromOutside("b", "eve@stranger.example", ["nobody@b.example"], mail.octets);
      const [report] = await lab.stranger.arrived(({ reversePath }) => reversePath === "");
      assert.ok(report && !report.octets.includes(mail.word));
      await lab.b.gateway.says(/relay\[\d+\]: \w+: to=<eve@stranger\.example>/);
    },
  );

  story("a redirected mail that the world refuses is reported through Postern too", async (lab) => {
    const mail = letter("eve@stranger.example", "refused@stranger.example");
    lab.stranger.manners = {
      recipient: (address) => (address.startsWith("refused@") ? "550 5.7.1 Not here" : undefined),
    };
    await lab.b.send("eve@stranger.example", ["refused@stranger.example"], mail.octets);
    const [report] = await lab.stranger.arrived(({ octets }) =>
      octets.includes("Reporting-MTA: dns; edge-out.gw.b.example"),
    );
    assert.ok(report && !report.octets.includes(mail.word));
    assert.match(textOf(report), /^Received: from hub-out\.gw\.b\.example/m);
  });

  story(
    "a null sender's mail to a member without a usable certificate waits, and does not leave in clear",
    async (lab) => {
      const mail = lab.secret("alice@a.example", "late@d.example");
      await lab.a.send("", ["late@d.example"], mail.octets);
      await lab.a.gateway.says(/to=<late@d\.example>.*status=deferred \(451 4\.7/);
      await sleep(2500);
      const queue = await lab.a.postfix["hub-out"].queue();
      assert.deepEqual(
        queue.map(({ recipients }) => recipients.map(({ address }) => address)),
        [["late@d.example"]],
      );
      assert.equal(lab.stranger.arrivals.filter(({ octets }) => octets.includes(mail.subject)).length, 0);
      await lab.community.admit("d.example", "ec");
      const [arrival] = await lab.stranger.arrived(({ octets }) => octets.includes(mail.subject));
      assert.ok(arrival?.octets.includes("pkcs7-mime") && arrival.reversePath === "");
    },
  );
});
