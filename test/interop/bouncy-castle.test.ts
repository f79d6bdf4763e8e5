// Postern and Bouncy Castle read each other: what the openssl command line cannot (Ed25519, X25519 with HKDF, streamed
// PSS, attributes beside authenticated content), and the rest once more by a second, independent implementation.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { EncryptedLayerReport, SignedLayerReport } from "../../src/smime.ts";
import {
  certificatesOf,
  detachedPartsIn,
  mailAround,
  type OpenedMessage,
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
import { type Credential, community, type EncryptionKind, type SigningKind } from "./community.ts";
import { assertSame, entity, letter, outerFields, posternPayload, product } from "./letter.ts";
import * as bouncyCastle from "./peers/bouncy-castle.ts";

const signatures: readonly { name: string; kind: SigningKind; javaName: string }[] = [
  { name: "rsa-v15-sha256", kind: "rsa2048", javaName: "SHA256withRSA" },
  { name: "rsa-v15-sha512", kind: "rsa3072", javaName: "SHA512withRSA" },
  { name: "rsa-v15-sha3-256", kind: "rsa2048", javaName: "SHA3-256withRSA" },
  { name: "rsa-pss-sha256", kind: "rsa2048", javaName: "SHA256withRSAandMGF1" },
  { name: "rsa-pss-sha384", kind: "rsa2048", javaName: "SHA384withRSAandMGF1" },
  { name: "rsa-pss-sha512", kind: "rsa3072", javaName: "SHA512withRSAandMGF1" },
  { name: "ecdsa-sha256", kind: "p256", javaName: "SHA256withECDSA" },
  { name: "ecdsa-sha384", kind: "p384", javaName: "SHA384withECDSA" },
  { name: "ecdsa-sha512", kind: "p521", javaName: "SHA512withECDSA" },
  { name: "ed25519", kind: "ed25519", javaName: "Ed25519" },
];

const managements: readonly { name: string; kind: EncryptionKind }[] = [
  { name: "rsa-v15", kind: "rsa2048" },
  { name: "rsa-oaep-sha1", kind: "rsa2048" },
  { name: "rsa-oaep-sha256", kind: "rsa3072" },
  { name: "rsa-oaep-sha512", kind: "rsa2048" },
  { name: "ecdh-sha1", kind: "p256" },
  { name: "ecdh-sha256", kind: "p256" },
  { name: "ecdh-sha384", kind: "p384" },
  { name: "ecdh-sha512", kind: "p521" },
  { name: "ecdh-cofactor-sha256", kind: "p256" },
  { name: "ecdh-hkdf-sha256", kind: "x25519" },
  { name: "ecdh-hkdf-sha384", kind: "x25519" },
  { name: "ecdh-hkdf-sha512", kind: "x25519" },
];

const forms = ["opaque", "detached"] as const;
const encodings = ["der", "stream"] as const;
const identifiers = ["issuer", "ski"] as const;

withPeers(["openssl", "default-jdk-headless", "libbcmail-java"], 256, () => {
  signatureTests();
  keyManagementTests();
  cipherTests();
  severalTests();
});

function signatureTests(): void {
  for (const [{ name, kind, javaName }, form, encoding] of product(signatures, forms, encodings)) {
    const signer = community().signing("a.example", kind);

    test(`Bouncy Castle verifies ${name} of Postern, ${form} ${encoding}`, async () => {
      const protection = { ...(await signedBy(signer)), signature: name, form, ber: encoding === "stream" };
      assertSame(await readSigned(await protectMessage(letter, protection)), posternPayload);
    });

    test(`Postern verifies ${name} of Bouncy Castle, ${form} ${encoding}`, async () => {
      const signers = [{ ...signer, algorithm: javaName }];
      const object = await bouncyCastle.sign(entity, { signers, form, encoding, certificateFiles: issuerFiles() });
      const detached = form === "detached" ? { content: entity } : {};
      const { report, octets } = await openObject(object, { ...(await trusting()), ...detached });
      assert.deepEqual([report.code, report.reason], ["SIGNED_ONLY", undefined]);
      const layer = report.layers[0] as SignedLayerReport;
      assert.deepEqual([layer.form, layer.encoding, layer.signers[0]?.algorithm], [form, written(encoding), name]);
      assertSame(octets, entity);
    });
  }
}

function keyManagementTests(): void {
  for (const [{ name, kind }, recipientId] of product(managements, identifiers)) {
    const keys = community().encryption("b.example", kind);

    for (const ber of [false, true]) {
      test(`Bouncy Castle decrypts ${name} by ${recipientId} of Postern, ${ber ? "BER" : "DER"}`, async () => {
        const protection = { keyManagement: name, recipientId, ber };
        const mail = await protectMessage(letter, { ...(await sealedFor(keys)), ...protection });
        assertSame(await readSealed(mail, keys), posternPayload);
      });
    }

    for (const encoding of encodings) {
      test(`Postern decrypts ${name} by ${recipientId} of Bouncy Castle, ${encoding}`, async () => {
        const options = { recipients: [{ ...keys, keyManagement: name }], bySubjectKeyId: recipientId === "ski" };
        const sealed = await bouncyCastle.encrypt(await signedInside(), { ...options, encoding });
        assertOpened(await openSealed(sealed, keys), { encoding: written(encoding), management: name });
      });
    }
  }
}

function cipherTests(): void {
  const kinds = ["rsa2048", "p256", "x25519"] as const;
  for (const [bits, mode, kind, encoding] of product([128, 192, 256], ["cbc", "gcm"], kinds, ["der", "ber"] as const)) {
    const keys = community().encryption("b.example", kind);
    const cipher = `aes${bits}-${mode}`;

    test(`Bouncy Castle decrypts ${cipher} for ${kind} of Postern, ${encoding}`, async () => {
      const mail = await protectMessage(letter, { ...(await sealedFor(keys)), cipher, ber: encoding === "ber" });
      assertSame(await readSealed(mail, keys), posternPayload);
    });

    test(`Postern decrypts ${cipher} for ${kind} of Bouncy Castle, ${encoding}`, async () => {
      const sealed = await bouncyCastle.encrypt(await signedInside(), {
        ...recipientsOf(keys, kind),
        cipher,
        encoding,
      });
      assertOpened(await openSealed(sealed, keys), { encoding: written(encoding), cipher });
    });
  }

  for (const [kind, encoding] of product(["rsa2048", "x25519"] as const, ["der", "ber"] as const)) {
    test(`Postern reads attributes beside what Bouncy Castle authenticates for ${kind}, ${encoding}`, async () => {
      const keys = community().encryption("b.example", kind);
      const options = { ...recipientsOf(keys, kind), cipher: "aes256-gcm", encoding, withAttributes: true };
      const sealed = Buffer.from(await bouncyCastle.encrypt(await signedInside(), options));
      assertOpened(await openSealed(sealed, keys), { cipher: "aes256-gcm" });
      // The same attributes stand there twice, authenticated first, and only those count (RFC 5083, 2.2).
      const signingTime = Buffer.from("06092a864886f70d010905", "hex");
      const [first, second] = [sealed.indexOf(signingTime), sealed.lastIndexOf(signingTime)];
      assert.ok(first >= 0 && second > first);
      const changed = (at: number): Buffer => {
        const copy = Buffer.from(sealed);
        copy[at + signingTime.length + 6] = 0x39; // a digit of the year
        return copy;
      };
      assert.equal((await openSealed(changed(first), keys)).report.code, "BAD_CONTENT");
      assert.equal((await openSealed(changed(second), keys)).report.code, "OK");
    });
  }
}

function severalTests(): void {
  const { signing, encryption } = community();
  const parties = (["rsa2048", "p384", "x25519"] as const).map((kind) => encryption("b.example", kind));
  const signers = (["ed25519", "p256", "rsa2048"] as const).map((kind) => signing("a.example", kind));

  for (const form of forms) {
    test(`three signers and three recipients of Postern are right to Bouncy Castle, ${form}`, async () => {
      const mail = await protectMessage(letter, {
        ...(await sealedFor(...parties)),
        ...(await signedBy(...signers)),
        form,
      });
      for (const keys of parties) assertSame(await readSealed(mail, keys), posternPayload);
    });
  }

  for (const encoding of encodings) {
    test(`three signers and three recipients of Bouncy Castle are right to Postern, ${encoding}`, async () => {
      const algorithms = ["Ed25519", "SHA256withECDSA", "SHA256withRSA"];
      const named = signers.map((signer, at) => ({ ...signer, algorithm: algorithms[at] ?? "" }));
      const managements = ["rsa-oaep-sha256", "ecdh-sha384", "ecdh-hkdf-sha256"];
      const recipients = parties.map((keys, at) => ({ ...keys, keyManagement: managements[at] ?? "" }));
      const sealed = await bouncyCastle.encrypt(await signedInside(named, encoding), { recipients, encoding });
      for (const keys of parties) {
        const opened = await openSealed(sealed, keys);
        assertOpened(opened, {});
        const codes = (opened.report.layers[1] as SignedLayerReport).signers.map(({ code }) => code);
        assert.deepEqual(codes, ["OK", "OK", "OK"]);
      }
    });
  }
}

function issuerFiles(): string[] {
  return [community().issuer.certificateFile];
}

async function trusting(...keyFiles: readonly Credential[]): Promise<Opening> {
  const anchors = await certificatesOf(community().root.certificateFile);
  return { anchors, domain: "a.example", keys: await Promise.all(keyFiles.map(own)) };
}

async function signedBy(...signers: readonly Credential[]): Promise<Protection> {
  return { signers: await Promise.all(signers.map(own)), chain: await certificatesOf(...issuerFiles()) };
}

async function sealedFor(...parties: readonly Credential[]): Promise<Protection> {
  const recipients = await certificatesOf(...parties.map(({ certificateFile }) => certificateFile));
  return { ...(await signedBy(community().signing("a.example", "ed25519"))), recipients };
}

function recipientsOf(keys: Credential, kind: "rsa2048" | "p256" | "x25519"): { recipients: bouncyCastle.Recipient[] } {
  const keyManagement = { rsa2048: "rsa-oaep-sha256", p256: "ecdh-sha256", x25519: "ecdh-hkdf-sha256" }[kind];
  return { recipients: [{ ...keys, keyManagement }] };
}

/** What Bouncy Castle says is signed; it must find all signatures good. */
async function readSigned(signed: Uint8Array): Promise<Uint8Array> {
  const detached = /^Content-Type: multipart\/signed/m.test(splitEntity(signed).header);
  const parts = detached ? detachedPartsIn(signed) : { signature: objectIn(signed) };
  const { signature, ...outside } = parts;
  const { signers, content } = await bouncyCastle.verify(signature, outside);
  assert.ok(signers.length > 0 && signers.every((right) => right));
  return content;
}

async function readSealed(mail: Uint8Array, keys: Credential): Promise<Uint8Array> {
  return readSigned(await bouncyCastle.decrypt(objectIn(mail), keys));
}

/** A signed MIME entity by Bouncy Castle, to be encrypted. */
async function signedInside(
  signers: readonly bouncyCastle.Signer[] = [{ ...community().signing("a.example", "ed25519"), algorithm: "Ed25519" }],
  encoding: "der" | "ber" | "stream" = "der",
): Promise<Uint8Array> {
  const object = await bouncyCastle.sign(entity, { signers, encoding, certificateFiles: issuerFiles() });
  return mailAround(object, "signed-data", "");
}

async function openSealed(object: Uint8Array, keys: Credential): Promise<OpenedMessage> {
  return openMessage(mailAround(object, "enveloped-data", outerFields), await trusting(keys));
}

type Expected = { readonly encoding?: string; readonly cipher?: string; readonly management?: string };

function assertOpened({ report, octets }: OpenedMessage, expected: Expected): void {
  assert.deepEqual([report.code, report.reason], ["OK", undefined]);
  const { encoding, contentEncryption, recipients } = report.layers[0] as EncryptedLayerReport;
  const found = { encoding, cipher: contentEncryption, management: recipients[0]?.algorithm };
  assert.deepEqual({ ...found, ...expected }, found);
  assertSame(octets, letter);
}

function written(encoding: "der" | "ber" | "stream"): string {
  return encoding === "der" ? "DER" : "BER-indefinite";
}
