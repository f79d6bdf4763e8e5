// Byte for byte: what was protected comes out again as it was, every octet of it, whatever it looks like.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, latin1, latin1Text } from "../../../src/bytes.ts";
import { isSecureMailError } from "../../../src/errors.ts";
import { cutSource, cuts } from "../../chunks.ts";
import { type Protection, protectMessage } from "../../codec.ts";
import { now, openedMail, recipient, signer } from "../../correspondents.ts";
import { messageSuites, storedMessages } from "../../messages.ts";
import { withVectors } from "../../vectors.ts";
import { octetsOf, oddMessage, oddMessageUnderway } from "./odd-messages.ts";

const ours = await recipient("p256");
const signing: Protection = { signers: [await signer("p256")], signingTime: now };
const sealing: Protection = { recipients: [ours.certificate] };

/** Every form there is, and the code that its message has to come out with. */
const forms: readonly { readonly name: string; readonly code: string; readonly protection: Protection }[] = [
  ...(["base64", "binary"] as const).flatMap((innerEncoding) =>
    (["opaque", "detached"] as const).map((form) => {
      const protection: Protection = { ...signing, ...sealing, form, innerEncoding };
      return { name: `signed ${form}, encrypted, ${innerEncoding} inside`, code: "OK", protection };
    }),
  ),
  { name: "authenticated", code: "OK", protection: { ...signing, ...sealing, profile: "M" } },
  { name: "signed opaque", code: "SIGNED_ONLY", protection: signing },
  { name: "signed detached", code: "SIGNED_ONLY", protection: { ...signing, form: "detached" } },
  { name: "encrypted only", code: "ENCRYPTED_ONLY", protection: sealing },
];

for (const { name, code, protection } of forms) {
  for (const ber of [false, true]) {
    const how = { ...protection, ber };

    test(`an odd message comes back byte for byte, ${name}, ${ber ? "BER" : "DER"}`, async () => {
      await fc.assert(
        fc.asyncProperty(oddMessage, cuts, cuts, async (odd, cutsBefore, cutsUnderway) => {
          const message = octetsOf(odd);
          const underway = await protectMessage(cutSource(message, cutsBefore), how);
          const { report, octets } = await openedMail(cutSource(underway, cutsUnderway), { keys: [ours] });
          assert.deepEqual([report.code, report.reason], [code, undefined]);
          assertSame(octets, message);
        }),
        { numRuns: 150 },
      );
    });
  }
}

// Chunks are of 64 KiB, and up to 1 MiB of body is signed in memory: beyond, and beside, everything streams.
const sizes = [64 * 1024 - 1, 64 * 1024, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000];

for (const { name, code, protection } of forms) {
  test(`sizes about which the way through the house changes come back byte for byte, ${name}`, async () => {
    for (const size of sizes) {
      const body = Buffer.alloc(size, "\x00\xff8-bit \r\n \r text of 23\r\n", "latin1");
      const message = concat([latin1("From: ann@a.example\r\nContent-Type: text/plain\r\n\r\n"), body]);
      const { report, octets } = await openedMail(await protectMessage(message, protection), { keys: [ours] });
      assert.deepEqual([size, report.code], [size, code]);
      assertSame(octets, message);
    }
  });
}

const trace =
  "Return-Path: <ann@a.example>\r\nReceived: from gw.a.example by mx.b.example with ESMTPS id 1;\r\n" +
  "\tMon, 23 Nov 2026 09:00:00 +0000\r\nAuthentication-Results: mx.b.example; spf=pass\r\n";
const below = "X-Spam-Status: No\r\nList-Archive: <https://b.example/>\r\n";

test("fields that servers add on top and at the end do not disturb the others", async () => {
  await fc.assert(
    fc.asyncProperty(oddMessageUnderway, fc.constantFrom(...forms), async ({ fields, rest }, { protection }) => {
      const underway = latin1Text(await protectMessage(octetsOf({ fields, rest }), protection));
      const arrived = latin1(trace + underway.replace("\r\n\r\n", `\r\n${below}\r\n`));
      const { octets } = await openedMail(arrived, { keys: [ours] });
      assertSame(octets, octetsOf({ fields: [trace, ...fields, below], rest }));
    }),
    { numRuns: 300 },
  );
});

const personal = "From: ann@a.example\r\nTo: bob@b.example\r\nMIME-Version: 1.0\r\nSubject: between us\r\n";
const text = "Content-Type: text/plain\r\n\r\nDear Bob\r\n";

for (const { what, inner } of [
  { what: "signed opaque", inner: signing },
  { what: "signed detached", inner: { ...signing, form: "detached" } as const },
  { what: "encrypted to the same key", inner: sealing },
  { what: "signed and encrypted to the same key", inner: { ...signing, ...sealing } },
]) {
  for (const { name, code, protection } of forms) {
    test(`a message that is itself ${what} travels intact inside: ${name}`, async () => {
      const message = await protectMessage(latin1(`${personal}${text}`), inner);
      const { report, octets } = await openedMail(await protectMessage(message, protection), { keys: [ours] });
      assert.equal(report.code, code);
      assertSame(octets, message);
      assertSame((await openedMail(message, { keys: [ours] })).octets, latin1(`${personal}${text}`));
    });
  }
}

// Without our record the payload's content fields stand where those of the S/MIME layer stood.
test("a payload without a record takes the place of the outer content fields", async () => {
  const inside = latin1("Content-Type: text/plain\r\nX-Not-Content: dropped\r\n\r\nDear Bob");
  const layer = await protectMessage(inside, { ...signing, form: "detached" });
  const withoutRecord = latin1Text(layer).replace(/Postern-Layout: .*\r\n/, "");
  const { report, octets } = await openedMail(latin1(`From: ann@a.example\r\n${withoutRecord}`), {});
  assert.equal(report.code, "BAD_SIGNATURE"); // for the record was signed
  assert.equal(octets === undefined, false);
  assert.match(
    latin1Text(octets as Uint8Array),
    /^From: ann@a\.example\r\n(?:X-Not-Content: dropped\r\n)?MIME-Version/,
  );
});

for (const { what, field } of [
  { what: "a bare CR", field: "Subject: one\rtwo\r\n" },
  { what: "a bare LF", field: "Subject: one\ntwo\r\n" },
  { what: "a NUL", field: "Subject: one\0two\r\n" },
  { what: "more octets than may travel", field: `X-Long: ${"v".repeat(255 * 1024)}\r\n` },
  { what: "more octets of content fields than may travel", field: `Content-Long: ${"v".repeat(256 * 1024 - 20)}\r\n` },
]) {
  // What `open` would have to refuse must not leave: the sender can still mend it.
  test(`a header with ${what} is not protected`, async () => {
    const message = latin1(`From: ann@a.example\r\n${field}\r\nDear Bob\r\n`);
    await assert.rejects(protectMessage(message, { ...signing, ...sealing }), (thrown) => isSecureMailError(thrown));
  });
}

for (const suite of messageSuites) {
  withVectors(suite, 16, (folder) => {
    for (const { name, code, protection } of forms) {
      for (const ber of [false, true]) {
        test(`messages of ${suite} come back byte for byte, ${name}, ${ber ? "BER" : "DER"}`, async () => {
          for (const { name: file, withCrlf: message } of storedMessages(folder)) {
            const { report, octets } = await openedMail(await protectMessage(message, { ...protection, ber }), {
              keys: [ours],
            });
            assert.deepEqual([file, report.code, report.reason], [file, code, undefined]);
            assertSame(octets, message, file);
          }
        });
      }
    }
  });
}

function assertSame(octets: Uint8Array | undefined, expected: Uint8Array, what: string = ""): void {
  assert.ok(octets !== undefined, "nothing came out");
  if (Buffer.compare(octets, expected) === 0) return;
  // Quoted, so that blanks and line ends can be seen; a whole one would be too long.
  const at = concat([octets]).findIndex((octet, index) => octet !== expected[index]);
  const around = (all: Uint8Array): string => JSON.stringify(latin1Text(all.subarray(Math.max(0, at - 40), at + 40)));
  assert.fail(`${what} differs at ${at} of ${expected.length}: ${around(octets)} instead of ${around(expected)}`);
}
