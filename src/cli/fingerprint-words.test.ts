import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { fingerprintWordLists, spokenFingerprint, wordsOf } from "./fingerprint-words.ts";

test("both lists hold 256 words, each once, and are the published ones", () => {
  for (const list of fingerprintWordLists) assert.equal(new Set(list.map((word) => word.toLowerCase())).size, 256);
  const lists = fingerprintWordLists.map((list) => list.join("\n")).join("\n");
  assert.equal(hash("sha256", lists), "e9b7b0052233a74aa56724ed3f79c272036aed68d8f4c0856e833c8043b9ac62");
});

test("the fingerprint that explains the list everywhere reads as it does there", () => {
  const octets = Buffer.from("E58294F2E9A227486E8B061B31CC528FD7FA3F19", "hex");
  assert.equal(
    wordsOf(octets).join(" "),
    "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless",
  );
});

test("sixteen words are spoken for a certificate", () => {
  const sha256 = hash("sha256", "certificate");
  assert.equal(spokenFingerprint(sha256).length, 16);
  assert.notDeepEqual(spokenFingerprint(sha256), spokenFingerprint(hash("sha256", "another")));
});
