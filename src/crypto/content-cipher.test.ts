import assert from "node:assert/strict";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { concat, hex, latin1, noOctets } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import {
  type ContentCipher,
  cipherSetting,
  ciphertextLength,
  contentCipherByOid,
  contentCiphers,
  decryptor,
  encryptor,
  formatCipherSetting,
  newContentKey,
  weaknessesOf,
} from "./content-cipher.ts";
import { parseAlgorithmIdentifier } from "./identifier.ts";

const octets = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");

function named(name: string): ContentCipher {
  const cipher = contentCiphers.get(name);
  assert.ok(cipher !== undefined, name);
  return cipher;
}

const gcmText =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
const gcmKey = "feffe9928665731c6d6a8f9467308308";

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4, 10, 16; RFC 8439, 2.8.2.
for (const { name, key, iv, aad, text, sealed, tag } of [
  {
    name: "aes128-gcm",
    key: gcmKey,
    iv: "cafebabefacedbaddecaf888",
    aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    text: gcmText,
    sealed:
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e" +
      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
    tag: "5bc94fbc3221a5db94fae95ae7121a47",
  },
  {
    name: "aes256-gcm",
    key: `${gcmKey}${gcmKey}`,
    iv: "cafebabefacedbaddecaf888",
    aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    text: gcmText,
    sealed:
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    tag: "76fc6ece0f4e1768cddf8853bb2d551b",
  },
  {
    name: "chacha20-poly1305",
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    iv: "070000004041424344454647",
    aad: "50515253c0c1c2c3c4c5c6c7",
    text: hex(
      latin1(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      ),
    ),
    sealed:
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
      "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
      "3ff4def08e4b7a9de576d26586cec64b6116",
    tag: "1ae10b594f09e26a7e902ecbd0600691",
  },
]) {
  test(`${name} gives the published ciphertext and tag, and takes nothing else`, () => {
    const setting = { cipher: named(name), iv: octets(iv) };
    const encrypt = encryptor(setting, octets(key), octets(aad));
    const [first, second] = [octets(text).subarray(0, 21), octets(text).subarray(21)];
    assert.equal(hex(concat([encrypt.update(first), encrypt.update(second), encrypt.final()])), sealed);
    assert.equal(hex(encrypt.tag()), tag);

    const decrypt = decryptor(setting, octets(key), octets(aad));
    assert.equal(hex(concat([decrypt.update(octets(sealed)), decrypt.final(octets(tag))])), text);
    for (const other of [octets(tag).with(15, 0), octets(tag).subarray(0, 12), new Uint8Array(0)]) {
      const again = decryptor(setting, octets(key), octets(aad));
      again.update(octets(sealed));
      assert.throws(() => again.final(other));
    }
  });
}

test("AES-CBC gives what SP 800-38A, F.2.5 has, and a block of padding behind it", () => {
  const setting = { cipher: named("aes256-cbc"), iv: octets("000102030405060708090a0b0c0d0e0f") };
  const key = octets("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  const encrypt = encryptor(setting, key);
  const sealed = concat([encrypt.update(octets("6bc1bee22e409f96e93d7e117393172a")), encrypt.final()]);
  assert.equal(hex(sealed.subarray(0, 16)), "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
  assert.equal(sealed.length, 32);
  assert.equal(encrypt.tag().length, 0);
});

for (const cipher of contentCiphers.values()) {
  test(`${cipher.name} comes back by its identifier and decrypts what it encrypted`, () => {
    const { key, setting } = newContentKey(cipher);
    assert.equal(setting.iv.length, cipher.ivOctets);
    assert.equal(contentCipherByOid(cipher.oid), cipher);
    assert.deepEqual(cipherSetting(parseAlgorithmIdentifier(formatCipherSetting(setting))), setting);
    assert.equal(key.length, cipher.keyOctets);
    for (const length of [0, 1, 15, 16, 17, 1000]) {
      const encrypt = encryptor(setting, key);
      const sealed = concat([encrypt.update(Buffer.alloc(length, "x")), encrypt.final()]);
      assert.equal(sealed.length, ciphertextLength(cipher, length));
      const decrypt = decryptor(setting, key);
      assert.equal(hex(concat([decrypt.update(sealed), decrypt.final(encrypt.tag())])), "78".repeat(length));
    }
  });
}

test("keys and nonces are new each time", () => {
  const cipher = named("aes256-gcm");
  const [one, other] = [newContentKey(cipher), newContentKey(cipher)];
  assert.notDeepEqual(one.key, other.key);
  assert.notDeepEqual(one.setting.iv, other.setting.iv);
});

const gcm = named("aes256-gcm").oid;
const nonce = der.octetString(new Uint8Array(12));

for (const { what, oid, parameters, code } of [
  { what: "an unknown cipher", oid: "1.2.3", parameters: nonce, code: "CRYPTO_UNSUPPORTED" },
  { what: "no parameters", oid: gcm, parameters: undefined, code: "CRYPTO_PARAMETERS" },
  { what: "the tag length that is the default", oid: gcm, parameters: der.sequence(nonce), code: "CRYPTO_WEAK" },
  { what: "a tag of 12 octets", oid: gcm, parameters: der.sequence(nonce, der.integer(12)), code: "CRYPTO_WEAK" },
  {
    what: "a nonce of 8 octets",
    oid: gcm,
    parameters: der.sequence(der.octetString(new Uint8Array(8)), der.integer(16)),
    code: "CRYPTO_WEAK",
  },
  { what: "a bare nonce", oid: gcm, parameters: nonce, code: "ASN1_MALFORMED" },
  {
    what: "an IV of 8 octets",
    oid: named("aes128-cbc").oid,
    parameters: der.octetString(new Uint8Array(8)),
    code: "CRYPTO_PARAMETERS",
  },
  { what: "GCM parameters", oid: named("aes128-cbc").oid, parameters: der.sequence(nonce), code: "ASN1_MALFORMED" },
  {
    what: "a nonce of 16 octets",
    oid: named("chacha20-poly1305").oid,
    parameters: der.octetString(new Uint8Array(16)),
    code: "CRYPTO_WEAK",
  },
]) {
  test(`an identifier with ${what} is refused`, () => {
    const identifier = parameters === undefined ? { oid } : { oid, parameters };
    assert.throws(
      () => cipherSetting(identifier),
      (failure) => isSecureMailError(failure, code),
    );
  });
}

for (const { what, oid, parameters } of [
  { what: "a tag of 11 octets", oid: gcm, parameters: der.sequence(nonce, der.integer(11)) },
  { what: "a tag of no octets", oid: gcm, parameters: der.sequence(nonce, der.integer(0)) },
  { what: "a tag of 17 octets", oid: gcm, parameters: der.sequence(nonce, der.integer(17)) },
  { what: "no nonce", oid: gcm, parameters: der.sequence(der.octetString(noOctets), der.integer(16)) },
  {
    what: "a nonce of more octets than OpenSSL takes",
    oid: gcm,
    parameters: der.sequence(der.octetString(new Uint8Array(129)), der.integer(16)),
  },
  {
    what: "another nonce for ChaCha20-Poly1305",
    oid: named("chacha20-poly1305").oid,
    parameters: der.octetString(new Uint8Array(8)),
  },
]) {
  test(`an identifier with ${what} is refused under legacy too`, () => {
    assert.throws(
      () => cipherSetting({ oid, parameters }, true),
      (failure) => isSecureMailError(failure, "CRYPTO_WEAK"),
    );
  });
}

test("under legacy a tag of 12 octets, which is the default, and any nonce are read and named", () => {
  const odd = cipherSetting({ oid: gcm, parameters: der.sequence(der.octetString(new Uint8Array(8))) }, true);
  assert.equal(odd.shortTag, 12);
  assert.deepEqual(weaknessesOf(odd), ["aes256-gcm with a tag of 12 octets", "aes256-gcm with a nonce of 8 octets"]);
  const usual = cipherSetting({ oid: gcm, parameters: der.sequence(nonce, der.integer(16)) }, true);
  assert.deepEqual(weaknessesOf(usual), []);
});
