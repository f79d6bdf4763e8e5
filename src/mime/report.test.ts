import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutSource, cuts } from "../../test/chunks.ts";
import { type ReportName, reportNames, storedReport } from "../../test/reports.ts";
import { collect, latin1, latin1Text, sourceOf } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { readEntity } from "./entity.ts";
import { fieldNamed, fieldText, formatHeader } from "./header.ts";
import { type DeliveryReport, maxStatusOctets, readReport } from "./report.ts";
import { formatReport, type ReportToWrite } from "./report-writer.ts";

async function read(text: string, places: readonly number[] = []): Promise<DeliveryReport | undefined> {
  const { header, body } = await readEntity(cutSource(latin1(text), places));
  return readReport(header, body);
}

for (const name of reportNames) {
  test(`a report is read: ${name}`, async () => {
    const report = await read(storedReport(name));
    assert.ok(report?.returned !== undefined);
    assert.equal(fieldText(fieldNamed(report.returned, "Message-ID") as never), "<letter@justice.example>");
    for (const { finalRecipient, originalRecipient, action, status } of report.recipients) {
      assert.match(finalRecipient?.address ?? "", /^(?:nobody2?|n\u00fcpe|later)@(?:treasury|b)\.example$/);
      assert.equal(originalRecipient?.address, finalRecipient?.address);
      assert.match(`${action} ${status}`, /^(?:failed 5\.1\.10?|delayed 4\.2\.0)$/);
    }
  });
}

test("what identifies the mail and its recipients is read as it was given", async () => {
  const report = await read(storedReport("postfix-headers"));
  assert.equal(report?.envelopeId, "POSTERN1.T.AAAAAAAAAAAAAAAA.UVEtMTIz");
  assert.deepEqual(report?.recipients, [
    {
      finalRecipient: { type: "rfc822", address: "nobody@treasury.example" },
      originalRecipient: { type: "rfc822", address: "nobody@treasury.example" },
      action: "failed",
      status: "5.1.1",
    },
  ]);
  assert.equal((await read(storedReport("postfix-two")))?.recipients.length, 2);
  assert.equal((await read(storedReport("postfix-xtext")))?.envelopeId, "a+b=c");
  assert.equal((await read(storedReport("exchange")))?.envelopeId, undefined);
});

for (const name of ["qmail", "exchange-tnef", "receipt"] satisfies ReportName[]) {
  test(`${name} does not claim to be a report about delivery`, async () => {
    assert.equal(await read(storedReport(name)), undefined);
  });
}

const report = storedReport("postfix-headers");
const boundary = /boundary="([^"]+)"/.exec(report)?.[1] as string;

test("a report may return nothing", async () => {
  const [before = ""] = report.split("Content-Description: Undelivered Message Headers");
  const without = await read(`${before.slice(0, before.lastIndexOf(`--${boundary}`))}--${boundary}--\r\n`);
  assert.equal(without?.returned, undefined);
  assert.equal(without?.recipients.length, 1);
});

for (const { what, change, code } of [
  {
    what: "without its part about delivery",
    change: [/message\/delivery-status/, "text/plain"],
    code: "MIME_MALFORMED",
  },
  { what: "with two of them", change: [/text\/rfc822-headers/, "message/delivery-status"], code: "MIME_AMBIGUOUS" },
  { what: "about no recipient", change: [/\r\nFinal-Recipient/, "Final-Recipient"], code: "MIME_MALFORMED" },
  { what: "with a line that is no field", change: [/Action: failed/, "It failed"], code: "MIME_MALFORMED" },
  { what: "with two ENVIDs", change: [/(Original-Envelope-Id: .*\r\n)/, "$1$1"], code: "MIME_AMBIGUOUS" },
  { what: "with two statuses", change: [/(Status: .*\r\n)/, "$1$1"], code: "MIME_AMBIGUOUS" },
  { what: "with a NUL in its ENVID", change: [/POSTERN1/, "POST\0RN1"], code: "MIME_AMBIGUOUS" },
  { what: "that is cut off", change: [/--\r\n$/, ""], code: "MIME_AMBIGUOUS" },
  { what: "with two types", change: [/(Content-Type: multipart)/, "Content-Type: text/plain\r\n$1"], code: undefined },
  {
    what: "with an unknown encoding",
    change: [/(message\/delivery-status)/, "$1\r\nContent-Transfer-Encoding: x-y"],
    code: "MIME_AMBIGUOUS",
  },
] as const) {
  test(`a report ${what} is not read`, async () => {
    const changed = report.replace(change[0], change[1]);
    assert.notEqual(changed, report);
    if (code === undefined) assert.equal(await read(changed), undefined);
    else await assert.rejects(read(changed), (thrown) => isSecureMailError(thrown, code));
  });
}

test("a report of more than 1 MiB about its recipients is not read, one that returns more is", async () => {
  const line = `X-Long: ${"x".repeat(900)}\r\n`;
  const long = line.repeat(Math.ceil(maxStatusOctets / line.length));
  await assert.rejects(read(report.replace("Final-Recipient", `${long}Final-Recipient`)), (thrown) =>
    isSecureMailError(thrown, "MIME_LIMIT"),
  );
  const full = storedReport("postfix-full");
  assert.ok((await read(full.replace("Attack at dawn.\r\n", long.repeat(4)))) !== undefined);
});

test("a report in base64 is read like any other", async () => {
  const [, plain = ""] = /delivery-status\r\n\r\n([\s\S]*?)\r\n--/.exec(report) ?? [];
  const encoded = `message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n${latin1(plain).toBase64()}`;
  const changed = report.replace(`message/delivery-status\r\n\r\n${plain}`, encoded);
  assert.notEqual(changed, report);
  assert.deepEqual((await read(changed))?.recipients, (await read(report))?.recipients);
});

test("whatever comes, reading ends in a report, in nothing, or in a failure with a code", async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "\r\n",
      "\r\n\r\n",
      `--${boundary}`,
      `--${boundary}--`,
      "Content-Type: message/delivery-status",
      "Content-Type: message/rfc822",
      "Final-Recipient: rfc822; a@b.example",
      "Final-Recipient: utf-8; \\x{110000}\\x{D800}\\x{FC}@b.example",
      "Original-Envelope-Id: x",
      ";",
      "\0",
      "\r",
      "\n",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 6 }),
  );
  const garbled = fc.array(fc.tuple(fc.nat(), fc.nat(40), piece), { minLength: 1, maxLength: 6 }).map((changes) =>
    changes.reduce((text, [at, length, octets]) => {
      const from = at % text.length;
      return text.slice(0, from) + octets + text.slice(from + length);
    }, report),
  );
  await fc.assert(
    fc.asyncProperty(garbled, cuts, async (text, places) => {
      try {
        await read(text, places);
      } catch (thrown) {
        if (!isSecureMailError(thrown)) throw thrown;
      }
    }),
    { numRuns: 2000 },
  );
});

test("the time to read a report grows no faster than the report", async () => {
  const time = async (of: (size: number) => string, size: number): Promise<number> => {
    const text = of(size);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 3; run += 1) {
      const started = performance.now();
      await read(text).catch(() => undefined);
      best = Math.min(best, performance.now() - started);
    }
    return best;
  };
  const inStatus = (content: string) => report.replace("Final-Recipient", () => `${content}Final-Recipient`);
  for (const of of [
    (size: number) => inStatus("A: b\r\n\r\n".repeat(size / 8)),
    (size: number) => inStatus("\r\n".repeat(size / 2)),
    (size: number) => inStatus(`Final-Recipient: utf-8; ${"\\x{41}".repeat(size / 6)}\r\n\r\n`),
    (size: number) => inStatus(`Original-Recipient: ${"\r\n x".repeat(size / 4)}\r\n\r\n`),
    (size: number) => report.replace("Postern-Verdict", () => `${"A: b\r\n".repeat(size / 6)}Postern-Verdict`),
  ]) {
    const [small, large] = [await time(of, 40_000), await time(of, 640_000)];
    assert.ok(large < 16 * 4 * Math.max(small, 0.5), `${small} ms, ${large} ms`);
  }
});

const written: ReportToWrite = {
  from: "MAILER-DAEMON@treasury.example",
  to: "alice@justice.example",
  subject: "Undelivered mail",
  at: new Date("2026-11-23T09:08:07Z"),
  messageId: "r@gw.treasury.example",
  boundary: "=_b",
  text: ["Hello \u00fc\r\n--=_b--", "."],
  reportingMta: "gw.treasury.example",
  envelopeId: "QQ-123",
  arrived: new Date("2026-11-23T09:00:00Z"),
  recipients: [
    {
      finalRecipient: { type: "rfc822", address: "n\u00fcpe@treasury.example" },
      action: "failed",
      status: "5.1.1",
      diagnostic: "550 5.1.1 no\r\nFinal-Recipient: such \u00fcser",
    },
  ],
  returned: [latin1("Message-ID: <letter@justice.example>\r\n")],
};

async function whole(report: ReportToWrite): Promise<string> {
  const { fields, body } = formatReport(report);
  return latin1Text(await collect(sourceOf(...fields, latin1("\r\n"), body)));
}

test("a report that is written is read again", async () => {
  const text = await whole(written);
  assert.doesNotMatch(text, /[^\x20-\x7e\r\n]|\r(?!\n)|(?<!\r)\n/);
  const again = await read(text);
  assert.equal(again?.envelopeId, "QQ-123");
  assert.deepEqual(again?.recipients, [
    {
      finalRecipient: { type: "utf-8", address: "n\u00fcpe@treasury.example" },
      action: "failed",
      status: "5.1.1",
    },
  ]);
  assert.equal(latin1Text(formatHeader(again?.returned as never)), "Message-ID: <letter@justice.example>\r\n");
  assert.match(text, /^Hello \?\?\?--=_b--\r$/m);
});

test("A31: nothing that a report is made of makes a field or a part of its own", async () => {
  const odd = fc.string({ unit: "binary", maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(odd, odd, odd, odd, async (diagnostic, line, local, to) => {
      const [recipient] = written.recipients;
      const finalRecipient = { type: "rfc822", address: `${local}@treasury.example` };
      try {
        const text = await whole({
          ...written,
          to,
          text: [line],
          recipients: [{ ...recipient, finalRecipient, diagnostic }],
        });
        const { header } = await readEntity(sourceOf(latin1(text)));
        assert.equal(header.fields.length, 8);
        const again = await read(text);
        assert.equal(again?.recipients.length, 1);
        assert.equal(again?.envelopeId, "QQ-123");
      } catch (thrown) {
        if (!isSecureMailError(thrown, "MIME_FIELD", "MIME_LIMIT")) throw thrown;
      }
    }),
  );
});
