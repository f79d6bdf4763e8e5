// What reports tell the world about mail that was opened (security A46, A48, 4.5; T-N1): every row of the table of status
// messages, for every state in which mail can have come.

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, latin1Text, sourceOf } from "../../src/bytes.ts";
import { type BounceJudgement, judgeBounce } from "../../src/gateway/bounce.ts";
import { makeEnvid } from "../../src/gateway/envid.ts";
import { formatEntity } from "../../src/mime.ts";
import { type Mailbox, parseMailbox } from "../../src/smtp.ts";
import { canaries, readMessage, reportNames, storedReport, withEnvid, withVerdict } from "../reports.ts";

const ledgerKey = new Uint8Array(32).fill(7);
const domains = new Map([["treasury.example", {}]]);
const alice = "alice@justice.example";
const eve = "eve@evil.example";

async function judged(report: string, to: readonly string[]): Promise<BounceJudgement> {
  const forwardPaths = to.map((address) => parseMailbox(address) as Mailbox);
  const leaving = { reversePath: undefined, forwardPaths, ...(await readMessage(report)) };
  return judgeBounce(leaving, { hostname: "gw.treasury.example", ledgerKey, domains });
}

/** What the world gets to read; undefined: nothing. */
async function seenOutside(report: string, to: string): Promise<string | undefined> {
  const judgement = await judged(report, [to]);
  if (judgement.kind === "hold") return undefined;
  if (judgement.kind === "plain") return report;
  const { header, body } = judgement;
  const message = await readMessage(report);
  const octets = await collect(formatEntity({ header, body: body === undefined ? message.body() : sourceOf(body) }));
  return latin1Text(octets);
}

/** How mail came, and what may be told of it to whom. */
const states = [
  { code: "OK", opened: true, tellable: true },
  { code: "SIGNED_ONLY", opened: true },
  { code: "STALE", opened: true },
  { code: "REPLAY", opened: true },
  { code: "ENCRYPTED_ONLY", opened: true },
  { code: "BAD_SIGNATURE", opened: true },
  { code: "WEAK", opened: true },
  { code: "UNSUPPORTED", opened: true },
  { code: "UNTRUSTED", opened: true },
  { code: "SIGNER_MISMATCH", opened: true },
  { code: "EXPIRED", opened: true },
  { code: "SOMETHING_LATER", opened: true },
  { code: "UNPROTECTED", opened: false },
  { code: "NO_KEY", opened: false },
  { code: "CERTS_ONLY", opened: false },
] as const;

for (const { code, opened, ...state } of states) {
  const tellable = "tellable" in state;

  for (const name of reportNames) {
    const report = withVerdict(withEnvid(storedReport(name), undefined), `${code}; domain=justice.example; queue=1`);

    test(`T-N1: refused or delayed inside, ${code}, ${name}: ${tellable ? "status to its signer" : opened ? "nothing" : "as made"}`, async () => {
      const toSender = await seenOutside(report, alice);
      const toOther = await seenOutside(report, eve);
      if (!opened) assert.deepEqual([toSender, toOther], [report, report]);
      else {
        assert.equal(toOther, undefined);
        assert.equal(toSender !== undefined, tellable);
        assert.doesNotMatch(toSender ?? "", canaries);
      }
    });

    if (opened) {
      test(`T-N1: the same with our ENVID and no verdict, ${code}, ${name}`, async () => {
        const envid = makeEnvid(ledgerKey, { tellable, envid: "QQ" }, alice);
        const marked = withVerdict(withEnvid(report, envid), undefined);
        const toSender = await seenOutside(marked, alice);
        assert.equal(await seenOutside(marked, eve), undefined);
        assert.equal(toSender !== undefined, tellable);
        assert.doesNotMatch(toSender ?? "", canaries);
      });
    }
  }

  for (const name of ["qmail", "exchange-tnef"] as const) {
    test(`T-N1: refused inside by a server with bounces of its own form, ${code}, ${name}`, async () => {
      const report = withVerdict(storedReport(name), `${code}; domain=justice.example; queue=1`);
      assert.equal(await seenOutside(report, alice), opened ? undefined : report);
    });
  }

  test(`T-N1: a receipt about mail that is ${code} goes ${tellable || !opened ? "as made" : "nowhere"}`, async () => {
    const report = withVerdict(storedReport("receipt"), `${code}; domain=justice.example; queue=1`);
    assert.equal(await seenOutside(report, alice), tellable || !opened ? report : undefined);
    assert.equal(await seenOutside(report, eve), opened ? undefined : report);
  });
}

test("T-N1: a report to our own user is not ours to judge", async () => {
  assert.deepEqual(await judged(storedReport("postfix-full"), []), { kind: "plain" });
});

test("T-N1: a report about mail that never was opened returns what its sender sent", async () => {
  const report = withVerdict(withEnvid(storedReport("postfix-full"), "QQ1"), undefined);
  assert.equal(await seenOutside(report, alice), report);
});

test("A46: no change to a report about opened mail makes it plain", async () => {
  const report = withEnvid(storedReport("postfix-full"), makeEnvid(ledgerKey, { tellable: false }, alice));
  const boundary = /boundary="([^"]+)"/.exec(report)?.[1] as string;
  for (const [what, changed] of [
    ["type in capitals", report.replace("multipart/report", "MULTIPART/REPORT")],
    ["another type", report.replace("multipart/report", "multipart/mixed")],
    ["no report-type", report.replace(" report-type=delivery-status;", "")],
    ["another report-type", report.replace("report-type=delivery-status", "report-type=disposition-notification")],
    ["status as text", report.replace("message/delivery-status", "text/plain")],
    ["ENVID folded", report.replace("Original-Envelope-Id: ", "Original-Envelope-Id:\r\n ")],
    [
      "ENVID in small letters",
      report.replace(/(Original-Envelope-Id: )(.*)/, (_, name, id) => name + id.toLowerCase()),
    ],
    ["ENVID with blanks", report.replace(/(Original-Envelope-Id: .*)\r\n/, "$1 \r\n")],
    ["ENVID with a comment", report.replace(/(Original-Envelope-Id: .*)\r\n/, "$1 (x)\r\n")],
    ["boundary not quoted", report.replace(`"${boundary}"`, boundary)],
    ["no MIME-Version", report.replace("MIME-Version: 1.0\r\n", "")],
    ["a report in a letter", `Content-Type: message/rfc822\r\n\r\n${report}`],
    ["lines ended by LF", report.replaceAll("\r\n", "\n")],
  ] as const) {
    assert.notEqual(changed, report, what);
    assert.equal((await judged(changed, [alice])).kind, "hold", what);
  }
});
