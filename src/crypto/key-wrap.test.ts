import assert from "node:assert/strict";
import { test } from "node:test";
import { hex } from "../bytes.ts";
import { aesWrapFor, keyWrapOf, unwrapKey, wrapKey } from "./key-wrap.ts";

const octets = (text: string): Uint8Array => Buffer.from(text, "hex");
const upTo = (count: number): string => hex(Uint8Array.from({ length: count }, (_, at) => at));
const keyToWrap = "00112233445566778899aabbccddeeff";

// RFC 3394, 4.1 to 4.6.
for (const { key, wrapped, kekOctets } of [
  { kekOctets: 16, key: keyToWrap, wrapped: "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5" },
  { kekOctets: 24, key: keyToWrap, wrapped: "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d" },
  { kekOctets: 32, key: keyToWrap, wrapped: "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7" },
  {
    kekOctets: 24,
    key: `${keyToWrap}0001020304050607`,
    wrapped: "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2",
  },
  {
    kekOctets: 32,
    key: `${keyToWrap}000102030405060708090a0b0c0d0e0f`,
    wrapped: "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
  },
]) {
  test(`AES wrap of ${key.length / 2} octets under ${kekOctets} is what RFC 3394 has`, () => {
    const wrap = aesWrapFor(kekOctets);
    const kek = octets(upTo(kekOctets));
    assert.equal(hex(wrapKey(wrap, kek, octets(key))), wrapped);
    assert.equal(hex(unwrapKey(wrap, kek, octets(wrapped)) ?? octets("")), key);
  });
}

test("Triple-DES wrap is undone as RFC 3217, 3.4 has it", () => {
  const wrap = keyWrapOf({ oid: "1.2.840.113549.1.9.16.3.6" });
  assert.ok(wrap !== undefined);
  assert.equal(wrap.weak, true);
  const kek = octets("255e0d1c07b646dfb3134cc843ba8aa71f025b7c0838251f");
  const wrapped = octets("690107618ef092b3b48ca1796b234ae9fa33ebb4159604037db5d6a84eb3aac2768c632775a467d4");
  const key = "2923bf85e06dd6ae529149f1f1bae9eab3a7da3d860d3e98";
  assert.equal(hex(unwrapKey(wrap, kek, wrapped) ?? octets("")), key);
  assert.equal(unwrapKey(wrap, kek, wrapped.with(5, 0)), undefined);
});

test("what is not wrapped right is no key, whatever its length", () => {
  const kek = octets(upTo(32));
  const wrapped = wrapKey(aesWrapFor(32), kek, octets(keyToWrap));
  for (let at = 0; at < wrapped.length; at++) {
    const broken = wrapped.with(at, (wrapped[at] as number) ^ 1);
    assert.equal(unwrapKey(aesWrapFor(32), kek, broken), undefined);
    assert.equal(unwrapKey(aesWrapFor(32), kek, wrapped.subarray(at + 1)), undefined);
  }
  assert.equal(unwrapKey(aesWrapFor(32), kek.subarray(1), wrapped), undefined);
});

test("the wrap for a content key is as strong as it, and the strongest for odd lengths", () => {
  for (const [keyOctets, name] of [
    [16, "aes128-wrap"],
    [24, "aes192-wrap"],
    [32, "aes256-wrap"],
    [20, "aes256-wrap"],
  ] as const) {
    assert.equal(aesWrapFor(keyOctets).name, name);
  }
});
