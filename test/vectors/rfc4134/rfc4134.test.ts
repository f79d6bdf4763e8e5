// The examples of RFC 4134: SHA-1, DSA, RSA of 1024 bits, Triple-DES, BER. Each is right and old, so it opens under
// legacy and is refused without it for what is old about it and for nothing else; and each changed in any of the named
// ways is never right.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { concat, latin1, latin1Text, sourceOf } from "../../../src/bytes.ts";
import type { DecryptionKey } from "../../../src/cms.ts";
import { privateKeyOf } from "../../../src/crypto.ts";
import { loadKey } from "../../../src/keystore.ts";
import type { SignerReport } from "../../../src/smime.ts";
import { type Certificate, certificatesInFile } from "../../../src/x509.ts";
import { found, type Judging, type Opened, openedMail, openedObject } from "../../correspondents.ts";
import { envelopedMutations, type Signed, signedMutations } from "../../mutations.ts";
import { base64Lines } from "../../objects.ts";
import { vectorsFolder, withVectors } from "../../vectors.ts";

type Case = {
  readonly id: string;
  readonly kind: "verify" | "decrypt";
  readonly file: string;
  readonly format: "der" | "eml";
  readonly content?: string;
  readonly recipient?: { readonly cert: string; readonly key: string };
  readonly expected: {
    readonly verdict: "accept-legacy" | "controlled";
    readonly contains?: string;
    readonly weak?: readonly string[];
  };
};

const sample = "This is some sample content.";

withVectors("rfc4134", 14, (own) => {
  const folder = path.dirname(own);
  const listed: Case[] = JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8"));
  const cases = listed.filter(({ id }) => id.startsWith("rfc4134-"));
  const pool = certificatesInFile(readFileSync(path.join(own, "pool.pem")), "pool.pem");

  test("cases.json names 14 cases of RFC 4134", () => assert.equal(cases.length, 14));

  for (const one of cases) {
    if (one.expected.verdict === "controlled") controlled(one, pool);
    else if (one.kind === "verify") verified(one, pool);
    else decrypted(one, pool);
  }
});

/** Comes to an end and to a code, whichever. */
function controlled(one: Case, pool: readonly Certificate[]): void {
  test(`${one.id} ends with a code`, async () => {
    for (const legacy of [false, true]) {
      const { report } = await opened(one, await keysOf(one), pool, legacy, original(one));
      assert.match(report.code, /^[A-Z_]+$/);
      assert.equal(report.outcome === "opened" && !legacy, false);
    }
  });
}

function verified(one: Case, pool: readonly Certificate[]): void {
  const judged = (signed: Signed, legacy: boolean): Promise<Opened> => opened(one, [], pool, legacy, signed);

  test(`${one.id} is right under legacy`, async () => {
    const { report, octets } = await judged(original(one), true);
    assert.equal(report.outcome, "opened", report.reason ?? "");
    const [only] = signersIn(report);
    assert.equal(only?.signature, "valid");
    assert.equal(only.path.verdict, "valid");
    assert.ok(latin1Text(found(octets)).includes(sample));
    const named = (one.expected.weak ?? []).map((weak) => weak.replace("rsa1024", "rsa-1024"));
    for (const weak of named) assert.ok(only.weak?.includes(weak), `${weak} is not named`);
  });

  test(`${one.id} is refused without legacy for what is old about it`, async () => {
    const { report } = await judged(original(one), false);
    assert.equal(report.outcome, "untrusted");
    const [only] = signersIn(report);
    assert.deepEqual([report.code, only?.signature, only?.path.code], ["WEAK", "valid", "WEAK"]);
  });

  for (const { what, apply } of signedMutations) {
    test(`${one.id} with ${what} is never right`, async () => {
      const mutant = apply(original(one));
      assert.notDeepEqual(mutant, original(one));
      for (const legacy of [false, true]) {
        const { report } = await judged(mutant, legacy);
        assert.notEqual(report.outcome, "opened", report.code);
        // Without a signer and without content of its own, an object is a collection of certificates.
        if (report.outcome === "plain") assert.equal(report.code, "CERTS_ONLY");
      }
    });
  }
}

function decrypted(one: Case, pool: readonly Certificate[]): void {
  const { contains = "" } = one.expected;
  const judged = async (object: Uint8Array, legacy: boolean): Promise<Opened> =>
    opened(one, await keysOf(one), pool, legacy, { object });

  test(`${one.id} decrypts, and Triple-DES is named`, async () => {
    const { report, octets, afterCbc } = await judged(original(one).object, true);
    assert.deepEqual([report.outcome, report.code, afterCbc], ["untrusted", "ENCRYPTED_ONLY", true]);
    assert.ok(latin1Text(found(octets)).includes(contains));
    assert.ok(JSON.stringify(report.layers).includes('"weak":["des-ede3-cbc"]'));
  });

  test(`${one.id} is refused without legacy for Triple-DES`, async () => {
    assert.equal((await judged(original(one).object, false)).report.code, "WEAK");
  });

  for (const { what, apply } of envelopedMutations) {
    test(`${one.id} with ${what} gives nothing that anybody may hand on`, async () => {
      const { report, octets, afterCbc } = await judged(apply(original(one).object), true);
      assert.ok(report.outcome === "refused" || report.outcome === "untrusted", report.outcome);
      // Triple-DES in CBC authenticates nothing: what comes out is marked so, and not as a message of anybody.
      if (octets !== undefined) assert.deepEqual([report.code, afterCbc], ["ENCRYPTED_ONLY", true]);
    });
  }
}

function signersIn(report: Opened["report"]): readonly SignerReport[] {
  return report.layers.flatMap((layer) => ("signers" in layer ? layer.signers : []));
}

// --- cases and files ---

function fileOf(name: string): Buffer {
  return readFileSync(path.join(found(vectorsFolder()), name));
}

/** The CMS object of a case, with the content that stands beside it. */
function original({ file, format, content }: Case): Signed {
  const octets = fileOf(file);
  if (format === "der")
    return content === undefined ? { object: octets } : { object: octets, content: fileOf(content) };
  const mail = mailOf(octets);
  const object = Buffer.from(mail.base64, "base64");
  return mail.signedPart === undefined ? { object } : { object, content: latin1(mail.signedPart) };
}

type Mail = {
  readonly before: string;
  readonly signedPart?: string;
  readonly between: string;
  readonly base64: string;
  readonly after: string;
};

/** The examples are stored with bare line feeds; mail has CRLF. */
function mailOf(octets: Buffer): Mail {
  const text = latin1Text(octets).replace(/\r?\n/g, "\r\n");
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1];
  if (boundary === undefined) {
    const body = text.indexOf("\r\n\r\n") + 4;
    return { before: text.slice(0, body), between: "", base64: text.slice(body), after: "" };
  }
  const delimiter = `\r\n--${boundary}`;
  const start = text.indexOf(`${delimiter}\r\n`) + delimiter.length + 2;
  const end = text.indexOf(delimiter, start);
  const body = text.indexOf("\r\n\r\n", end) + 4;
  const close = text.lastIndexOf(delimiter);
  return {
    before: text.slice(0, start),
    signedPart: text.slice(start, end),
    between: text.slice(end, body),
    base64: text.slice(body, close),
    after: text.slice(close),
  };
}

function opened(
  one: Case,
  keys: readonly DecryptionKey[],
  pool: readonly Certificate[],
  legacy: boolean,
  { object, content }: Signed,
): Promise<Opened> {
  const anchors = pool.filter(({ subject }) => subject.startsWith("CN=Carl"));
  const judging: Judging = { keys, legacy, certificates: pool, trusting: { anchors, binding: { kind: "none" } } };
  if (one.format === "der") {
    const detached = content === undefined ? {} : { detachedContent: () => sourceOf(content) };
    return openedObject(object, { ...judging, ...detached });
  }
  const { before, between, after } = mailOf(fileOf(one.file));
  const pieces = [latin1(before), content ?? new Uint8Array(0), latin1(between), base64Lines(object), latin1(after)];
  return openedMail(concat(pieces), judging);
}

async function keysOf({ recipient }: Case): Promise<DecryptionKey[]> {
  if (recipient === undefined) return [];
  const folder = found(vectorsFolder());
  const files = { key: path.join(folder, recipient.key), certificate: path.join(folder, recipient.cert) };
  const { privateKey, certificate } = await loadKey(files);
  const own = found(certificate);
  return [{ key: privateKeyOf(privateKey, own.publicKey), certificate: own }];
}
