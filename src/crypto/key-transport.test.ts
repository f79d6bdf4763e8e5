import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { hex, latin1 } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { parseAlgorithmIdentifier } from "./identifier.ts";
import { privateKeyOf } from "./key.ts";
import { keyTransportNamed, keyTransportOf, rsaOaep, transportKey } from "./key-transport.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const own = privateKeyOf(rsa.privateKey, rsa.publicKey);
const contentKey = randomBytes(32);
const names = ["rsa-v15", "rsa-oaep-sha1", "rsa-oaep-sha256", "rsa-oaep-sha384", "rsa-oaep-sha512"];

for (const name of [...names, "rsa-oaep-sha256-mgf1-sha1", "rsa-oaep-sha1-mgf1-sha512"]) {
  test(`${name} comes back by name and identifier and carries a key`, async () => {
    const transport = keyTransportNamed(name);
    assert.ok(transport !== undefined);
    assert.equal(transport.name, name);
    assert.equal(keyTransportOf(parseAlgorithmIdentifier(transport.identifier))?.name, name);
    const encryptedKey = transportKey(transport, rsa.publicKey, contentKey);
    assert.deepEqual(await own.decrypt(transport, encryptedKey), contentKey);
    assert.notDeepEqual(transportKey(transport, rsa.publicKey, contentKey), encryptedKey);
  });
}

for (const name of names.slice(1)) {
  test(`a key by ${name} is none by any other way`, async () => {
    const encryptedKey = transportKey(keyTransportNamed(name) ?? rsaOaep("sha1"), rsa.publicKey, contentKey);
    for (const other of names.filter((one) => one !== name)) {
      const found = await own.decrypt(keyTransportNamed(other) ?? rsaOaep("sha1"), encryptedKey);
      // PKCS #1 v1.5 gives octets that mean nothing (security A49), the others nothing at all.
      if (other === "rsa-v15") assert.notDeepEqual(found, contentKey);
      else assert.equal(found, undefined);
    }
  });
}

test("a label has to be the same on both sides", async () => {
  const labelled = rsaOaep("sha256", "sha256", latin1("label"));
  const encryptedKey = transportKey(labelled, rsa.publicKey, contentKey);
  assert.deepEqual(await own.decrypt(labelled, encryptedKey), contentKey);
  assert.equal(await own.decrypt(rsaOaep("sha256"), encryptedKey), undefined);
  const source = der.sequence(der.oid("1.2.840.113549.1.1.9"), der.octetString(latin1("label")));
  const identifier = { oid: "1.2.840.113549.1.1.7", parameters: der.sequence(der.explicit(2, source)) };
  assert.equal(hex(keyTransportOf(identifier)?.nodeOptions.oaepLabel ?? new Uint8Array(0)), hex(latin1("label")));
});

test("what is not padded right comes out as the same octets each time", async () => {
  const v15 = keyTransportNamed("rsa-v15") ?? rsaOaep("sha1");
  const garbage = Buffer.concat([Buffer.of(1), randomBytes(255)]);
  const found = await own.decrypt(v15, garbage);
  assert.ok(found !== undefined);
  assert.deepEqual(await own.decrypt(v15, garbage), found);
});

test("names and identifiers of other algorithms are none", () => {
  for (const name of ["rsa", "rsa-oaep", "rsa-oaep-md5", "ecdh-sha256", ""])
    assert.equal(keyTransportNamed(name), undefined);
  assert.equal(keyTransportOf({ oid: "1.2.3" }), undefined);
});

test("only RSA keys carry keys", async () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const v15 = keyTransportNamed("rsa-v15") ?? rsaOaep("sha1");
  assert.throws(
    () => transportKey(v15, ec.publicKey, contentKey),
    (failure) => isSecureMailError(failure, "CRYPTO_KEY"),
  );
  assert.equal(await privateKeyOf(ec.privateKey, ec.publicKey).decrypt(v15, contentKey), undefined);
});
