// Mail that passes: from user to user through two gateways and eight Postfix instances.

import assert from "node:assert/strict";
import { type Arrival, letter, stories } from "../../postfix.ts";

function holding(word: string): (arrival: Arrival) => boolean {
  return ({ octets }) => octets.includes(word);
}

/** What was sent stands behind the trace fields, octet for octet. */
function assertAsSent({ octets }: Arrival, sent: Uint8Array): void {
  const at = octets.length - sent.length;
  assert.equal(octets.subarray(Math.max(at, 0)).toString("latin1"), Buffer.from(sent).toString("latin1"));
}

stories(10, {}, (story) => {
  for (const [from, to] of [
    ["a", "b"],
    ["b", "a"],
  ] as const) {
    story(
      `a mail from ${from}.example to ${to}.example is protected outside and arrives as it was sent`,
      async (lab) => {
        const mail = lab.secret(`user@${from}.example`, `other@${to}.example`);
        await lab[from].send(`user@${from}.example`, [`other@${to}.example`], mail.octets);
        const [arrival] = await lab[to].users.arrived(holding(mail.word));
        assert.ok(arrival);
        assertAsSent(arrival, mail.octets);
        assert.match(
          arrival.octets.toString("latin1"),
          new RegExp(`^Postern-Verdict: OK; domain=${from}\\.example`, "m"),
        );
        assert.match(lab.observers[to].heard().toString("latin1"), /smime-type=authEnveloped-data/);
      },
    );
  }

  story("one mail reaches two member domains, one of our own and a stranger, each in its own way", async (lab) => {
    const mail = letter("user@a.example", "all");
    const to = ["bob@b.example", "carol@c.example", "dave@a.example", "eve@stranger.example"];
    await lab.a.send("user@a.example", to, mail.octets);
    const members = await lab.b.users.arrived(holding(mail.word), 2);
    assert.deepEqual(members.map(({ forwardPaths }) => forwardPaths.join()).sort(), [
      "bob@b.example",
      "carol@c.example",
    ]);
    for (const arrival of members) {
      assertAsSent(arrival, mail.octets);
      assert.match(arrival.octets.toString("latin1"), /^Postern-Verdict: OK; domain=a\.example/m);
    }
    const [own] = await lab.a.users.arrived(holding(mail.word));
    assert.ok(own);
    assertAsSent(own, mail.octets);
    assert.doesNotMatch(own.octets.toString("latin1"), /^Postern-/m);
    const [stranger] = await lab.stranger.arrived(holding(mail.word));
    assert.ok(stranger);
    assertAsSent(stranger, mail.octets);
    const onLine = lab.observers.b.heard().toString("latin1");
    assert.ok(!onLine.includes(mail.word) && onLine.includes(mail.subject));
  });

  story("mail between two domains of one gateway arrives, and never was outside", async (lab) => {
    const mail = lab.secret("bob@b.example", "carol@c.example");
    await lab.b.send("bob@b.example", ["carol@c.example"], mail.octets);
    const [arrival] = await lab.b.users.arrived(holding(mail.word));
    assert.ok(arrival);
    assertAsSent(arrival, mail.octets);
    assert.ok(!lab.outside().includes(mail.subject));
  });

  story("a domain of ours is no word about those below it: the world cannot send to them through us", async (lab) => {
    const { octets } = letter("user@stranger.example", "x@below.a.example");
    const sent = lab.sendFromOutside("a", "user@stranger.example", ["x@below.a.example"], octets);
    await assert.rejects(sent, /554.*Relay access denied/);
  });

  story("who got a blind copy is told to nobody", async (lab) => {
    const mail = lab.secret("user@a.example", "bob@b.example");
    const withField = Buffer.concat([Buffer.from("Bcc: hidden@b.example\r\n"), mail.octets]);
    await lab.a.send("user@a.example", ["bob@b.example", "hidden@b.example", "veiled@c.example"], withField);
    const copies = await lab.b.users.arrived(holding(mail.word), 2);
    const forBob = copies.find(({ forwardPaths }) => forwardPaths.includes("bob@b.example"));
    const forVeiled = copies.find(({ forwardPaths }) => forwardPaths.includes("veiled@c.example"));
    assert.ok(forBob && forVeiled);
    assertAsSent(forBob, mail.octets);
    assert.ok(!forBob.octets.includes("hidden") && !forBob.octets.includes("veiled"));
    assert.ok(!forVeiled.octets.includes("hidden"));
  });

  story("each of 120 recipients gets the mail, and gets it once", async (lab) => {
    const mail = lab.secret("user@a.example", "many");
    const to = Array.from({ length: 120 }, (_, index) => `reader${index}@b.example`);
    await lab.a.send("user@a.example", to, mail.octets);
    const served = async () =>
      (await lab.b.users.arrived(holding(mail.word))).flatMap(({ forwardPaths }) => forwardPaths);
    for (let tries = 0; (await served()).length < 120 && tries < 200; tries += 1)
      await new Promise((r) => setTimeout(r, 50));
    assert.deepEqual((await served()).sort(), to.toSorted());
  });

  for (const [what, octets] of Object.entries(oddOctets())) {
    story(`octets stay as they are: ${what}`, async (lab) => {
      const { word, octets: message } = octets;
      lab.secrets.push(word);
      await lab.a.send("user@a.example", ["bob@b.example"], message);
      const [arrival] = await lab.b.users.arrived(holding(word));
      assert.ok(arrival);
      assertAsSent(arrival, message);
    });
  }

  story(
    "where one of three recipients cannot be served yet, the others have it now, and it follows, each once",
    async (lab) => {
      const mail = letter("user@a.example", "three");
      await lab.a.send("user@a.example", ["bob@b.example", "late@d.example", "eve@stranger.example"], mail.octets);
      await lab.b.users.arrived(holding(mail.word));
      await lab.stranger.arrived(holding(mail.word));
      await lab.a.gateway.says(/to=<late@d\.example>.*status=deferred \(451 4\.7\.5/);
      await lab.community.admit("d.example", "ec");
      await lab.a.gateway.says(/directory: snapshot [2-9]/);
      await lab.idle();
      const [late] = await lab.stranger.arrived(
        ({ octets }) => octets.includes(mail.subject) && octets.includes("pkcs7-mime"),
      );
      assert.deepEqual(late?.forwardPaths, ["late@d.example"]);
      assert.ok(!late?.octets.includes(mail.word));
      assert.equal(lab.b.users.arrivals.filter(holding(mail.word)).length, 1);
      assert.equal(lab.stranger.arrivals.filter(holding(mail.word)).length, 1);
    },
  );
});

function oddOctets(): Record<string, { readonly word: string; readonly octets: Buffer }> {
  const header = "From: user@a.example\r\nTo: bob@b.example\r\nSubject: odd\r\n";
  const make = (change: (word: string) => string) => {
    const { word } = letter("user@a.example", "bob@b.example");
    return { word, octets: Buffer.from(change(word), "latin1") };
  };
  return {
    "lines of 5,000 octets": make((word) => `${header}\r\n${`${word} ${"x".repeat(4965)}\r\n`.repeat(3)}`),
    "8-bit, in header and text": make(
      (word) => `${header}X-Name: M\xfcller \xc3\xa4\r\n\r\n${word} \xe4\xf6\xfc \x80\xff\xfe\r\n`,
    ),
    NUL: make((word) => `${header}\r\n${word} \0 and \0\0\r\n`),
    "a header field of 1,500 octets": make((word) => `${header}X-Long: ${"y".repeat(1492)}\r\n\r\n${word}\r\n`),
  };
}
