import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { authority, certify, rsaPair } from "../../test/mint.ts";
import { withPeers } from "../../test/peers.ts";
import { withVectors } from "../../test/vectors.ts";
import { isSecureMailError } from "../errors.ts";
import { loadCertificates, loadCrls, loadKey, loadPassword } from "./file-keys.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-keys-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(contents: string | Uint8Array): string {
  const file = join(folder, `file-${++files}`);
  writeFileSync(file, contents);
  return file;
}

function pem(label: string, octets: Uint8Array): string {
  const lines =
    Buffer.from(octets)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

const root = await authority("Root");
const rsa = await certify("rsa", { issuer: root, pair: rsaPair(2048) });
const ec = await certify("ec", { issuer: root });
const certificateFile = (party: typeof rsa) => write(pem("CERTIFICATE", party.certificate.octets));
const password = write("sesame\n");
const wrongPassword = write("Sesame\n");
const encrypted = { cipher: "aes-256-cbc", passphrase: "sesame" };
const exported = (key: KeyObject, options: object) => key.export(options as { format: "pem"; type: "pkcs8" });

for (const { form, party, options } of [
  { form: "PKCS #8 in PEM", party: ec, options: { format: "pem", type: "pkcs8" } },
  { form: "PKCS #8 in DER", party: ec, options: { format: "der", type: "pkcs8" } },
  { form: "PKCS #1 in PEM", party: rsa, options: { format: "pem", type: "pkcs1" } },
  { form: "PKCS #1 in DER", party: rsa, options: { format: "der", type: "pkcs1" } },
  { form: "SEC 1 in PEM", party: ec, options: { format: "pem", type: "sec1" } },
  { form: "SEC 1 in DER", party: ec, options: { format: "der", type: "sec1" } },
]) {
  test(`a key in ${form} is loaded with its certificate`, async () => {
    const key = write(exported(party.pair.privateKey, options));
    const entry = await loadKey({ key, certificate: certificateFile(party) });
    assert.ok(entry.privateKey.equals(party.pair.privateKey));
    assert.equal(entry.certificate?.sha256, party.certificate.sha256);
    assert.deepEqual(entry.chain, []);
  });
}

for (const { form, party, options } of [
  { form: "PKCS #8 in PEM", party: ec, options: { format: "pem", type: "pkcs8", ...encrypted } },
  { form: "PKCS #8 in DER", party: ec, options: { format: "der", type: "pkcs8", ...encrypted } },
  { form: "the old PEM form", party: rsa, options: { format: "pem", type: "pkcs1", ...encrypted } },
]) {
  test(`an encrypted key in ${form} opens with its password and no other`, async () => {
    const key = write(exported(party.pair.privateKey, options));
    assert.ok((await loadKey({ key, password })).privateKey.equals(party.pair.privateKey));
    await assert.rejects(loadKey({ key, password: wrongPassword }), { code: "KEY_PASSWORD", message: /does not open/ });
    await assert.rejects(loadKey({ key }), { code: "KEY_PASSWORD", message: /name the file with its password/ });
  });
}

test("one file may hold key, certificate and chain", async () => {
  const key = exported(ec.pair.privateKey, { format: "pem", type: "pkcs8" });
  const certificates = [root, ec].map(({ certificate }) => pem("CERTIFICATE", certificate.octets)).join("");
  const entry = await loadKey({ key: write(`${certificates}${key}`) });
  assert.equal(entry.certificate?.subject, "CN=ec");
  assert.deepEqual(
    entry.chain.map(({ subject }) => subject),
    ["CN=Root"],
  );
});

test("of two keys in a file the one of the certificate is taken", async () => {
  const keys = [rsa, ec].map(({ pair }) => exported(pair.privateKey, { format: "pem", type: "pkcs8" })).join("");
  const entry = await loadKey({ key: write(keys), certificate: certificateFile(ec) });
  assert.equal(entry.privateKey.asymmetricKeyType, "ec");
  await assert.rejects(loadKey({ key: write(keys) }), { code: "KEY_UNREADABLE", message: /holds 2 private keys/ });
});

test("a key without any certificate is a key", async () => {
  const { privateKey } = generateKeyPairSync("x25519");
  const entry = await loadKey({ key: write(exported(privateKey, { format: "pem", type: "pkcs8" })) });
  assert.ok(!("certificate" in entry));
});

test("a certificate of another key is a mismatch, with both files named", async () => {
  const key = write(exported(ec.pair.privateKey, { format: "pem", type: "pkcs8" }));
  const certificate = certificateFile(rsa);
  await assert.rejects(
    loadKey({ key, certificate }),
    (thrown) =>
      isSecureMailError(thrown, "KEY_MISMATCH") && thrown.message.includes(key) && thrown.message.includes(certificate),
  );
});

for (const { what, contents } of [
  { what: "nothing", contents: "" },
  { what: "text", contents: "my key is under the mat\n" },
  { what: "a certificate in PEM", contents: pem("CERTIFICATE", ec.certificate.octets) },
  { what: "a certificate in DER", contents: ec.certificate.octets },
  { what: "a public key", contents: exported(ec.pair.publicKey, { format: "pem", type: "spki" }) },
  { what: "broken base64", contents: "-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----\n" },
  { what: "an armour around nothing of use", contents: pem("PRIVATE KEY", Uint8Array.of(0x30, 3, 2, 1, 0)) },
  { what: "DER of something else", contents: Uint8Array.of(0x30, 3, 2, 1, 0) },
  { what: "cut DER", contents: exported(ec.pair.privateKey, { format: "der", type: "pkcs8" }).slice(0, 60) },
]) {
  test(`a key file with ${what} is refused by name`, async () => {
    const key = write(contents);
    await assert.rejects(
      loadKey({ key }),
      (thrown) => isSecureMailError(thrown, "KEY_UNREADABLE") && thrown.message.startsWith(key),
    );
  });
}

test("a file that is not there is told by name and reason", async () => {
  const missing = join(folder, "missing.pem");
  const loads = [
    () => loadKey({ key: missing }),
    ...[loadCertificates, loadCrls, loadPassword].map((load) => () => load(missing)),
  ];
  for (const load of loads) {
    await assert.rejects(load, { code: "KEY_FILE", message: `${missing}: cannot be read (ENOENT)` });
  }
});

test("a password is the first line of its file, blanks included", async () => {
  assert.equal(await loadPassword(write(" p w \r\nsecond\n")), " p w ");
  assert.equal(await loadPassword(write("")), "");
});

withPeers(["openssl"], 1, () => {
  test("a PKCS #12 store brings key, certificate and chain", async () => {
    const key = write(exported(ec.pair.privateKey, { format: "pem", type: "pkcs8" }));
    const [certificate, chain] = [certificateFile(ec), certificateFile(root)];
    const store = join(folder, "store.p12");
    const made = spawnSync("openssl", [
      ...["pkcs12", "-export", "-in", certificate, "-inkey", key, "-certfile", chain],
      ...["-out", store, "-passout", "pass:sesame"],
    ]);
    assert.equal(made.status, 0, made.stderr.toString());
    const entry = await loadKey({ key: store, password });
    assert.equal(entry.certificate?.subject, "CN=ec");
    assert.deepEqual(
      entry.chain.map(({ subject }) => subject),
      ["CN=Root"],
    );
    await assert.rejects(loadKey({ key: store, password: wrongPassword }), { code: "KEY_PASSWORD" });
    await assert.rejects(loadKey({ key: store }), { code: "KEY_PASSWORD", message: /name the file/ });
  });
});

withVectors("mimekit-keys", 1, (vectors) => {
  test("the stores of MimeKit, as Windows and OpenSSL make them, open", async () => {
    const secret = write("no.secret");
    const stores = [
      { file: "certificate-authority.pfx", chain: 0 },
      { file: "intermediate2.pfx", chain: 2 },
      { file: "rsa/smime.pfx", chain: 3 },
      { file: "dsa/smime.pfx", chain: 3 },
      { file: "nochain/smime.pfx", chain: 0 },
    ];
    for (const { file, chain } of stores) {
      const entry = await loadKey({ key: join(vectors, file), password: secret });
      assert.ok(entry.certificate !== undefined);
      assert.equal(entry.chain.length, chain);
    }
    // Its certificate describes the curve in full.
    const spelled = loadKey({ key: join(vectors, "ec/smime.pfx"), password: secret });
    await assert.rejects(spelled, { code: "KEY_UNREADABLE", message: /curve without a name/ });
  });
});
