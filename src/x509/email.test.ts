import assert from "node:assert/strict";
import { test } from "node:test";
import { formatEmailAddress, parseEmailAddress } from "./email.ts";

for (const { text, address } of [
  { text: "domain-signing-authority@a.example", address: "domain-signing-authority@a.example" },
  { text: "Alice.B+tag@Partner.Example", address: "Alice.B+tag@partner.example" },
  { text: "x@xn--bcher-kva.example", address: "x@xn--bcher-kva.example" },
  { text: "!#$%&'*+/=?^_`{|}~-@a1.b-2.example", address: "!#$%&'*+/=?^_`{|}~-@a1.b-2.example" },
]) {
  test(`${text} is read as ${address}`, () => {
    const parsed = parseEmailAddress(text);
    assert.equal(parsed && formatEmailAddress(parsed), address);
  });
}

for (const { text, why } of [
  { text: "", why: "nothing" },
  { text: "a.example", why: "a bare domain" },
  { text: "@a.example", why: "no local part" },
  { text: "x@", why: "no domain" },
  { text: "x@y@a.example", why: "two @" },
  { text: ".x@a.example", why: "a leading dot" },
  { text: "x..y@a.example", why: "two dots in a row" },
  { text: '"x y"@a.example', why: "a quoted local part" },
  { text: "x@localhost", why: "a single label" },
  { text: "x@[192.0.2.1]", why: "an address literal" },
  { text: "x@192.0.2.1", why: "an IPv4 address" },
  { text: "x@a.example.", why: "a dot at the end" },
  { text: "x@-a.example", why: "a label that begins with a hyphen" },
  { text: "x@a_b.example", why: "an underscore in the domain" },
  { text: "x@\u212Aelvin.example", why: "a character that folds to ASCII" },
  { text: "x@b\u00fccher.example", why: "a U-label" },
  { text: `${"x".repeat(65)}@a.example`, why: "a local part of 65 octets" },
  { text: `x@${"a".repeat(64)}.example`, why: "a label of 64 octets" },
  { text: `x@${"a.".repeat(124)}example`, why: "a domain of 255 octets" },
]) {
  test(`${why} is no identity`, () => assert.equal(parseEmailAddress(text), undefined));
}
