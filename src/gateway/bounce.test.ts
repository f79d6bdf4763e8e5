import assert from "node:assert/strict";
import { test } from "node:test";
import { readMessage, storedReport, withEnvid, withVerdict } from "../../test/reports.ts";
import { collect, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { formatEntity, formatHeader, type HeaderBlock, readEntity, readReport } from "../mime.ts";
import { type Mailbox, parseMailbox } from "../smtp.ts";
import { type BounceJudgement, type BounceServices, formatOwnReport, judgeBounce } from "./bounce.ts";
import { makeEnvid } from "./envid.ts";

const ledgerKey = new Uint8Array(32).fill(1);
const services: BounceServices = {
  hostname: "gw.treasury.example",
  ledgerKey,
  domains: new Map([
    ["treasury.example", {}],
    ["b.example", {}],
  ]),
};
const alice = "alice@justice.example";

async function judged(text: string, to: readonly string[] = [alice], from?: Mailbox): Promise<BounceJudgement> {
  const forwardPaths = to.map((address) => parseMailbox(address) as Mailbox);
  return judgeBounce({ reversePath: from, forwardPaths, ...(await readMessage(text)) }, services);
}

async function leaving(judgement: BounceJudgement): Promise<string> {
  assert.ok(judgement.kind === "rewritten" && judgement.body !== undefined, JSON.stringify(judgement));
  return latin1Text(await collect(formatEntity({ header: judgement.header, body: sourceOf(judgement.body) })));
}

const refused = storedReport("postfix-headers");
const envidFor = (claim: { tellable: boolean; envid?: string }) => makeEnvid(ledgerKey, claim, alice);

test("a report about opened mail is written anew for its sender: which mail, which recipient, which status", async () => {
  const text = await leaving(await judged(withEnvid(refused, envidFor({ tellable: true, envid: "QQ+1" }))));
  const { header, body } = await readEntity(sourceOf(latin1(text)));
  const again = await readReport(header, body);
  assert.equal(again?.envelopeId, "QQ+1");
  assert.deepEqual(again?.recipients, [
    {
      finalRecipient: { type: "rfc822", address: "nobody@treasury.example" },
      originalRecipient: { type: "rfc822", address: "nobody@treasury.example" },
      action: "failed",
      status: "5.1.1",
    },
  ]);
  assert.equal(
    latin1Text(formatHeader(again?.returned as HeaderBlock)),
    "Message-ID: <letter@justice.example>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\n",
  );
  assert.doesNotMatch(text, /secret|dawn|Diagnostic|User unknown|Postern-|POSTERN1/);
  assert.match(text, /^From: Mail Delivery System <MAILER-DAEMON@treasury\.example>\r$/m);
});

test("a report written anew keeps its trace and date, and is the same when it is made again", async () => {
  const report = withEnvid(refused, envidFor({ tellable: true }));
  const text = await leaving(await judged(report));
  assert.match(text, /^Received: by edge\.treasury\.example/);
  assert.match(text, /^Date: Mon, 23 Nov 2026 23:35:46 \+0000 \(UTC\)\r$/m);
  assert.doesNotMatch(text, /Original-Envelope-Id/);
  assert.equal(await leaving(await judged(report)), text);
});

test("a report written anew says nothing of opened mail when it comes by again", async () => {
  const text = await leaving(await judged(withEnvid(refused, envidFor({ tellable: true }))));
  assert.deepEqual(await judged(text), { kind: "plain" });
});

for (const { what, report, to } of [
  { what: "whose sender is not to hear of it", report: withEnvid(refused, envidFor({ tellable: false })) },
  {
    what: "with an ENVID of ours for another",
    report: withEnvid(refused, envidFor({ tellable: true })),
    to: ["e@evil.example"],
  },
  { what: "with a forged ENVID", report: withEnvid(refused, "POSTERN1.T.AAAAAAAAAAAAAAAA") },
  {
    what: "to two, one of them its sender",
    report: withEnvid(refused, envidFor({ tellable: true })),
    to: [alice, "e@evil.example"],
  },
  {
    what: "with the verdict for another domain",
    report: withVerdict(withEnvid(refused, undefined), "OK; domain=evil.example; queue=1"),
  },
  {
    what: "with two verdicts",
    report: withVerdict(
      withEnvid(refused, undefined),
      "OK; domain=justice.example\r\nPostern-Verdict: OK; domain=justice.example",
    ),
  },
  {
    what: "with a verdict nobody knows",
    report: withVerdict(withEnvid(refused, undefined), "FINE; domain=justice.example"),
  },
  {
    what: "whose own recipient is none of ours",
    report: withEnvid(refused, envidFor({ tellable: true }))
      .replaceAll("rfc822; nobody@treasury.example", "rfc822; x@c.example")
      .replaceAll("rfc822;nobody@treasury.example", "rfc822;x@c.example"),
  },
]) {
  test(`a report about opened mail is held: ${what}`, async () => {
    const judgement = await judged(report, to);
    assert.equal(judgement.kind === "hold" && judgement.code, "BOUNCE_OPENED");
  });
}

test("a reverse path does not make a report another message", async () => {
  const report = withEnvid(refused, envidFor({ tellable: false }));
  const judgement = await judged(report, [alice], { localPart: "postmaster", domain: "treasury.example" });
  assert.equal(judgement.kind, "hold");
});

test("without our ENVID the verdict on the returned header decides", async () => {
  const report = withEnvid(storedReport("exchange"), undefined);
  assert.doesNotMatch(await leaving(await judged(report)), /secret|dawn|Outlook|RESOLVER/i);
  for (const code of ["UNPROTECTED", "CERTS_ONLY", "NO_KEY", "MALFORMED", "LIMIT"]) {
    assert.deepEqual(await judged(withVerdict(report, `${code}; queue=4TxY`)), { kind: "plain" });
  }
  assert.deepEqual(await judged(withVerdict(report, undefined)), { kind: "plain" });
});

test("a report that shows neither ENVID nor header is held", async () => {
  const text = withEnvid(refused, undefined).replace("text/rfc822-headers", "application/octet-stream");
  const judgement = await judged(text);
  assert.equal(judgement.kind === "hold" && judgement.code, "BOUNCE_UNREADABLE");
});

for (const { what, report } of [
  { what: "is cut off", report: refused.slice(0, -20) },
  {
    what: "is ambiguous",
    report: refused
      .replace("MIME-Version: 1.0", "Content-Type: text/plain\r\nContent-Type: multipart/report; boundary=x")
      .replace(/^/, "Content-Type: multipart/report; boundary=y\r\n"),
  },
  {
    what: "is too large",
    report: refused.replace("Final-Recipient", `${`X: ${"x".repeat(990)}\r\n`.repeat(1100)}Final-Recipient`),
  },
]) {
  test(`a report that ${what} is held`, async () => {
    const judgement = await judged(report);
    assert.equal(judgement.kind === "hold" && judgement.code, "BOUNCE_UNREADABLE");
  });
}

for (const name of ["qmail", "exchange-tnef"] as const) {
  test(`a bounce in no standard form is held when it shows opened mail: ${name}`, async () => {
    const judgement = await judged(storedReport(name));
    assert.equal(judgement.kind === "hold" && judgement.code, "BOUNCE_OPENED");
  });
}

test("a bounce in no standard form goes on when it shows mail that came in the open", async () => {
  assert.deepEqual(await judged(withVerdict(storedReport("qmail"), "UNPROTECTED; queue=4TxY")), { kind: "plain" });
  assert.deepEqual(await judged(withVerdict(storedReport("qmail"), undefined)), { kind: "plain" });
});

test("a bounce in no standard form is read wherever the stream was cut", async () => {
  const message = await readMessage(storedReport("qmail"));
  const body = await collect(message.body());
  for (const size of [1, 7, 100]) {
    async function* pieces() {
      for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
    }
    const forwardPaths = [parseMailbox(alice) as Mailbox];
    const judgement = await judgeBounce(
      { reversePath: undefined, forwardPaths, header: message.header, body: pieces },
      services,
    );
    assert.equal(judgement.kind, "hold");
  }
});

test("a user's receipt goes to the sender who signed, and to nobody else", async () => {
  const receipt = storedReport("receipt");
  assert.deepEqual(await judged(receipt), { kind: "plain" });
  assert.equal((await judged(receipt, ["eve@evil.example"])).kind, "hold");
  assert.equal((await judged(withVerdict(receipt, "UNTRUSTED; queue=4TxY"))).kind, "hold");
});

test("a user's letter may have any header of opened mail in it", async () => {
  const bob = { localPart: "bob", domain: "treasury.example" };
  assert.deepEqual(await judged(storedReport("qmail"), [alice], bob), { kind: "plain" });
  assert.deepEqual(await judged("Subject: x\r\n\r\nPostern-Verdict: REVOKED\r\n", [alice], bob), { kind: "plain" });
});

test("a report of our mail server speaks in the name of the recipient's domain", async () => {
  const unopened = withVerdict(withEnvid(storedReport("postfix-headers"), undefined), undefined);
  assert.deepEqual(await judged(unopened), { kind: "plain" });
  const judgement = await judged(unopened.replaceAll("nobody@treasury.example", "nobody@b.example"));
  assert.ok(judgement.kind === "rewritten");
  assert.equal(judgement.body, undefined);
  const header = latin1Text(formatHeader(judgement.header));
  assert.match(header, /^From: Mail Delivery System <MAILER-DAEMON@b\.example>\r$/m);
  assert.equal(header.match(/^From:/gm)?.length, 1);
  assert.equal(header.replace("@b.example", "@treasury.example"), unopened.slice(0, header.length - 9 + 16));
});

test("a report in the name of one of its recipients' domains stays as it is", async () => {
  const two = withVerdict(withEnvid(storedReport("postfix-two"), undefined), undefined);
  assert.deepEqual(await judged(two), { kind: "plain" });
});

test("a notice of our own says which recipient failed and why, and returns no content", async () => {
  const { header } = await readMessage(storedReport("qmail"));
  const text = latin1Text(
    formatOwnReport(
      {
        id: "4TxZ",
        at: new Date("2026-11-23T09:08:07Z"),
        to: parseMailbox(alice) as Mailbox,
        domain: "treasury.example",
        envid: "QQ-1",
        arrived: new Date("2026-11-23T09:00:00Z"),
        failures: [
          {
            recipient: { localPart: "nobody", domain: "treasury.example" },
            status: "5.1.1",
            diagnostic: "550 5.1.1 No such user",
          },
        ],
        about: {
          ...header,
          fields: [...header.fields, { name: "Message-ID", octets: latin1("Message-ID:\r\n <x@y>\r\n") }],
        },
      },
      "gw.treasury.example",
    ),
  );
  const entity = await readEntity(sourceOf(latin1(text)));
  const report = await readReport(entity.header, entity.body);
  assert.equal(report?.envelopeId, "QQ-1");
  assert.equal(report?.recipients[0]?.finalRecipient?.address, "nobody@treasury.example");
  assert.match(latin1Text(formatHeader(report?.returned as HeaderBlock)), /^Message-ID: <x@y>\r\nDate: /);
  assert.match(text, /^Diagnostic-Code: smtp; 550 5\.1\.1 No such user\r$/m);
  assert.deepEqual(await judged(text), { kind: "plain" });
});
