// What the file commands take and give: messages and bare objects in all their forms, keys and certificates in all of
// theirs, several of each, and whom a signer must name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { latin1, latin1Text } from "../../../src/bytes.ts";
import type { SignedLayerReport } from "../../../src/smime.ts";
import { mailAround, objectIn } from "../../codec.ts";
import { type Credential, community } from "../../interop/community.ts";
import { product } from "../../interop/letter.ts";
import * as peer from "../../interop/peers/openssl.ts";
import { withPeers } from "../../peers.ts";
import { runPostern } from "../../program.ts";
import { withVectors } from "../../vectors.ts";
import {
  explain,
  message,
  open,
  openedWith,
  openssl,
  protect,
  protectedBy,
  sealedTo,
  signedWith,
  trusting,
  writeFile,
} from "./desk.ts";

const rfc822 = [
  { what: "usual mail", octets: message },
  {
    what: "no content fields, no end of the last line",
    octets: latin1("From: ann@a.example\r\nSubject:x\r\n\r\n\xff end  "),
  },
  { what: "a header only", octets: latin1("From: ann@a.example\r\nContent-Type: text/plain\r\nSubject: x\r\n") },
  { what: "long lines", octets: latin1(`From: ann@a.example\r\n\r\n${`${"y".repeat(5000)}\r\n`.repeat(80)}`) },
];

withPeers(["openssl"], 61, () => {
  messageTests();
  lineEndTests();
  objectTests();
  bindingTests();
  keyTests();
  severalTests();
  explainTests();
});

function messageTests(): void {
  const options = [
    ["--profile", "L", "--ber"],
    ["--form", "detached", "--inner-encoding", "binary"],
    ["--content-cipher", "chacha20-poly1305", "--key-management", "rsa-oaep-sha512-mgf1-sha1"],
  ];
  for (const [{ what, octets }, chosen] of product(rfc822, options)) {
    test(`protect ${chosen.join(" ")} | open gives back ${what}`, async () => {
      const input = await protectedBy([...both(), ...chosen], octets);
      const { status, stdout, report } = await open(usual(), input);
      assert.deepEqual([status, report?.code], [0, "OK"]);
      assert.ok(stdout.equals(octets));
    });
  }

  test("protect reports what it did", async () => {
    const time = "2026-11-23T09:00:00Z";
    const { report, stdout } = await protect([...both(), "--profile", "M", "--time", time]);
    const [encrypted, signed, ...others] = report?.layers ?? [];
    assert.deepEqual(
      [report?.command, report?.outcome, report?.code, report?.profile],
      ["protect", "protected", "OK", "M"],
    );
    assert.deepEqual([encrypted?.["type"], signed?.["type"], others], ["authEnvelopedData", "signedData", []]);
    assert.match(JSON.stringify(signed), /"ecdsa-sha256".*"signingTime":"2026-11-23T09:00:00Z"/);
    assert.match(JSON.stringify(encrypted), /"aes256-gcm".*"rsa-oaep-sha256"/);
    assert.match(latin1Text(stdout), /^Content-Type: application\/pkcs7-mime; smime-type=authEnveloped-data/m);
  });
}

function lineEndTests(): void {
  const withLf = latin1(latin1Text(message).replaceAll("\r\n", "\n"));

  test("lines that end in LF are read as if they ended in CRLF, and that is said", async () => {
    const { stdout, report } = await protect(both(), withLf);
    assert.match(report?.quirks?.join() ?? "", /LF/);
    assert.ok((await open(usual(), stdout)).stdout.equals(message));
    const underway = latin1(latin1Text(stdout).replaceAll("\r\n", "\n"));
    const opened = await open(usual(), underway);
    assert.deepEqual([opened.status, opened.stdout.equals(message)], [0, true]);
    assert.match(opened.report?.quirks.join() ?? "", /LF/);
    assert.match((await runPostern(["protect", ...both()], withLf)).stderr, /LF/);
  });

  for (const { what, octets } of [
    { what: "a bare LF among CRLF", octets: latin1(`${latin1Text(message)}one\ntwo\r\n`) },
    { what: "a CRLF among LF", octets: latin1(`${latin1Text(withLf)}one\r\ntwo\n`) },
  ]) {
    test(`${what} is not protected`, async () => {
      const { status, stdout, stderr, report } = await protect(both(), octets);
      assert.deepEqual([status, stdout.length], [65, 0]);
      assert.deepEqual([report?.command, report?.outcome, report?.code], ["protect", "refused", "MALFORMED"]);
      assert.match(report?.reason ?? "", /offset \d+/);
      assert.match(stderr, /offset \d+/);
    });
  }
}

function objectTests(): void {
  const content = latin1("Content-Type: text/plain\r\n\r\nDear Bob\r\n");
  const signer = { signers: [ann()], certificateFiles: [community().issuer.certificateFile] };
  const pem = (object: Uint8Array): Buffer =>
    latin1(
      `-----BEGIN CMS-----\n${Buffer.from(object).toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CMS-----\n`,
    ) as Buffer;

  for (const [streamed, form] of product([false, true], ["auto", "der", "pem", "smime"] as const)) {
    test(`a ${streamed ? "BER" : "DER"} object is taken with --inform ${form}`, async () => {
      const object = peer.encrypt(peer.sign(content, signer), { recipients: [bob()], streamed });
      const octets = { auto: object, der: object, pem: pem(object), smime: mailAround(object, "enveloped-data", "") }[
        form
      ];
      for (const inform of form === "auto" ? [[]] : [["--inform", form], []]) {
        const { status, stdout, report } = await open([...usual(), ...inform], octets);
        // What is inside a bare object is its content: nothing says that it is an object again.
        assert.deepEqual([report?.code, status, report?.binding], ["ENCRYPTED_ONLY", 1, "none"]);
        assert.equal(stdout.length, 0);
      }
    });
  }

  test("a signed object gives its content", async () => {
    for (const streamed of [false, true]) {
      const { status, stdout, report } = await open(
        trusting(),
        Buffer.from(peer.sign(content, { ...signer, streamed })),
      );
      assert.deepEqual([status, report?.code], [0, "SIGNED_ONLY"]);
      assert.ok(stdout.equals(content));
    }
  });

  test("a detached object covers what --content names, and nothing else", async () => {
    const object = peer.sign(content, { ...signer, form: "detached" });
    for (const octets of [object, pem(object)]) {
      const right = await open([...trusting(), "--content", writeFile("content", content)], octets);
      assert.deepEqual([right.status, right.report?.code, right.stdout.equals(content)], [0, "SIGNED_ONLY", true]);
      const wrong = await open([...trusting(), "--content", writeFile("other", message)], octets);
      assert.deepEqual([wrong.status, wrong.report?.code, wrong.stdout.length], [1, "BAD_SIGNATURE", 0]);
      const none = await open(trusting(), octets);
      assert.deepEqual([none.status, none.report?.code, none.stdout.length], [65, "MALFORMED", 0]);
    }
  });

  test("the wrong --inform finds nothing to read", async () => {
    for (const form of ["der", "pem"]) {
      const { status, stdout, report } = await open([...usual(), "--inform", form], await protectedBy(both()));
      assert.deepEqual([status, report?.code, stdout.length], [65, "MALFORMED", 0]);
    }
  });
}

function bindingTests(): void {
  const from = (field: string): Buffer => Buffer.from(`${field}To: bob@b.example\r\n\r\nDear Bob\r\n`);
  const authority = "From: domain-signing-authority@a.example\r\n";
  for (const { what, field, args, code, bound } of [
    {
      what: "the domain of From",
      field: "From: x@a.example\r\n",
      args: [],
      code: "OK",
      bound: { domain: "a.example" },
    },
    {
      what: "another domain",
      field: "From: x@b.example\r\n",
      args: [],
      code: "SIGNER_MISMATCH",
      bound: { domain: "b.example" },
    },
    {
      what: "a domain below",
      field: "From: x@sub.a.example\r\n",
      args: [],
      code: "SIGNER_MISMATCH",
      bound: { domain: "sub.a.example" },
    },
    { what: "two senders", field: "From: x@a.example, y@b.example\r\n", args: [], code: "SIGNER_MISMATCH", bound: {} },
    { what: "no sender", field: "", args: [], code: "OK", bound: { binding: "none" } },
    {
      what: "--from-domain",
      field: "From: x@b.example\r\n",
      args: ["--from-domain", "A.Example"],
      code: "OK",
      bound: { domain: "a.example" },
    },
    {
      what: "a wrong --from-domain",
      field: "",
      args: ["--from-domain", "b.example"],
      code: "SIGNER_MISMATCH",
      bound: { domain: "b.example" },
    },
    {
      what: "--bind address, its own",
      field: authority,
      args: ["--bind", "address"],
      code: "OK",
      bound: { address: "domain-signing-authority@a.example" },
    },
    {
      what: "--bind address, another's",
      field: "From: x@a.example\r\n",
      args: ["--bind", "address"],
      code: "SIGNER_MISMATCH",
      bound: { address: "x@a.example" },
    },
    {
      what: "--bind none",
      field: "From: x@b.example\r\n",
      args: ["--bind", "none"],
      code: "OK",
      bound: { binding: "none" },
    },
  ]) {
    test(`${code} where the signer is bound to ${what}`, async () => {
      const { report, status } = await open([...usual(), ...args], await protectedBy(both(), from(field)));
      const { domain, address, binding } = report ?? {};
      assert.deepEqual([report?.code, status], [code, code === "OK" ? 0 : 1]);
      assert.deepEqual(JSON.parse(JSON.stringify({ domain, address, binding })), bound);
    });
  }

  test("--time judges at another instant", async () => {
    const input = await protectedBy(both());
    const inTwentyYears = new Date(Date.now() + 20 * 365 * 86_400_000).toISOString();
    const { report, status, stdout } = await open([...usual(), "--time", inTwentyYears], input);
    assert.deepEqual([report?.code, status, stdout.length], ["EXPIRED", 1, 0]);
  });
}

function keyTests(): void {
  const password = (): string => writeFile("password", "correct horse\r\n");
  const { keyFile, certificateFile } = bob();
  const derKey = (): string =>
    writeFile("key.der", openssl("pkcs8", "-topk8", "-nocrypt", "-in", keyFile, "-outform", "DER"));
  const derCertificate = (): string =>
    writeFile("certificate.der", openssl("x509", "-in", certificateFile, "-outform", "DER"));
  const together = (): string =>
    writeFile("together.pem", `${readFileSync(certificateFile)}\n${readFileSync(keyFile)}`);
  const encrypted = (): string =>
    writeFile(
      "encrypted.pem",
      openssl("pkcs8", "-topk8", "-in", keyFile, "-v2", "aes256", "-passout", "pass:correct horse"),
    );
  const pkcs12 = (): string => writeFile("key.p12", openssl(...pkcs12Of(bob()), "-passout", "pass:correct horse"));

  for (const { what, args } of [
    { what: "DER", args: () => ["--key", derKey(), "--cert", derCertificate()] },
    { what: "one PEM file for both", args: () => ["--key", together()] },
    {
      what: "encrypted PEM",
      args: () => ["--key", encrypted(), "--cert", certificateFile, "--password-file", password()],
    },
    { what: "PKCS #12", args: () => ["--key", pkcs12(), "--password-file", password()] },
    {
      what: "PKCS #12 beside others in files of their own",
      args: () => ["--key", pkcs12(), ...openedWith(ann()), "--password-file", password()],
    },
  ]) {
    test(`a key may be ${what}`, async () => {
      const { status, stdout, stderr } = await open([...args(), ...trusting()], await protectedBy(both()));
      assert.deepEqual([status, stdout.equals(message)], [0, true], stderr);
    });
  }

  test("a wrong password and none at all are told apart, and exit 65", async () => {
    const wrong = writeFile("wrong", "battery staple");
    const input = await protectedBy(both());
    assert.match(
      (await refusal(["--key", pkcs12(), "--password-file", wrong], input)).stderr,
      /password does not open/,
    );
    assert.match((await refusal(["--key", pkcs12()], input)).stderr, /is encrypted/);
  });

  test("--intermediates brings issuers and signers that a message lacks", async () => {
    const issuer = community().issuer.certificateFile;
    const withoutIssuer = await protectedBy([
      "--sign-key",
      ann().keyFile,
      "--sign-cert",
      ann().certificateFile,
      "--no-encrypt",
    ]);
    assert.equal((await open(usual(), withoutIssuer)).report?.code, "UNTRUSTED");
    assert.equal((await open([...usual(), "--intermediates", issuer], withoutIssuer)).report?.code, "SIGNED_ONLY");
    const bare = Buffer.from(peer.sign(message, { signers: [ann()], noCertificates: true }));
    assert.equal((await open(usual(), bare)).report?.code, "UNTRUSTED");
    const both = ["--intermediates", issuer, "--intermediates", ann().certificateFile];
    assert.equal((await open([...usual(), ...both], bare)).report?.code, "SIGNED_ONLY");
  });

  withVectors("mimekit-keys", 3, (vectors) => {
    for (const kind of ["rsa", "dnsnames"]) {
      test(`the PKCS #12 file of another program signs and opens, ${kind}`, async () => {
        const file = path.join(vectors, kind, "smime.pfx");
        const secret = ["--password-file", writeFile("secret", "no.secret\n")];
        const read = openssl("pkcs12", "-legacy", "-in", file, "-clcerts", "-nokeys", "-passin", "pass:no.secret");
        const to = ["--recipient-cert", writeFile(`${kind}.crt`, read)];
        const input = await protectedBy(["--sign-key", file, ...secret, ...to]);
        const { report, stdout } = await open(["--key", file, ...secret, "--keep-invalid"], input);
        assert.equal((report?.layers[1] as SignedLayerReport).signers[0]?.signature, "valid");
        assert.equal(report?.code, "UNTRUSTED");
        assert.ok(stdout.equals(message));
      });
    }

    // RFC 5480 2.1.1: certificates name their curve.
    test("a PKCS #12 file whose certificate spells out its curve is refused", async () => {
      const secret = ["--password-file", writeFile("secret", "no.secret\n")];
      const { stderr } = await refusal(["--key", path.join(vectors, "ec/smime.pfx"), ...secret], message);
      assert.match(stderr, /curve without a name/);
    });
  });
}

function severalTests(): void {
  const { signing, encryption } = community();
  const other = encryption("b.example", "p256");

  test("several signers sign, each with its own key, and each is judged", async () => {
    const input = await protectedBy([
      ...signedWith(ann()),
      ...signedWith(signing("a.example", "rsa2048")),
      ...sealedTo(bob()),
    ]);
    const { report, stdout } = await open(usual(), input);
    const { signers } = report?.layers[1] as SignedLayerReport;
    assert.deepEqual([report?.code, stdout.equals(message)], ["OK", true]);
    assert.deepEqual(signers.map(({ algorithm, code }) => `${algorithm} ${code}`).toSorted(), [
      "ecdsa-sha256 OK",
      "rsa-v15-sha256 OK",
    ]);
  });

  test("each of several recipients opens, and further keys do no harm", async () => {
    const input = await protectedBy([...signedWith(ann()), ...sealedTo(bob(), other)]);
    for (const keys of [[bob()], [other], [other, bob()], [encryption("a.example", "p384"), bob()]]) {
      const { status, stdout } = await open([...openedWith(...keys), ...trusting()], input);
      assert.deepEqual([status, stdout.equals(message)], [0, true]);
    }
    const stranger = openedWith(encryption("a.example", "p384"));
    assert.equal((await open([...stranger, ...trusting()], input)).report?.code, "NO_KEY");
  });

  test("8-bit octets that leave under a clear signature are noted, and nowhere else", async () => {
    const clear = [...signedWith(ann()), "--no-encrypt", "--form", "detached"];
    const ascii = latin1("From: ann@a.example\r\n\r\nDear Bob\r\n");
    const noted = /8-bit octets .*: every server on the way must carry 8BITMIME/;
    assert.match((await protect(clear)).report?.quirks?.join() ?? "", noted);
    assert.match((await runPostern(["protect", ...clear], message)).stderr, noted);
    assert.deepEqual((await protect(clear, ascii)).report?.quirks, []);
    assert.deepEqual(
      (await protect([...clear, ...sealedTo(bob())].filter((arg) => arg !== "--no-encrypt"))).report?.quirks,
      [],
    );
    assert.deepEqual((await protect([...signedWith(ann()), "--no-encrypt"])).report?.quirks, []);
  });

  test("recipients are named by key identifier where asked", async () => {
    const input = await protectedBy([...both(), "--recipient-id", "ski"]);
    assert.match(peer.describe(objectIn(input)), /d\.subjectKeyIdentifier/);
    assert.equal((await open(usual(), input)).report?.code, "OK");
  });
}

function explainTests(): void {
  test("explain draws the layers from the outside in, with a verdict on each", async () => {
    const { status, stdout } = await explain(usual(), await protectedBy([...both(), "--profile", "M", "--ber"]));
    const text = stdout.toString();
    assert.equal(status, 0);
    const expected = [
      "application/pkcs7-mime",
      "authEnvelopedData: encrypted and authenticated with aes256-gcm, BER of indefinite length",
      "recipient ✓ ours: rsa-oaep-sha256",
      "signedData: opaque signature",
      "signer ✓ OK: ecdsa-sha256",
      "names domain-signing-authority@a.example",
      "text/plain",
      "verdict  OK",
    ];
    const places = expected.map((line) => text.indexOf(line));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      text,
    );
    assert.ok(
      places.every((place) => place >= 0),
      text,
    );
  });

  test("explain without keys shows what can be seen from outside", async () => {
    const { status, stdout } = await explain([], await protectedBy(both()));
    assert.equal(status, 1);
    assert.match(stdout.toString(), /recipient: rsa-v15.*\n.*stays closed[\s\S]*verdict {2}NO_KEY/);
    assert.doesNotMatch(stdout.toString(), /Dear Bob/);
  });

  test("explain names what is wrong, and what somebody can do", async () => {
    const misfit = community().misfit("expired");
    const { status, stdout } = await explain(usual(), await protectedBy([...signedWith(misfit), ...sealedTo(bob())]));
    assert.equal(status, 1);
    assert.match(stdout.toString(), /signer ✗ EXPIRED[\s\S]*expired 2021-01-01[\s\S]*verdict {2}EXPIRED[\s\S]*renew/);
  });
}

async function refusal(args: readonly string[], input: Uint8Array): Promise<{ stderr: string }> {
  const { status, stdout, stderr } = await open(args, input);
  assert.deepEqual([status, stdout.length], [65, 0]);
  return { stderr };
}

function pkcs12Of({ keyFile, certificateFile }: Credential): string[] {
  return ["pkcs12", "-export", "-inkey", keyFile, "-in", certificateFile];
}

function ann(): Credential {
  return community().signing("a.example", "p256");
}

function bob(): Credential {
  return community().encryption("b.example", "rsa2048");
}

function both(): string[] {
  return [...signedWith(ann()), ...sealedTo(bob())];
}

function usual(): string[] {
  return [...openedWith(bob()), ...trusting()];
}
