// The peers of the interop tests, each against itself: what a wrapper promises is what the real program does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { community, makeCommunity } from "./community.ts";
import * as bouncyCastle from "./peers/bouncy-castle.ts";
import * as openssl from "./peers/openssl.ts";

const { root, issuer, signing, encryption, misfit } = community();
const signer = signing("a.example", "rsa2048");
const ecSigner = signing("a.example", "p256");
const rsa = encryption("b.example", "rsa2048");
const ec = encryption("b.example", "p256");
const entity = Buffer.from(`Content-Type: text/plain\r\n\r\n${"A line\r\nand a bare one\n".repeat(5000)}`);
const certificateFiles = [issuer.certificateFile];
const anchorFile = root.certificateFile;

const formats = ["der", "pem", "smime"] as const;
const truths = [false, true];

for (const format of formats) {
  for (const streamed of truths) {
    const how = `${streamed ? "streamed " : ""}${format}`;

    test(`openssl verifies its own opaque signature, ${how}`, () => {
      const signed = openssl.sign(entity, { signers: [signer], format, streamed, certificateFiles });
      assertSame(openssl.verify(signed, { anchorFile, format }), entity);
    });

    for (const recipient of [rsa, ec]) {
      for (const cipher of ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm", "des3"]) {
        test(`openssl decrypts its own ${cipher} for ${recipient === rsa ? "RSA" : "EC"}, ${how}`, () => {
          const encrypted = openssl.encrypt(entity, { recipients: [recipient], cipher, format, streamed });
          assertSame(openssl.decrypt(encrypted, recipient, format), entity);
        });
      }
    }
  }
}

for (const { format, streamed } of [
  { format: "der" },
  { format: "pem" },
  { format: "smime", streamed: true },
] as const) {
  test(`openssl verifies its own detached signature, ${format}`, () => {
    const options = {
      signers: [signer],
      form: "detached",
      format,
      streamed: streamed ?? false,
      certificateFiles,
    } as const;
    const signed = openssl.sign(entity, options);
    const outside = format === "smime" ? {} : { content: entity };
    assertSame(openssl.verify(signed, { anchorFile, format, ...outside }), entity);
  });
}

test("openssl streams indefinite lengths and otherwise writes definite ones", () => {
  const lengthOctet = (streamed: boolean) => openssl.encrypt(entity, { recipients: [rsa], streamed })[1];
  assert.equal(lengthOctet(true), 0x80);
  assert.notEqual(lengthOctet(false), 0x80);
});

test("openssl cannot stream a detached signature as DER", () => {
  assert.throws(() => openssl.sign(entity, { signers: [signer], form: "detached", streamed: true }), /inside/);
});

test("openssl canonicalizes line ends when asked", () => {
  const signed = openssl.sign(entity, { signers: [signer], certificateFiles, canonicalize: true });
  const content = openssl.verify(signed, { anchorFile, canonicalize: true }).octets;
  assert.equal(Buffer.from(content).toString(), entity.toString().replace(/\r?\n/g, "\r\n"));
});

const p384Signer = { ...signing("a.example", "p384"), digest: "sha384" } as const;
const p521Signer = { ...signing("a.example", "p521"), digest: "sha512" } as const;

for (const { name, options, shows } of [
  { name: "PSS", options: { signers: [{ ...signer, pss: true, digest: "sha384" }] }, shows: /rsassaPss/ },
  { name: "PSS beside ECDSA", options: { signers: [ecSigner, { ...signer, pss: true }] }, shows: /rsassaPss/ },
  { name: "RSA-3072", options: { signers: [signing("a.example", "rsa3072")] }, shows: /sha256/ },
  { name: "P-384", options: { signers: [p384Signer] }, shows: /ecdsa-with-SHA384/ },
  { name: "P-521", options: { signers: [p521Signer] }, shows: /ecdsa-with-SHA512/ },
  { name: "SHA-1", options: { signers: [{ ...signer, digest: "sha1" }] }, shows: /sha1 \(/ },
  { name: "no attributes", options: { signers: [signer], noAttributes: true }, shows: /signedAttrs:\s+<ABSENT>/ },
  { name: "no capabilities", options: { signers: [signer], noCapabilities: true }, shows: /messageDigest/ },
  { name: "a key identifier", options: { signers: [signer], bySubjectKeyId: true }, shows: /d\.subjectKeyIdentifier/ },
] as const) {
  test(`openssl signs with ${name} and verifies it`, () => {
    const signed = openssl.sign(entity, { ...options, certificateFiles });
    assert.match(openssl.describe(signed), shows);
    assertSame(openssl.verify(signed, { anchorFile }), entity);
  });
}

test("openssl does not find a signer whose certificate is left out", () => {
  const signed = openssl.sign(entity, { signers: [signer], noCertificates: true });
  assert.match(openssl.verify(signed, { anchorFile }).said, /signer certificate not found/);
});

for (const { keyManagement, shows } of [
  { keyManagement: "rsa-v15", shows: /algorithm: rsaEncryption/ },
  { keyManagement: "rsa-oaep-sha1", shows: /algorithm: rsaesOaep/ },
  { keyManagement: "rsa-oaep-sha256", shows: /:sha256/ },
  { keyManagement: "rsa-oaep-sha384", shows: /:sha384/ },
  { keyManagement: "rsa-oaep-sha512", shows: /:sha512/ },
  { keyManagement: "rsa-oaep-sha256-mgf1-sha1", shows: /:sha256/ },
  { keyManagement: "ecdh-sha1", shows: /stdDH-sha1kdf/ },
  { keyManagement: "ecdh-sha256", shows: /stdDH-sha256kdf/ },
  { keyManagement: "ecdh-sha384", shows: /stdDH-sha384kdf/ },
  { keyManagement: "ecdh-sha512", shows: /stdDH-sha512kdf/ },
  { keyManagement: "ecdh-cofactor-sha256", shows: /cofactorDH-sha256kdf/ },
] as const) {
  for (const bySubjectKeyId of truths) {
    test(`openssl reads its own ${keyManagement}${bySubjectKeyId ? " by key identifier" : ""}`, () => {
      const keys = keyManagement.startsWith("rsa") ? rsa : ec;
      const recipients = [{ certificateFile: keys.certificateFile, keyManagement }];
      const encrypted = openssl.encrypt(entity, { recipients, bySubjectKeyId });
      assert.match(openssl.describe(encrypted), shows);
      assert.equal(/(d\.subjectKeyIdentifier|d\.rKeyId)/.test(openssl.describe(encrypted)), bySubjectKeyId);
      assertSame(openssl.decrypt(encrypted, keys), entity);
    });
  }
}

test("openssl applies key management to the recipient it stands beside", () => {
  const other = encryption("a.example", "rsa2048");
  const recipients = [
    { ...rsa, keyManagement: "rsa-oaep-sha256" },
    { ...ec, keyManagement: "ecdh-sha256" },
    { ...other, keyManagement: "rsa-v15" },
  ] as const;
  const encrypted = openssl.encrypt(entity, { recipients });
  for (const keys of [rsa, ec, other]) assertSame(openssl.decrypt(encrypted, keys), entity);
  const algorithms = [...openssl.describe(encrypted).matchAll(/algorithm: (rsa\w+|dh[\w-]+)/g)].map(
    (match) => match[1],
  );
  assert.deepEqual(algorithms, ["rsaEncryption", "rsaesOaep", "dhSinglePass-stdDH-sha256kdf-scheme"]); // a SET OF sorts
});

test("openssl decrypts nothing with a key that is not named", () => {
  const outcome = openssl.decrypt(openssl.encrypt(entity, { recipients: [ec] }), encryption("a.example", "p256"));
  assert.deepEqual([outcome.ok, outcome.octets.length], [false, 0]);
});

for (const { what, said } of [
  { what: "expired", said: /certificate has expired/ },
  { what: "notYetValid", said: /not yet valid/ },
  { what: "wrongKeyUsage", said: /unsuitable certificate purpose/ },
  { what: "caFlagMissing", said: /invalid CA certificate|unable to get local issuer/ },
  { what: "stranger", said: /unable to get local issuer/ },
] as const) {
  test(`openssl refuses the signer whose certificate is ${what}`, () => {
    const bad = misfit(what);
    const signed = openssl.sign(entity, { signers: [bad], certificateFiles: [bad.issuerFile, ...certificateFiles] });
    const outcome = openssl.verify(signed, { anchorFile });
    assert.equal(outcome.ok, false);
    assert.match(outcome.said, said);
  });
}

for (const what of ["wrongName", "noKeyUsage", "noAddress", "rsa1024", "sha1Signed"] as const) {
  test(`openssl by itself has no quarrel with the certificate that is ${what}`, () => {
    const signed = openssl.sign(entity, { signers: [misfit(what)], certificateFiles });
    assertSame(openssl.verify(signed, { anchorFile }), entity);
  });
}

test("a community without intermediate has its root issue", () => {
  const plain = makeCommunity({ authority: "rsa2048", intermediate: false });
  const signed = openssl.sign(entity, { signers: [plain.signing("a.example", "p256")] });
  assertSame(openssl.verify(signed, { anchorFile: plain.root.certificateFile }), entity);
});

for (const { kind, algorithm } of [
  { kind: "rsa2048", algorithm: "SHA256withRSA" },
  { kind: "rsa3072", algorithm: "SHA512withRSAandMGF1" },
  { kind: "p256", algorithm: "SHA256withECDSA" },
  { kind: "p384", algorithm: "SHA384withECDSA" },
  { kind: "p521", algorithm: "SHA512withECDSA" },
  { kind: "ed25519", algorithm: "Ed25519" },
] as const) {
  const keys = { ...signing("a.example", kind), algorithm };
  for (const encoding of ["der", "ber"] as const) {
    for (const form of ["opaque", "detached"] as const) {
      test(`Bouncy Castle signs with ${algorithm}, ${form} ${encoding}, for itself and OpenSSL`, async () => {
        const signed = await bouncyCastle.sign(entity, { signers: [keys], form, encoding, certificateFiles });
        const outside = form === "detached" ? { content: entity } : {};
        const { signers, content } = await bouncyCastle.verify(signed, outside);
        assert.deepEqual(signers, [true]);
        assert.ok(entity.equals(content));
        // OpenSSL's command line takes no signature that does its own hashing.
        if (kind !== "ed25519") assertSame(openssl.verify(signed, { anchorFile, ...outside }), entity);
      });
    }
  }

  test(`Bouncy Castle does not verify a spoilt ${algorithm}`, async () => {
    const signed = Buffer.from(await bouncyCastle.sign(entity, { signers: [keys], form: "detached" }));
    const spoilt = Buffer.from(entity);
    spoilt[100] = (spoilt[100] ?? 0) ^ 1;
    assert.deepEqual((await bouncyCastle.verify(signed, { content: spoilt })).signers, [false]);
    signed[signed.length - 5] = (signed[signed.length - 5] ?? 0) ^ 1;
    assert.deepEqual((await bouncyCastle.verify(signed, { content: entity })).signers, [false]);
  });
}

test("Bouncy Castle signs without attributes, by key identifier and with two signers", async () => {
  const signers = [
    { ...signer, algorithm: "SHA256withRSA" },
    { ...ecSigner, algorithm: "SHA256withECDSA" },
  ];
  for (const options of [{ noAttributes: true }, { bySubjectKeyId: true }, {}]) {
    const signed = await bouncyCastle.sign(entity, { signers, ...options, certificateFiles });
    assert.deepEqual((await bouncyCastle.verify(signed)).signers, [true, true]);
    assertSame(openssl.verify(signed, { anchorFile }), entity);
  }
});

for (const { kind, keyManagement } of [
  { kind: "rsa2048", keyManagement: "rsa-v15" },
  { kind: "rsa3072", keyManagement: "rsa-oaep-sha1" },
  { kind: "rsa2048", keyManagement: "rsa-oaep-sha256" },
  { kind: "p256", keyManagement: "ecdh-sha1" },
  { kind: "p256", keyManagement: "ecdh-sha256" },
  { kind: "p384", keyManagement: "ecdh-cofactor-sha256" },
  { kind: "p521", keyManagement: "ecdh-sha512" },
  { kind: "x25519", keyManagement: "ecdh-hkdf-sha256" },
] as const) {
  for (const cipher of ["aes128-cbc", "aes256-gcm", "aes256-ccm"] as const) {
    for (const encoding of ["der", "ber"] as const) {
      test(`Bouncy Castle encrypts ${cipher} by ${keyManagement}, ${encoding}, for itself and OpenSSL`, async () => {
        const keys = encryption("b.example", kind);
        const recipients = [{ ...keys, keyManagement }];
        for (const bySubjectKeyId of truths) {
          const encrypted = await bouncyCastle.encrypt(entity, { recipients, cipher, encoding, bySubjectKeyId });
          assert.ok(entity.equals(await bouncyCastle.decrypt(encrypted, keys)));
          // OpenSSL 3.0 knows neither CCM nor RFC 8418 in CMS.
          if (kind !== "x25519" && cipher !== "aes256-ccm") assertSame(openssl.decrypt(encrypted, keys), entity);
        }
      });
    }
  }
}

for (const keys of [rsa, ec]) {
  for (const cipher of ["aes-256-cbc", "aes-256-gcm"]) {
    for (const streamed of truths) {
      test(`Bouncy Castle reads ${streamed ? "streamed " : ""}${cipher} of OpenSSL for ${keys === rsa ? "RSA" : "EC"}`, async () => {
        const encrypted = Buffer.from(openssl.encrypt(entity, { recipients: [keys], cipher, streamed }));
        assert.ok(entity.equals(await bouncyCastle.decrypt(encrypted, keys)));
        await assert.rejects(bouncyCastle.decrypt(encrypted, encryption("a.example", "p384")), /no recipient/);
      });
    }
  }
}

test("Bouncy Castle refuses a spoilt tag", async () => {
  for (const keys of [rsa, ec]) {
    const spoilt = Buffer.from(openssl.encrypt(entity, { recipients: [keys], cipher: "aes-256-gcm" }));
    spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1;
    await assert.rejects(bouncyCastle.decrypt(spoilt, keys));
  }
});

test("Bouncy Castle opens what it protected through its S/MIME classes", async () => {
  const parties = { signer: { ...signer, algorithm: "SHA256withRSA" }, recipient: rsa };
  const text = Buffer.from(
    `Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${"A line\r\n".repeat(99)}`,
  );
  for (const form of ["opaque", "detached"] as const) {
    const made = await bouncyCastle.measure(text, { task: "protect", form, ...parties });
    const read = await bouncyCastle.measure(made.octets, { task: "open", form, ...parties });
    assert.ok(text.equals(read.octets));
  }
});

function assertSame(outcome: openssl.Outcome, expected: Uint8Array): void {
  assert.ok(outcome.ok, outcome.said);
  assert.ok(Buffer.from(outcome.octets).equals(expected), "the octets differ");
}
