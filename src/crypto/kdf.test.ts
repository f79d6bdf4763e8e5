import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../bytes.ts";
import { digestNamed } from "./digest.ts";
import { hkdf, x963Kdf } from "./kdf.ts";

const octets = (text: string): Uint8Array => Buffer.from(text, "hex");

// NIST CAVP, component testing, ansx963_2001.
for (const { digest, secret, sharedInfo, derived } of [
  {
    digest: "sha1",
    secret: "1c7d7b5f0597b03d06a018466ed1a93e30ed4b04dc64ccdd",
    sharedInfo: "",
    derived: "bf71dffd8f4d99223936beb46fee8ccc",
  },
  {
    digest: "sha256",
    secret: "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08",
    sharedInfo: "",
    derived: "443024c3dae66b95e6f5670601558f71",
  },
  {
    digest: "sha256",
    secret: "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
    sharedInfo: "75eef81aa3041e33b80971203d2c0c52",
    derived:
      "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e52a13d9c7c6fc878c50c5ea0bc7b00e0" +
      "da2447cfd874f6cf92f30d0097111485500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269" +
      "142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21",
  },
] as const) {
  test(`the X9.63 derivation with ${digest} gives ${derived.length / 2} octets as NIST has them`, () => {
    const made = x963Kdf(digestNamed(digest), octets(secret), octets(sharedInfo), derived.length / 2);
    assert.equal(hex(made), derived);
  });
}

test("fewer octets of an X9.63 derivation are the start of more, across the borders of blocks", () => {
  const derive = (length: number): string => hex(x963Kdf(digestNamed("sha256"), octets("01"), octets("02"), length));
  for (const length of [1, 31, 32, 33, 63, 64, 65]) assert.equal(derive(length), derive(200).slice(0, 2 * length));
});

test("HKDF gives what RFC 5869, A.1 and A.3 have", () => {
  const sha256 = digestNamed("sha256");
  const secret = octets("0b".repeat(22));
  assert.equal(
    hex(hkdf(sha256, secret, octets("000102030405060708090a0b0c"), octets("f0f1f2f3f4f5f6f7f8f9"), 42)),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
  assert.equal(
    hex(hkdf(sha256, secret, undefined, new Uint8Array(0), 42)),
    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  );
});
