import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withPeers } from "../../test/peers.ts";
import { equalOctets } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { looksLikePkcs12, readPkcs12 } from "./pkcs12.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-pkcs12-"));
after(() => rmSync(folder, { recursive: true }));

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync("openssl", args, { cwd: folder });
  assert.equal(status, 0, stderr.toString());
}

function storeMadeWith(...options: string[]): Uint8Array {
  openssl("pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", "store.p12", ...options);
  return readFileSync(join(folder, "store.p12"));
}

withPeers(["openssl"], 11, () => {
  openssl(
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem".split(" "),
    "-subj",
    "/CN=treasury.example",
  );

  for (const { how, options } of [
    { how: "AES and SHA-256", options: [] },
    { how: "the defaults before OpenSSL 3: RC2-40 and Triple-DES", options: ["-legacy"] },
    { how: "RC2-128", options: ["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-2DES"] },
    { how: "certificates in clear", options: ["-certpbe", "NONE"] },
    { how: "the key in clear", options: ["-keypbe", "NONE"] },
    { how: "PBES2 with Triple-DES", options: ["-certpbe", "DES-EDE3-CBC"] },
    { how: "a SHA-512 integrity check", options: ["-macalg", "sha512"] },
    { how: "no integrity check", options: ["-nomac"] },
  ]) {
    test(`a PKCS #12 store made with ${how} opens with its password and with no other`, () => {
      const store = storeMadeWith("-passout", "pass:sesame", ...options);
      assert.ok(looksLikePkcs12(store));
      const { keys, certificates } = readPkcs12(store, "sesame");
      assert.equal(keys.length, 1);
      assert.equal(certificates.length, 1);
      assert.equal(certificates[0]?.certificate.subject, "CN=treasury.example");
      assert.ok(equalOctets(keys[0]?.localKeyId as Uint8Array, certificates[0]?.localKeyId as Uint8Array));
      assert.throws(
        () => readPkcs12(store, "Sesame"),
        (thrown) => isSecureMailError(thrown, "PKCS12_PASSWORD", "PKCS12_MALFORMED"),
      );
    });
  }

  test("a password outside of ASCII opens what OpenSSL made with it", () => {
    assert.equal(readPkcs12(storeMadeWith("-passout", "pass:Größe→€"), "Größe→€").keys.length, 1);
  });

  test("an empty password opens a store that was made with one", () => {
    assert.equal(readPkcs12(storeMadeWith("-passout", "pass:"), "").keys.length, 1);
  });

  test("a store cut or changed anywhere is refused with a code, never with a crash", () => {
    const store = storeMadeWith("-passout", "pass:sesame", "-legacy");
    for (let at = 0; at < store.length; at += 7) {
      const changed = Uint8Array.from(store);
      changed[at] = (changed[at] as number) ^ 0x41;
      for (const broken of [changed, store.subarray(0, at)]) {
        assert.throws(() => readPkcs12(broken, "sesame"), isSecureMailError);
      }
    }
  });
});
