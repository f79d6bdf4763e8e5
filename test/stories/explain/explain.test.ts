// What `explain` prints is what people show each other: it must be right in each word, and end in what can be done.

import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1, latin1Text } from "../../../src/bytes.ts";
import { mailAround, objectIn } from "../../codec.ts";
import { type Credential, community } from "../../interop/community.ts";
import * as peer from "../../interop/peers/openssl.ts";
import { withPeers } from "../../peers.ts";
import { explain, openedWith, openssl, protectedBy, sealedTo, signedWith, trusting } from "../file-commands/desk.ts";

const from = "From: ann@a.example\r\n";
const entity = latin1("Content-Type: text/plain\r\n\r\nDear Bob");

withPeers(["openssl"], 16, () => {
  rightTests();
  closedTests();
  wrongTests();
  otherTests();
});

function rightTests(): void {
  test("a message that is right, in full", async () => {
    const mail = await protectedBy([...both(), "--profile", "M"]);
    assert.equal(
      masked(await text(usual(), mail)),
      `└─ application/pkcs7-mime (base64, N octets, smime.p7m)
   └─ authEnvelopedData: encrypted and authenticated with aes256-gcm, DER
      ├─ recipient ✓ ours: rsa-oaep-sha256, issuer CN=Issuer,O=see, serial HEX
      └─ signedData: opaque signature, DER
         ├─ signer ✓ OK: ecdsa-sha256
         │  ├─ ✓ signature valid
         │  ├─ certificate CN=domain-signing-authority,O=a.example
         │  │  ├─ names domain-signing-authority@a.example
         │  │  ├─ issued by CN=Issuer,O=see, serial HEX, valid DAY to DAY
         │  │  └─ SHA-256 HEX
         │  ├─ ✓ path valid: CN=domain-signing-authority,O=a.example ← CN=Issuer,O=see ← CN=Root,O=see (anchor)
         │  ├─ ✓ the certificate names domain-signing-authority@a.example
         │  └─ signed at TIME
         └─ text/plain (8bit, N octets)

judged   as mail from a.example
verdict  OK: all layers off, a signature valid, its path valid, its certificate names a.example
`,
    );
  });

  test("where no name was asked for, none is said to fit", async () => {
    const said = await text([...usual(), "--bind", "none"], await protectedBy(both()));
    assert.match(said, /· no name was asked for: anyone with such a path may have signed/);
    assert.match(said, /verdict {2}OK: .*, no name was asked for\n/);
    assert.doesNotMatch(said, /the certificate names|judged/);
  });

  test("multipart/signed as openssl writes it, when its line ends have been mended", async () => {
    const mixed = `${from}${latin1Text(signedByOpenssl())}`;
    const args = [...trusting(), "--intermediates", community().issuer.certificateFile];
    const before = await text(args, latin1(mixed));
    assert.match(before, /verdict {2}MALFORMED: .*\n.*line ends are mixed.*sed 's\/\\r\$\/\/' mends those/);
    const said = await text(args, latin1(mixed.replace(/\r$/gm, "")));
    assert.match(said, /^└─ multipart\/signed .*\n {3}└─ signedData: detached signature, DER\n/);
    assert.match(said, /note {5}bare LF line ends\n/);
    assert.match(
      said,
      /verdict {2}SIGNED_ONLY: a valid signature without encryption, its certificate names a\.example/,
    );
    assert.doesNotMatch(said, /bare CR or LF/);
  });

  test("a bare object in PEM", async () => {
    const object = peer.sign(entity, { signers: [ann()], format: "pem" });
    const said = await text([...trusting(), "--intermediates", community().issuer.certificateFile], object);
    assert.match(
      said,
      /^└─ signedData: opaque signature, DER\n[\s\S]*\n {3}└─ text\/plain .*\n\nverdict {2}SIGNED_ONLY/,
    );
    assert.match(said, /no name was asked for/);
  });

  test("somebody's own S/MIME inside is named, and not judged", async () => {
    const own = latin1Text(signedByOpenssl()).replace(/\r?\n/g, "\r\n").replace("MIME-Version: 1.0\r\n", "");
    const list =
      `${from}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n` +
      `--b\r\n${own}\r\n--b\r\n\r\nfooter\r\n--b--\r\n`;
    const said = await text(usual(), await protectedBy(both(), latin1(list)));
    assert.match(said, /├─ multipart\/signed .*\n *│ {2}├─ S\/MIME of its own, neither opened nor judged here\n/);
    assert.match(said, /verdict {2}OK/);
    const outside = await text(usual(), latin1(list));
    assert.match(outside, /verdict {2}UNPROTECTED: .*\n {9}S\/MIME stands further in: a list or a disclaimer/);
  });
}

function closedTests(): void {
  test("without a key nobody is called another, and the advice is to give one", async () => {
    const said = await text([], await protectedBy(both()));
    assert.match(said, /├─ recipient: rsa-v15, issuer .*\n.*\? the content stays closed/);
    assert.match(said, /verdict {2}NO_KEY: .*\n {9}.*give --key and --cert to look inside/);
    assert.doesNotMatch(said, /another's/);
  });

  test("with a key that opens nothing the recipients are others", async () => {
    const said = await text(openedWith(community().encryption("a.example", "p256")), await protectedBy(both()));
    assert.match(said, /├─ recipient · another's: rsa-v15, issuer/);
    assert.match(said, /verdict {2}NO_KEY: .*\n {9}The sender encrypted to another certificate/);
  });

  test("what is damaged shows for whom it was, and stays closed", async () => {
    const object = objectIn(await protectedBy([...both(), "--profile", "M"]));
    const at = object.length - 20;
    object[at] = (object[at] as number) ^ 1;
    const said = await text(usual(), mailAround(object, "authEnveloped-data", from));
    assert.match(said, /├─ recipient ✓ ours: rsa-oaep-sha256.*\n *└─ ✗ the content stays closed\n/);
    assert.match(said, /verdict {2}BAD_CONTENT/);
  });

  test("a cipher that is not implemented has its name", async () => {
    const object = peer.encrypt(entity, { recipients: [bob()], cipher: "camellia256" });
    const said = await text(usual(), mailAround(object, "enveloped-data", from));
    assert.match(said, /envelopedData: encrypted with camellia256-cbc \([\d.]+\), not authenticated, DER\n/);
    assert.match(said, /verdict {2}UNSUPPORTED: .*: content encryption camellia256-cbc/);
  });
}

function wrongTests(): void {
  test("changed content", async () => {
    const mail = await protectedBy([...signedWith(ann()), "--no-encrypt", "--form", "detached"]);
    const said = await text(trusting(), latin1(latin1Text(mail).replace("Dear Bob", "Dear Rob")));
    assert.match(said, /signer ✗ BAD_SIGNATURE: .*\n.*├─ ✗ signature invalid: the content is not what was signed\n/);
    assert.match(said, /verdict {2}BAD_SIGNATURE: .*: the content is not what was signed\n {9}Something changed/);
  });

  test("an expired certificate: which one, and since when", async () => {
    const expired = await protectedBy([...signedWith(community().misfit("expired")), ...sealedTo(bob())]);
    const said = await text(usual(), expired);
    assert.match(said, /✗ path invalid: .* ← CN=Root,O=see \(anchor\)\n.*: expired 2021-01-01T00:00:00Z\n/);
    assert.match(said, /verdict {2}EXPIRED: .*domain-signing-authority,O=a\.example: expired 2021-01-01T00:00:00Z\n/);
  });

  test("a path to nobody whom the reader trusts", async () => {
    const said = await text([...openedWith(bob()), "--trust", bob().certificateFile], await protectedBy(both()));
    assert.match(said, /✗ path invalid: CN=domain-signing-authority,O=a\.example ← no anchor\n/);
    assert.match(said, /verdict {2}UNTRUSTED: .*: no certificate of its issuer: CN=Root,O=see\n {9}Give the anchors/);
  });

  test("a certificate with another name than the one asked for", async () => {
    const said = await text([...usual(), "--bind", "address"], await protectedBy(both()));
    assert.match(said, /✗ the certificate does not name ann@a\.example\n/);
    assert.match(said, /verdict {2}SIGNER_MISMATCH: .*: the message is from ann@a\.example\n {9}.*the address of From/);
  });

  test("a signer whose certificate is not at hand", async () => {
    const object = peer.sign(entity, { signers: [ann()], noCertificates: true });
    const said = await text(trusting(), mailAround(object, "signed-data", from));
    assert.match(said, /\? its certificate is not at hand: issuer CN=Issuer,O=see, serial [0-9a-f]+\n/);
    assert.match(said, /verdict {2}UNTRUSTED: .*: the signer's certificate is not at hand\n.*--intermediates/);
    assert.doesNotMatch(said, / path (?:valid|inv|ind)| names |unsupported/);
  });
}

function otherTests(): void {
  test("certificates only: which ones", async () => {
    const object = openssl("crl2pkcs7", "-nocrl", "-certfile", ann().certificateFile, "-outform", "DER");
    const said = await text([], mailAround(object, "certs-only", from));
    assert.match(said, /signedData without signers, DER\n *└─ certificate CN=domain-signing-authority,O=a\.example\n/);
    assert.match(said, /verdict {2}CERTS_ONLY/);
  });

  test("nothing in a mail can draw a line of ours or move the cursor", async () => {
    const names = [
      '="=?utf-8?q?x=0A=E2=94=94=E2=94=80_signer_=E2=9C=93=1B[2J=E2=80=AE?="',
      "*=utf-8''x%0A%E2%94%94%E2%94%80%20signer%E2%80%AE%1B[2J",
    ];
    for (const name of names) {
      const said = await text([], latin1(`${from}Content-Type: text/plain; name${name}\r\n\r\nx`));
      assert.match(said, /signer/);
      assert.doesNotMatch(said.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
      assert.equal(said.split("\n").filter((line) => /^ *└─/.test(line)).length, 1, said);
    }
  });
}

function signedByOpenssl(): Uint8Array {
  return peer.sign(entity, { signers: [ann()], form: "detached", format: "smime", canonicalize: true });
}

async function text(args: readonly string[], mail: Uint8Array): Promise<string> {
  const { stdout, stderr } = await explain(args, mail);
  assert.equal(stderr, "");
  return stdout.toString();
}

/** What differs from run to run, under names. */
function masked(said: string): string {
  return said
    .replace(/[\d,]+ octets/g, "N octets")
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME")
    .replace(/\d{4}-\d\d-\d\d/g, "DAY")
    .replace(/\b[0-9a-f]{16,}\b/g, "HEX");
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
