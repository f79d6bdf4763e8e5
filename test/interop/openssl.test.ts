// Postern and the openssl command line read each other: every algorithm pair, both ways, DER and streamed BER, opaque
// and detached. What comes out at the reader's end is compared by SHA-256 with what went in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, latin1 } from "../../src/bytes.ts";
import type { EncryptedLayerReport, OpenReport, SignedLayerReport } from "../../src/smime.ts";
import {
  certificatesOf,
  mailAround,
  type Opening,
  objectIn,
  openMessage,
  openObject,
  own,
  type Protection,
  protectMessage,
  splitEntity,
} from "../codec.ts";
import { withPeers } from "../peers.ts";
import { runPostern } from "../program.ts";
import { type Credential, community, type EncryptionKind, type SigningKind } from "./community.ts";
import { assertSame, entity, letter, outerFields, posternPayload, product } from "./letter.ts";
import * as openssl from "./peers/openssl.ts";

const signatures: readonly { name: string; kind: SigningKind; digest: "sha256" | "sha384" | "sha512"; pss?: true }[] = [
  { name: "rsa-v15-sha256", kind: "rsa2048", digest: "sha256" },
  { name: "rsa-v15-sha384", kind: "rsa2048", digest: "sha384" },
  { name: "rsa-v15-sha512", kind: "rsa3072", digest: "sha512" },
  { name: "rsa-pss-sha256", kind: "rsa2048", digest: "sha256", pss: true },
  { name: "rsa-pss-sha384", kind: "rsa3072", digest: "sha384", pss: true },
  { name: "rsa-pss-sha512", kind: "rsa2048", digest: "sha512", pss: true },
  { name: "ecdsa-sha256", kind: "p256", digest: "sha256" },
  { name: "ecdsa-sha384", kind: "p384", digest: "sha384" },
  { name: "ecdsa-sha512", kind: "p521", digest: "sha512" },
];

const managements: readonly { name: openssl.KeyManagement; kind: EncryptionKind }[] = [
  { name: "rsa-v15", kind: "rsa2048" },
  { name: "rsa-oaep-sha1", kind: "rsa2048" },
  { name: "rsa-oaep-sha256", kind: "rsa3072" },
  { name: "rsa-oaep-sha384", kind: "rsa2048" },
  { name: "rsa-oaep-sha512", kind: "rsa2048" },
  { name: "rsa-oaep-sha256-mgf1-sha1", kind: "rsa2048" },
  { name: "ecdh-sha1", kind: "p256" },
  { name: "ecdh-sha256", kind: "p256" },
  { name: "ecdh-sha384", kind: "p384" },
  { name: "ecdh-sha512", kind: "p521" },
  { name: "ecdh-cofactor-sha256", kind: "p256" },
];

const forms = ["opaque", "detached"] as const;
const encodings = ["DER", "BER"] as const;
const identifiers = ["issuer", "ski"] as const;

withPeers(["openssl"], 330, () => {
  signatureTests();
  keyManagementTests();
  cipherTests();
  severalTests();
  odditiesTests();
  programTests();
});

function signatureTests(): void {
  for (const { name, kind, digest, pss = false } of signatures) {
    const signer = { ...community().signing("a.example", kind), digest, pss };

    for (const [form, encoding] of product(forms, encodings)) {
      test(`openssl verifies ${name} of Postern, ${form} ${encoding}`, async () => {
        const protection = { ...(await signedBy(signer)), signature: name, form, ber: encoding === "BER" };
        assertSame(readSigned(await protectMessage(letter, protection)), posternPayload);
      });
    }

    // OpenSSL 3.0 encodes the still empty PSS parameters of a signature that it has not made yet, and gives up.
    for (const encoding of pss ? (["DER"] as const) : encodings) {
      test(`Postern verifies ${name} of openssl, opaque ${encoding}`, async () => {
        const object = openssl.sign(entity, {
          signers: [signer],
          certificateFiles: issuerFiles(),
          streamed: encoding === "BER",
        });
        const inMail = await openMessage(mailAround(object, "signed-data", outerFields), await trusting());
        assert.deepEqual(signedLayer(inMail.report), { form: "opaque", encoding, algorithm: name, code: "OK" });
        assertSame(inMail.octets, letter);
        assertSame((await openObject(object, await trusting())).octets, entity);
      });
    }

    test(`Postern verifies ${name} of openssl, detached`, async () => {
      const options = { signers: [signer], certificateFiles: issuerFiles(), form: "detached" } as const;
      const mail = openssl.sign(entity, { ...options, format: "smime", crlf: true });
      const inMail = await openMessage(concat([latin1(outerFields), mail]), await trusting());
      assert.deepEqual(signedLayer(inMail.report), { form: "detached", encoding: "DER", algorithm: name, code: "OK" });
      assertSame(inMail.octets, letter);
      const object = openssl.sign(entity, options);
      const bare = await openObject(object, { ...(await trusting()), content: entity });
      assert.equal(bare.report.code, "SIGNED_ONLY");
      assertSame(bare.octets, entity);
    });
  }

  test("openssl cannot stream PSS", () => {
    const signers = [{ ...community().signing("a.example", "rsa2048"), pss: true }];
    assert.throws(() => openssl.sign(entity, { signers, streamed: true }), /illegal zero content/);
  });
}

function keyManagementTests(): void {
  for (const [{ name, kind }, recipientId, encoding] of product(managements, identifiers, encodings)) {
    const keys = community().encryption("b.example", kind);

    test(`openssl decrypts ${name} by ${recipientId} of Postern, ${encoding}`, async () => {
      const protection = { keyManagement: name, recipientId, ber: encoding === "BER" } as const;
      const mail = await protectMessage(letter, { ...(await sealedFor([keys])), ...protection });
      assertSame(readSealed(mail, keys), posternPayload);
    });

    test(`Postern decrypts ${name} by ${recipientId} of openssl, ${encoding}`, async () => {
      const recipients = [{ ...keys, keyManagement: name }];
      const options = { recipients, bySubjectKeyId: recipientId === "ski", streamed: encoding === "BER" };
      const { report, octets } = await openSealed(openssl.encrypt(signedInside(), options), keys);
      assert.equal(report.code, "OK");
      assert.deepEqual(encryptedLayer(report), { cipher: "aes256-cbc", encoding, keys: [name] });
      assertSame(octets, letter);
    });
  }

  // RFC 5753 leaves the hash of the KDF to the sender, and OpenSSL's own choice is SHA-1: not a signature, not weak.
  test("Postern reads what openssl writes for EC where nobody chooses", async () => {
    const keys = community().encryption("b.example", "p256");
    const { report, octets } = await openSealed(openssl.encrypt(signedInside(), { recipients: [keys] }), keys);
    assert.equal(report.code, "OK");
    assert.deepEqual(encryptedLayer(report).keys, ["ecdh-sha1"]);
    assertSame(octets, letter);
  });
}

function cipherTests(): void {
  const ciphers = product([128, 192, 256], ["cbc", "gcm"]).map(([bits, mode]) => [`aes${bits}`, `aes-${bits}`, mode]);
  for (const [[ours, theirs, mode], kind, encoding] of product(ciphers, ["rsa2048", "p256"] as const, encodings)) {
    const keys = community().encryption("b.example", kind);
    const cipher = `${ours}-${mode}`;

    for (const [form, innerEncoding] of product(forms, ["base64", "binary"] as const)) {
      test(`openssl decrypts ${cipher} for ${kind} of Postern, ${encoding}, ${form} in ${innerEncoding}`, async () => {
        const protection = { cipher, form, innerEncoding, ber: encoding === "BER" };
        const mail = await protectMessage(letter, { ...(await sealedFor([keys])), ...protection });
        assertSame(readSealed(mail, keys), posternPayload);
      });
    }

    for (const form of forms) {
      test(`Postern decrypts ${cipher} for ${kind} of openssl, ${encoding}, ${form}`, async () => {
        const options = { recipients: [keys], cipher: `${theirs}-${mode}`, streamed: encoding === "BER" };
        const { report, octets } = await openSealed(openssl.encrypt(signedInside({ form }), options), keys);
        assert.equal(report.code, "OK");
        const { cipher: read, encoding: readEncoding } = encryptedLayer(report);
        assert.deepEqual([read, readEncoding], [cipher, encoding]);
        assertSame(octets, letter);
      });
    }
  }

  // OpenSSL 3.0 has no ChaCha20-Poly1305 in CMS: it can say what stands there, and we read it ourselves.
  const shape =
    /algorithm: (?:undefined|id-alg-AEADChaCha20Poly1305) \(1\.2\.840\.113549\.1\.9\.16\.3\.18\)\s+parameter: OCTET STRING/;
  for (const [kind, encoding] of product(["rsa2048", "p256"] as const, encodings)) {
    test(`ChaCha20-Poly1305 for ${kind} comes back from an envelope as RFC 8103 has it, ${encoding}`, async () => {
      const keys = community().encryption("b.example", kind);
      const protection = { cipher: "chacha20-poly1305", ber: encoding === "BER" };
      const mail = await protectMessage(letter, { ...(await sealedFor([keys])), ...protection });
      assert.match(openssl.describe(mail, "smime"), shape);
      const { report, octets } = await openMessage(mail, await trusting(keys));
      assert.equal(report.code, "OK");
      assertSame(octets, letter);
    });
  }
}

function severalTests(): void {
  const { signing, encryption } = community();
  const parties = [
    encryption("b.example", "rsa2048"),
    encryption("b.example", "p256"),
    encryption("a.example", "p384"),
  ];
  const signers = [signing("a.example", "p256"), signing("a.example", "rsa2048")];

  for (const [form, encoding] of product(forms, encodings)) {
    test(`two signers and three recipients of Postern are right to openssl, ${form} ${encoding}`, async () => {
      const protection = { ...(await signedBy(...signers)), form, ber: encoding === "BER" };
      const mail = await protectMessage(letter, { ...(await sealedFor(parties)), ...protection });
      for (const keys of parties) assertSame(readSealed(mail, keys), posternPayload);
    });

    test(`two signers and three recipients of openssl are right to Postern, ${form} ${encoding}`, async () => {
      const inner = signedInside({ signers, form });
      const sealed = openssl.encrypt(inner, { recipients: parties, streamed: encoding === "BER" });
      for (const keys of parties) {
        const { report, octets } = await openSealed(sealed, keys);
        const codes = (report.layers[1] as SignedLayerReport).signers.map(({ code }) => code);
        assert.deepEqual([report.code, codes], ["OK", ["OK", "OK"]]);
        assertSame(octets, letter);
      }
    });
  }
}

function odditiesTests(): void {
  const { signing, encryption, misfit } = community();
  const signer = signing("a.example", "p256");
  const keys = encryption("b.example", "rsa2048");

  for (const cipher of ["aes256-cbc", "aes256-gcm"]) {
    test(`what Postern calls DER is what openssl writes of it, ${cipher}`, async () => {
      const both = [keys, encryption("b.example", "p256")];
      const recipients = await certificatesOf(...both.map(({ certificateFile }) => certificateFile));
      for (const layer of [await signedBy(signer, signing("a.example", "rsa2048")), { recipients, cipher }]) {
        const object = objectIn(await protectMessage(letter, layer));
        assertSame(openssl.rewrite(object), object);
      }
    });
  }

  test("Postern reads openssl's signature by key identifier", async () => {
    const object = openssl.sign(entity, { signers: [signer], certificateFiles: issuerFiles(), bySubjectKeyId: true });
    assert.equal((await openObject(object, await trusting())).report.code, "SIGNED_ONLY");
  });

  // Content and signed attributes could be taken for each other (security A05).
  test("a signature without attributes is right with the legacy option only", async () => {
    const object = openssl.sign(entity, { signers: [signer], certificateFiles: issuerFiles(), noAttributes: true });
    assert.equal((await openObject(object, await trusting())).report.code, "WEAK");
    assert.equal((await openObject(object, { ...(await trusting()), legacy: true })).report.code, "SIGNED_ONLY");
  });

  for (const { what, make } of [
    { what: "Triple-DES", make: () => openssl.encrypt(signedInside(), { recipients: [keys], cipher: "des3" }) },
    {
      what: "a SHA-1 signature",
      make: () => openssl.encrypt(signedInside({ signers: [{ ...signer, digest: "sha1" }] }), { recipients: [keys] }),
    },
    {
      what: "a signer's key of 1024 bits",
      make: () => openssl.encrypt(signedInside({ signers: [misfit("rsa1024")] }), { recipients: [keys] }),
    },
  ]) {
    test(`${what} of openssl is weak, and enough with the legacy option`, async () => {
      const sealed = make();
      assert.equal((await openSealed(sealed, keys)).report.code, "WEAK");
      const { report, octets } = await openSealed(sealed, keys, { legacy: true });
      assert.equal(report.code, "OK");
      assert.match(JSON.stringify(report.layers), /"weak":\["[^"]+/);
      assertSame(octets, letter);
    });
  }

  // `openssl cms -verify` reads multipart/signed line by line. Without -binary it takes all CR and LF off each line and
  // joins them by CRLF, so what it checks is a text of its own making. With -binary it takes lines to end in LF: of the
  // CRLF that belongs to the next delimiter (RFC 2046, 5.1.1) only the LF goes, the CR stays with the content, and no
  // digest fits. Only -binary together with -crlfeol checks the octets as they stand.
  test("openssl checks the octets of a detached signature only with -binary and -crlfeol", async () => {
    const text = "Content-Type: text/plain\r\n\r\na line\r\nand a bare CR\rinside\r\r\n";
    const signed = signedInside({ content: Buffer.from(text), form: "detached" });
    const { report, octets } = await openMessage(signed, await trusting());
    assert.equal(report.code, "SIGNED_ONLY");
    assert.equal(octets?.toString("latin1"), `MIME-Version: 1.0\r\n${text}`);
    const outcome = (canonicalize: boolean, crlf: boolean): { ok: boolean; octets: string } => {
      const read = openssl.verify(signed, { anchorFile: anchorFile(), format: "smime", canonicalize, crlf });
      return { ok: read.ok, octets: Buffer.from(read.octets).toString("latin1") };
    };
    assert.deepEqual(outcome(false, true), { ok: true, octets: text });
    assert.deepEqual(outcome(false, false), { ok: false, octets: `${text}\r` });
    assert.deepEqual(outcome(true, false), { ok: false, octets: text.replace("\r\r\n", "\r\n") });
  });
}

function programTests(): void {
  for (const [profile, kind] of product(["L", "B", "M", "E"], ["rsa2048", "p256"] as const)) {
    const { signing, encryption } = community();
    const keys = encryption("b.example", kind);
    const signer = signing("a.example", kind);
    const modern = /[ME]/.test(profile);

    test(`openssl reads what bin/postern protects for ${kind} by profile ${profile}`, async () => {
      const args = ["protect", "--sign-key", signer.keyFile, "--sign-cert", signer.certificateFile];
      args.push("--chain", community().issuer.certificateFile, "--recipient-cert", keys.certificateFile);
      const { status, stdout, stderr } = await runPostern([...args, "--profile", profile], letter);
      assert.equal(status, 0, stderr);
      assertSame(readSealed(stdout, keys), posternPayload);
    });

    test(`bin/postern opens what openssl protects for ${kind} as in profile ${profile}`, async () => {
      const inner = signedInside({ signers: [{ ...signer, pss: modern && kind === "rsa2048" }] });
      const keyManagement = kind === "p256" ? "ecdh-sha256" : modern ? "rsa-oaep-sha256" : "rsa-v15";
      const cipher = profile === "M" ? "aes-256-gcm" : "aes-256-cbc";
      const sealed = openssl.encrypt(inner, { recipients: [{ ...keys, keyManagement }], cipher, streamed: true });
      const args = ["open", "--key", keys.keyFile, "--cert", keys.certificateFile, "--trust", anchorFile()];
      const { status, stdout, stderr } = await runPostern(args, mailAround(sealed, "enveloped-data", outerFields));
      assert.equal(status, 0, stderr);
      assertSame(stdout, letter);
    });
  }
}

function anchorFile(): string {
  return community().root.certificateFile;
}

function issuerFiles(): string[] {
  return [community().issuer.certificateFile];
}

async function trusting(...keyFiles: readonly openssl.Keys[]): Promise<Opening> {
  const anchors = await certificatesOf(anchorFile());
  return { anchors, domain: "a.example", keys: await Promise.all(keyFiles.map(own)) };
}

async function signedBy(...signers: readonly openssl.Keys[]): Promise<Protection> {
  return { signers: await Promise.all(signers.map(own)), chain: await certificatesOf(...issuerFiles()) };
}

async function sealedFor(parties: readonly Credential[]): Promise<Protection> {
  const recipients = await certificatesOf(...parties.map(({ certificateFile }) => certificateFile));
  return { ...(await signedBy(community().signing("a.example", "p256"))), recipients };
}

/** What OpenSSL reads in a signed mail; where its body is binary, in the CMS object behind the header. */
function readSigned(signed: Uint8Array): Uint8Array {
  const { header, body } = splitEntity(signed);
  const binary = /^Content-Transfer-Encoding: binary\r\n/m.test(header);
  return good(
    binary
      ? openssl.verify(body, { anchorFile: anchorFile() })
      : openssl.verify(signed, { anchorFile: anchorFile(), format: "smime", crlf: true }),
  );
}

function readSealed(mail: Uint8Array, keys: openssl.Keys): Uint8Array {
  return readSigned(good(openssl.decrypt(mail, keys, "smime")));
}

function good({ ok, octets, said }: openssl.Outcome): Uint8Array {
  assert.ok(ok, said);
  return octets;
}

type Inside = Partial<Pick<openssl.SignOptions, "signers" | "form">> & { readonly content?: Uint8Array };

/** A signed MIME entity by OpenSSL, to be encrypted. */
function signedInside({ content = entity, form = "opaque", signers }: Inside = {}): Uint8Array {
  const signedBy = signers ?? [community().signing("a.example", "p256")];
  return openssl.sign(content, {
    signers: signedBy,
    certificateFiles: issuerFiles(),
    form,
    format: "smime",
    crlf: true,
  });
}

async function openSealed(
  object: Uint8Array,
  keys: openssl.Keys,
  options: Opening = {},
): ReturnType<typeof openMessage> {
  return openMessage(mailAround(object, "enveloped-data", outerFields), { ...(await trusting(keys)), ...options });
}

function signedLayer({ layers, code }: OpenReport): object {
  assert.equal(code, "SIGNED_ONLY");
  const { form, encoding, signers } = layers[0] as SignedLayerReport;
  assert.equal(signers.length, 1);
  return { form, encoding: plain(encoding), algorithm: signers[0]?.algorithm, code: signers[0]?.code };
}

function encryptedLayer({ layers }: OpenReport): { cipher: string; encoding: string; keys: unknown[] } {
  const { contentEncryption, encoding, recipients } = layers[0] as EncryptedLayerReport;
  return {
    cipher: contentEncryption,
    encoding: plain(encoding),
    keys: recipients.map(({ algorithm }) => algorithm),
  };
}

function plain(encoding: string): string {
  return encoding === "BER-indefinite" ? "BER" : encoding;
}
