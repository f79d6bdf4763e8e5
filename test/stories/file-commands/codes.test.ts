// Every code of the report table that a message can get, once: exit status, report and standard output of `open`, what
// --keep-invalid changes, and that `explain` says the same.

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { latin1, latin1Text } from "../../../src/bytes.ts";
import type { SignerReport } from "../../../src/smime.ts";
import { mailAround, objectIn, splitEntity } from "../../codec.ts";
import { type Credential, community, type Misfit } from "../../interop/community.ts";
import * as peer from "../../interop/peers/openssl.ts";
import { withPeers } from "../../peers.ts";
import { runPostern } from "../../program.ts";
import {
  explain,
  message,
  open,
  openedWith,
  openssl,
  protectedBy,
  sealedTo,
  signedWith,
  trusting,
  writeFile,
} from "./desk.ts";

type CertificateReport = NonNullable<SignerReport["certificate"]>;

type Case = {
  readonly code: string;
  readonly what: string;
  readonly make: () => Promise<Uint8Array> | Uint8Array;
  /** Instead of the key of b.example and the root. */
  readonly args?: () => string[];
  readonly exit: number;
  readonly outcome: string;
  /** What comes out without and with --keep-invalid: the original, the input, or nothing. */
  readonly stdout: "message" | "input" | "nothing";
  readonly kept: "message" | "input" | "nothing" | "something";
};

const opened = { exit: 0, outcome: "opened", stdout: "message", kept: "message" } as const;
const plain = { exit: 1, outcome: "plain", stdout: "input", kept: "input" } as const;
const untrusted = { exit: 1, outcome: "untrusted", stdout: "nothing", kept: "message" } as const;
const refused = { exit: 1, outcome: "refused", stdout: "nothing", kept: "nothing" } as const;
const unreadable = { ...refused, exit: 65 } as const;

const cases: readonly Case[] = [
  { code: "OK", what: "signed and encrypted", make: () => protectedBy(both()), ...opened },
  { code: "SIGNED_ONLY", what: "signed", make: () => protectedBy([...signed(), "--no-encrypt"]), ...opened },
  {
    ...{ code: "STALE", what: "signed 31 days ago" },
    make: () => protectedBy([...both(), "--time", daysFromNow(-31)]),
    ...opened,
  },
  {
    ...{ code: "STALE", what: "signed in an hour" },
    make: () => protectedBy([...both(), "--time", daysFromNow(1 / 24)]),
    ...opened,
  },
  { code: "UNPROTECTED", what: "no layer at all", make: () => message, ...plain },
  { code: "CERTS_ONLY", what: "certificates only", make: certificatesOnly, ...plain },
  { code: "ENCRYPTED_ONLY", what: "encrypted", make: () => protectedBy([...sealed(), "--no-sign"]), ...untrusted },
  {
    code: "BAD_SIGNATURE",
    what: "changed content",
    make: async () => changedContent(),
    ...untrusted,
    kept: "something",
  },
  {
    code: "BAD_SIGNATURE",
    what: "changed content inside GCM",
    make: () => changedInside("aes-256-gcm"),
    ...untrusted,
    kept: "something",
  },
  {
    code: "BAD_SIGNATURE",
    what: "changed content inside CBC",
    make: () => changedInside("aes-256-cbc"),
    ...untrusted,
    kept: "nothing",
  },
  { code: "WEAK", what: "a signer's key of 1024 bits", make: () => byMisfit("rsa1024"), ...untrusted },
  { code: "WEAK", what: "Triple-DES", make: () => byOpenssl(ann(), "des3"), ...untrusted, kept: "something" },
  {
    code: "UNSUPPORTED",
    what: "an unknown signature algorithm",
    make: unknownSignature,
    ...untrusted,
    kept: "something",
  },
  { code: "UNSUPPORTED", what: "an unknown content cipher", make: unknownCipher, ...refused },
  {
    code: "UNTRUSTED",
    what: "no anchors given",
    make: () => protectedBy(both()),
    args: () => openedWith(bob()),
    ...untrusted,
  },
  { code: "UNTRUSTED", what: "an issuer nobody trusts", make: () => byMisfit("stranger"), ...untrusted },
  { code: "UNTRUSTED", what: "an issuer that is no authority", make: () => byMisfit("caFlagMissing"), ...untrusted },
  {
    code: "UNTRUSTED",
    what: "a key that is not for signing",
    // Not by `protect`, which makes no such thing.
    make: () => byOpenssl(community().misfit("wrongKeyUsage"), "aes-256-cbc"),
    ...untrusted,
    kept: "something",
  },
  { code: "SIGNER_MISMATCH", what: "another domain's signer", make: () => byMisfit("wrongName"), ...untrusted },
  { code: "SIGNER_MISMATCH", what: "a signer without address", make: () => byMisfit("noAddress"), ...untrusted },
  { code: "EXPIRED", what: "a certificate of the past", make: () => byMisfit("expired"), ...untrusted },
  { code: "NOT_YET_VALID", what: "a certificate of the future", make: () => byMisfit("notYetValid"), ...untrusted },
  {
    ...{ code: "REVOKED", what: "a revoked certificate" },
    make: () => protectedBy(both()),
    args: () => [...usual(), "--crl", crl(ann())],
    ...untrusted,
  },
  {
    ...{ code: "REVOCATION_UNKNOWN", what: "no CRL where one is required" },
    make: () => protectedBy(both()),
    args: () => [...usual(), "--revocation", "require"],
    ...untrusted,
  },
  {
    ...{ code: "NO_KEY", what: "encrypted to somebody else" },
    make: () => protectedBy([...signed(), ...sealedTo(community().encryption("a.example", "p256"))]),
    ...refused,
  },
  { code: "NO_KEY", what: "no key at all", make: () => protectedBy(both()), args: trusting, ...refused },
  { code: "BAD_CONTENT", what: "a changed octet inside GCM", make: () => changedCiphertext("M"), ...refused },
  { code: "BAD_CONTENT", what: "a changed octet at the end of CBC", make: () => changedCiphertext("B"), ...refused },
  { code: "MALFORMED", what: "a layer that ends early", make: truncated, ...unreadable },
  { code: "MALFORMED", what: "mixed line ends", make: () => latin1("From: a\r\nTo: b\n\r\nbody\r\n"), ...unreadable },
  { code: "LIMIT", what: "a header without end", make: () => latin1(`X: ${"y".repeat(300_000)}`), ...unreadable },
];

withPeers(["openssl"], cases.length + 3, () => {
  for (const { code, what, make, args = usual, exit, outcome, stdout, kept } of cases) {
    test(`${code}: ${what}`, async () => {
      const input = await make();
      const [plainly, keeping, explained] = await Promise.all([
        open(args(), input),
        open([...args(), "--keep-invalid"], input),
        explain([...args(), "--json"], input),
      ]);
      const { report } = plainly;
      assert.deepEqual(
        { code: report?.code, outcome: report?.outcome, exit: plainly.status, said: plainly.stderr },
        { code, outcome, exit, said: "" },
      );
      assert.deepEqual([report?.format, report?.command], ["postern-report/1", "open"]);
      assertCameOut(plainly.stdout, stdout, input);
      assertCameOut(keeping.stdout, kept, input);
      assert.deepEqual([keeping.status, keeping.report], [exit, report]);
      const { parts: _, ...explanation } = explained.report as unknown as Record<string, unknown>;
      assert.deepEqual(explanation, { ...report, command: "explain" });
      assert.deepEqual(JSON.parse(explained.stdout.toString()), explained.report);
      assert.equal(explained.status, exit);
    });
  }

  test("the report of a message that is right, in full", async () => {
    const time = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+/, "");
    const { report } = await open(usual(), await protectedBy([...both(), "--time", time, "--profile", "M", "--ber"]));
    const certificate = described(ann());
    const { issuer, serial } = described(bob());
    assert.deepEqual(report, {
      ...{ format: "postern-report/1", command: "open", outcome: "opened", code: "OK" },
      layers: [
        {
          ...{ type: "authEnvelopedData", contentEncryption: "aes256-gcm", encoding: "BER-indefinite" },
          recipients: [{ kind: "keyTransport", algorithm: "rsa-oaep-sha256", id: { issuer, serial }, ours: true }],
        },
        {
          ...{ type: "signedData", form: "opaque", encoding: "BER-indefinite" },
          signers: [
            {
              ...{
                verdict: "valid",
                code: "OK",
                signature: "valid",
                path: { verdict: "valid", code: "OK", reasons: [] },
                bound: true,
              },
              ...{ algorithm: "ecdsa-sha256", certificate, signingTime: time },
              chain: [certificate.subject, certificate.issuer, described(community().root).subject],
            },
          ],
        },
      ],
      domain: "a.example",
      quirks: [],
    });
  });

  test("what is weak is right with --legacy, and the report says so all the same", async () => {
    const { status, stdout, report } = await open([...usual(), "--legacy"], await byMisfit("rsa1024"));
    assert.deepEqual([status, report?.code, report?.outcome], [0, "OK", "opened"]);
    assert.ok(stdout.equals(message));
    assert.match(JSON.stringify(report), /"weak":\["rsa-1024"\]/);
  });

  test("without --report a summary goes to stderr, and standard output is the same", async () => {
    const input = await protectedBy(both());
    const { status, stdout, stderr } = await runPostern(["open", ...usual()], input);
    assert.deepEqual([status, stdout.equals(message)], [0, true]);
    assert.match(stderr, /aes256-gcm|aes256-cbc/);
    assert.match(stderr, /ecdsa-sha256 by domain-signing-authority@a\.example/);
    assert.match(stderr, /^OK /m);
  });
});

function ann(): Credential {
  return community().signing("a.example", "p256");
}

function bob(): Credential {
  return community().encryption("b.example", "rsa2048");
}

function signed(): string[] {
  return signedWith(ann());
}

function sealed(): string[] {
  return sealedTo(bob());
}

function both(): string[] {
  return [...signed(), ...sealed()];
}

function usual(): string[] {
  return [...openedWith(bob()), ...trusting()];
}

function daysFromNow(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}

function byMisfit(what: Misfit): Promise<Buffer> {
  const misfit = community().misfit(what);
  return protectedBy([...signedWith(misfit), ...sealed(), "--chain", misfit.issuerFile]);
}

function certificatesOnly(): Buffer {
  const object = openssl("crl2pkcs7", "-nocrl", "-certfile", ann().certificateFile, "-outform", "DER");
  return mailAround(object, "certs-only", "From: ann@a.example\r\n");
}

async function changedContent(): Promise<Buffer> {
  const detached = await protectedBy([...signed(), "--no-encrypt", "--form", "detached"]);
  return Buffer.from(latin1Text(detached).replace("Dear Bob", "Dear Rob"), "latin1");
}

async function changedInside(cipher: string): Promise<Buffer> {
  const content = latin1Text(await changedContent());
  const entity = latin1(content.slice(content.indexOf("MIME-Version")));
  return mailAround(peer.encrypt(entity, { recipients: [bob()], cipher }), "enveloped-data", "From: ann@a.example\r\n");
}

function byOpenssl(signer: Credential, cipher: string): Buffer {
  const entity = peer.sign(latin1("Content-Type: text/plain\r\n\r\nDear Bob"), {
    ...{ signers: [signer], certificateFiles: [community().issuer.certificateFile], format: "smime", crlf: true },
  });
  const object = peer.encrypt(entity, { recipients: [bob()], cipher });
  return mailAround(object, "enveloped-data", "From: ann@a.example\r\n");
}

/** The last octet of an algorithm's identifier made another one. */
function withOtherAlgorithm(mail: Uint8Array, oid: string, type: string): Buffer {
  const object = Buffer.from(objectIn(mail));
  const at = object.lastIndexOf(Buffer.from(oid, "hex")) + oid.length / 2 - 1;
  object[at] = 0x7e;
  const fields = splitEntity(message)
    .header.split("\r\n")
    .filter((field) => /^(?:From|To|Subject):/.test(field));
  return mailAround(object, type, `${fields.join("\r\n")}\r\n`);
}

async function unknownSignature(): Promise<Buffer> {
  const mail = await protectedBy([...signed(), "--no-encrypt"], latin1("From: ann@a.example\r\n\r\nDear Bob"));
  return withOtherAlgorithm(mail, "06082a8648ce3d040302", "signed-data"); // ecdsa-with-SHA256
}

async function unknownCipher(): Promise<Buffer> {
  return withOtherAlgorithm(await protectedBy(both()), "060960864801650304012a", "enveloped-data"); // AES-256 in CBC mode
}

async function changedCiphertext(profile: string): Promise<Buffer> {
  const mail = await protectedBy([...both(), "--profile", profile]);
  const { header, body } = splitEntity(mail);
  const object = objectIn(mail);
  const at = object.length - 20;
  object[at] = (object[at] ?? 0) ^ 1;
  return Buffer.concat([latin1(header), latin1(object.toString("base64", 0, object.length)), body.subarray(-2)]);
}

async function truncated(): Promise<Buffer> {
  const mail = await protectedBy(both());
  return mail.subarray(0, mail.length - 400);
}

/** A CRL of the issuer with one certificate. */
function crl({ certificateFile }: Credential): string {
  const { serialNumber } = new X509Certificate(readFileSync(certificateFile));
  const index = writeFile("index.txt", `R\t360101000000Z\t260101000000Z\t${serialNumber}\tunknown\t/CN=x\n`);
  const configuration = writeFile(
    "ca.cnf",
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${index}\ndefault_md=sha256\ndefault_crl_days=7\n`,
  );
  const { keyFile, certificateFile: issuerFile } = community().issuer;
  return writeFile(
    "issuer.crl",
    openssl("ca", "-gencrl", "-config", configuration, "-cert", issuerFile, "-keyfile", keyFile),
  );
}

/** As another reader finds it. */
function described({ certificateFile }: Pick<Credential, "certificateFile">): CertificateReport {
  const certificate = new X509Certificate(readFileSync(certificateFile));
  const name = (text: string): string => text.split("\n").toReversed().join(",");
  const instant = (date: Date): string => date.toISOString().replace(".000", "");
  return {
    subject: name(certificate.subject),
    issuer: name(certificate.issuer),
    emails: [certificate.subjectAltName?.replace("email:", "") ?? ""],
    serial: certificate.serialNumber.toLowerCase(),
    notBefore: instant(certificate.validFromDate),
    notAfter: instant(certificate.validToDate),
    sha256: createHash("sha256").update(certificate.raw).digest("hex"),
  };
}

function assertCameOut(stdout: Buffer, expected: Case["kept"], input: Uint8Array): void {
  if (expected === "something") assert.match(stdout.toString("latin1"), /Dear [BR]ob/);
  else if (expected === "nothing") assert.equal(stdout.length, 0);
  else assert.ok(stdout.equals(expected === "input" ? input : message));
}
