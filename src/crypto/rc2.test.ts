import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { withPeers } from "../../test/peers.ts";
import { concat } from "../bytes.ts";
import { rc2DecryptBlock, rc2Decryptor } from "./rc2.ts";

const longKey = "88bca90e90875a7f0f79c384627bafb2";

// RFC 2268, 5.
for (const { key, bits, plain, cipher } of [
  { key: "0000000000000000", bits: 63, plain: "0000000000000000", cipher: "ebb773f993278eff" },
  { key: "ffffffffffffffff", bits: 64, plain: "ffffffffffffffff", cipher: "278b27e42e2f0d49" },
  { key: "3000000000000000", bits: 64, plain: "1000000000000001", cipher: "30649edf9be7d2c2" },
  { key: "88", bits: 64, plain: "0000000000000000", cipher: "61a8a244adacccf0" },
  { key: "88bca90e90875a", bits: 64, plain: "0000000000000000", cipher: "6ccf4308974c267f" },
  { key: longKey, bits: 64, plain: "0000000000000000", cipher: "1a807d272bbe5db1" },
  { key: longKey, bits: 128, plain: "0000000000000000", cipher: "2269552ab0f85ca6" },
  {
    key: `${longKey}16f80a6f85920584c42fceb0be255daf1e`,
    bits: 129,
    plain: "0000000000000000",
    cipher: "5b78d3a43dfff1f1",
  },
]) {
  test(`RC2 decrypts the RFC 2268 vector ${cipher}`, () => {
    const block = rc2DecryptBlock(Buffer.from(key, "hex"), bits, Buffer.from(cipher, "hex"));
    assert.equal(Buffer.from(block).toString("hex"), plain);
  });
}

withPeers(["openssl"], 1, () => {
  test("RC2-CBC agrees with OpenSSL, however the ciphertext is cut", () => {
    const plain = Buffer.from("Attack at dawn, and bring the long ladders. ".repeat(9));
    const made = spawnSync(
      "openssl",
      ["enc", "-provider", "legacy", "-provider", "default", "-rc2-cbc", "-K", longKey, "-iv", "0102030405060708"],
      { input: plain },
    );
    assert.equal(made.status, 0, made.stderr.toString());
    for (const step of [1, 7, 8, 9, 64, 1000]) {
      const decryptor = rc2Decryptor(Buffer.from(longKey, "hex"), 128, Buffer.from("0102030405060708", "hex"));
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < made.stdout.length; at += step)
        pieces.push(decryptor.update(made.stdout.subarray(at, at + step)));
      pieces.push(decryptor.final(new Uint8Array(0)));
      assert.deepEqual(Buffer.from(concat(pieces)), plain);
    }
  });
});

test("RC2-CBC refuses what does not end in padding", () => {
  const fresh = () => rc2Decryptor(Buffer.from(longKey, "hex"), 128, new Uint8Array(8));
  assert.throws(() => fresh().final(new Uint8Array(0)));
  const cut = fresh();
  cut.update(new Uint8Array(7));
  assert.throws(() => cut.final(new Uint8Array(0)));
  const wrong = fresh();
  wrong.update(new Uint8Array(16));
  assert.throws(() => wrong.final(new Uint8Array(0)), { code: "CRYPTO_PARAMETERS" });
});
