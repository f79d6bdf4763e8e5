// What files of keys hold, told by the real program.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { withPeers } from "../../test/peers.ts";
import { runPostern } from "../../test/program.ts";
import { keyFile, openCommunity } from "../demo/community.ts";
import { loadCertificates } from "../keystore.ts";
import { spokenFingerprint } from "./fingerprint-words.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-key-"));
after(() => rmSync(folder, { recursive: true }));
await openCommunity(folder);
const [key, cert] = (["pem", "crt"] as const).map((kind) => keyFile(folder, "treasury.example", "sign", kind)) as [
  string,
  string,
];
const [certificate] = await loadCertificates(cert);

async function show(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["key", "show", ...args]);
  return { status, out: stdout.toString(), said: stderr };
}

test("a key and its certificate are shown, with the words to compare", async () => {
  const { status, out } = await show(key, "--cert", cert);
  assert.equal(status, 0);
  assert.match(out, /^private key +RSA 2048\ncertificate +belongs to the key\n\n {2}signing +CN=Postern of treasury/);
  assert.ok(certificate !== undefined);
  const words = spokenFingerprint(certificate.sha256);
  for (const at of [0, 4, 8, 12]) assert.ok(out.includes(`${words.slice(at, at + 4).join(" ")}\n`), out);
});

test("a certificate alone, and a key alone, are shown too", async () => {
  assert.match((await show(cert)).out, /^private key +none in this file\n\n {2}signing +CN=/);
  assert.match((await show(key)).out, /^private key +RSA 2048\ncertificate +none in this file\n$/);
});

test("the same as data", async () => {
  const { privateKey, certificate: shown, others } = JSON.parse((await show(key, "--cert", cert, "--json")).out);
  assert.deepEqual([privateKey, shown.sha256, others], ["RSA 2048", certificate?.sha256, []]);
});

for (const [why, args, status, said] of [
  [
    "halves that do not match",
    [key, "--cert", keyFile(folder, "treasury.example", "encrypt", "crt")],
    65,
    /is not the certificate of the key in/,
  ],
  ["a file that is neither", [path.join(folder, "members.ldif")], 65, /members\.ldif/],
  ["a broken key beside a certificate", [path.join(folder, "broken.pem")], 65, /broken\.pem: object 1 \(PRIVATE KEY\)/],
  ["a file that is not there", [path.join(folder, "none.pem")], 69, /none\.pem: cannot be read/],
  ["no file", [], 64, /show needs a file/],
] as const) {
  test(`${why}: exit ${status}`, async () => {
    writeFileSync(path.join(folder, "broken.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    const shown = await show(...args);
    assert.equal(shown.status, status, shown.out);
    assert.match(shown.said, said);
  });
}

test("verbs of later versions are refused by name", async () => {
  const { status, stderr } = await runPostern(["key", "roll"]);
  assert.equal(status, 64);
  assert.match(stderr, /^postern key: roll: /);
});

withPeers(["openssl"], 1, () => {
  test("a PKCS #12 store opens with its password and without it is 65", async () => {
    const [store, password] = [path.join(folder, "store.p12"), path.join(folder, "password")];
    writeFileSync(password, "sesame\n");
    const made = spawnSync("openssl", [
      "pkcs12",
      "-export",
      "-in",
      cert,
      "-inkey",
      key,
      "-out",
      store,
      "-passout",
      "pass:sesame",
    ]);
    assert.equal(made.status, 0, made.stderr.toString());
    assert.match((await show(store, "--password-file", password)).out, /belongs to the key/);
    const closed = await show(store);
    assert.equal(closed.status, 65);
    assert.match(closed.said, /store\.p12: is encrypted/);
  });
});
