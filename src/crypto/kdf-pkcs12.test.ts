import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { withPeers } from "../../test/peers.ts";
import { hex } from "../bytes.ts";
import { digestNamed } from "./digest.ts";
import { pkcs12Kdf } from "./kdf-pkcs12.ts";

const smeg = "0073006d006500670000";
const queeg = "007100750065006500670000";

// The vectors that circulate since the first implementations (password "smeg", "queeg").
for (const { id, password, salt, iterations, octets, derived } of [
  {
    id: 1,
    password: smeg,
    salt: "0a58cf64530d823f",
    iterations: 1,
    octets: 24,
    derived: "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3",
  },
  { id: 2, password: smeg, salt: "0a58cf64530d823f", iterations: 1, octets: 8, derived: "79993dfe048d3b76" },
  {
    id: 3,
    password: smeg,
    salt: "3d83c0e4546ac140",
    iterations: 1,
    octets: 20,
    derived: "8d967d88f6caa9d714800ab3d48051d63f73a312",
  },
  {
    id: 1,
    password: queeg,
    salt: "05dec959acff72f7",
    iterations: 1000,
    octets: 24,
    derived: "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4",
  },
  { id: 2, password: queeg, salt: "05dec959acff72f7", iterations: 1000, octets: 8, derived: "11dedad7758d4860" },
  {
    id: 3,
    password: queeg,
    salt: "263216fcc2fab31c",
    iterations: 1000,
    octets: 20,
    derived: "5ec4c7a80df652294c3925b6489a7ab857c83476",
  },
] as const) {
  test(`the PKCS #12 derivation gives ${derived}`, () => {
    const made = pkcs12Kdf(
      digestNamed("sha1"),
      id,
      Buffer.from(password, "hex"),
      Buffer.from(salt, "hex"),
      iterations,
      octets,
    );
    assert.equal(hex(made), derived);
  });
}

withPeers(["openssl"], 1, () => {
  test("the PKCS #12 derivation agrees with OpenSSL for longer hashes and outputs", () => {
    for (const [digest, octets] of [
      ["sha256", 100],
      ["sha512", 150],
    ] as const) {
      const salt = "00112233445566778899aabbccddeeff";
      const options = [`digest:${digest}`, `hexpass:${queeg}`, `hexsalt:${salt}`, "iter:7", "id:1"].flatMap((o) => [
        "-kdfopt",
        o,
      ]);
      const openssl = spawnSync("openssl", ["kdf", "-binary", "-keylen", String(octets), ...options, "PKCS12KDF"]);
      assert.equal(openssl.status, 0, openssl.stderr.toString());
      const ours = pkcs12Kdf(digestNamed(digest), 1, Buffer.from(queeg, "hex"), Buffer.from(salt, "hex"), 7, octets);
      assert.equal(hex(ours), openssl.stdout.toString("hex"));
    }
  });
});
