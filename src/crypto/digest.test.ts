import assert from "node:assert/strict";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { hex, latin1 } from "../bytes.ts";
import { digestByOid, digestNamed, digestOctets, digestOf, digests, digestsOfMicalg, runningDigest } from "./digest.ts";

const abc = latin1("abc");

// FIPS 180-4 and FIPS 202, examples: "abc".
for (const [name, value] of [
  ["sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"],
  ["sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["sha3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"],
] as const) {
  test(`${name} of "abc" is what the standard has, at once and as it streams`, () => {
    const digest = digestNamed(name);
    assert.equal(hex(digestOctets(digest, abc)), value);
    const running = runningDigest(digest);
    for (const octet of abc) running.update(Uint8Array.of(octet));
    assert.equal(hex(running.final()), value);
    assert.equal(value.length / 2, digest.octets);
  });
}

for (const digest of digests.values()) {
  test(`${digest.name} comes back by its identifier and by what micalg calls it`, () => {
    assert.equal(digestByOid(digest.oid), digest);
    assert.equal(digestOf({ oid: digest.oid }), digest);
    assert.equal(digestOf({ oid: digest.oid, parameters: der.nullElement() }), digest);
    assert.equal(digestOf({ oid: digest.oid, parameters: der.integer(1) }), undefined);
    assert.deepEqual(digestsOfMicalg(digest.micalg), [digest]);
  });
}

for (const { micalg, names } of [
  { micalg: "sha-256, sha-512", names: ["sha256", "sha512"] },
  { micalg: "SHA256", names: ["sha256"] },
  { micalg: "sha1", names: ["sha1"] },
  { micalg: "rsa-sha1", names: ["sha1"] },
  { micalg: "md5", names: [] },
  { micalg: "", names: [] },
]) {
  test(`micalg=${JSON.stringify(micalg)} announces ${names.join(" and ") || "nothing"}`, () => {
    assert.deepEqual(
      digestsOfMicalg(micalg).map(({ name }) => name),
      names,
    );
  });
}
