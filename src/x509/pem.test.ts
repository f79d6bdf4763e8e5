import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { concat, latin1 } from "../bytes.ts";
import { privateKeyOf } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import { issueCertificate } from "./certificate-writer.ts";
import { encodeName } from "./name.ts";
import { certificatesInFile, readFileObjects } from "./pem.ts";

const pair = generateKeyPairSync("ed25519");
const [one, two] = await Promise.all(
  ["One", "Two"].map((name) =>
    issueCertificate(
      {
        subject: encodeName(["CN", name]),
        spki: pair.publicKey.export({ format: "der", type: "spki" }),
        serial: Uint8Array.of(1),
        notBefore: new Date("2026-01-01T00:00:00Z"),
        notAfter: new Date("2027-01-01T00:00:00Z"),
      },
      privateKeyOf(pair.privateKey, pair.publicKey),
    ),
  ),
);
assert.ok(one !== undefined && two !== undefined);

function pem(label: string, octets: Uint8Array, lineEnd: string = "\n"): string {
  const lines =
    Buffer.from(octets)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join(lineEnd);
}

/** Certificates in a SignedData without signers, as a .p7b file has them. */
function p7b(...certificates: readonly Uint8Array[]): Uint8Array {
  const content = der.sequence(der.oid("1.2.840.113549.1.7.1"));
  const set = der.element(0xa0, ...certificates);
  const signedData = der.sequence(der.integer(1), der.setOf(), content, set, der.setOf());
  return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.explicit(0, signedData));
}

/** The same in BER with indefinite lengths around the set, as older programs write it. */
function indefiniteP7b(...certificates: readonly Uint8Array[]): Uint8Array {
  const end = Uint8Array.of(0, 0);
  const content = der.sequence(der.oid("1.2.840.113549.1.7.1"));
  return concat([
    ...[Uint8Array.of(0x30, 0x80), der.oid("1.2.840.113549.1.7.2"), Uint8Array.of(0xa0, 0x80, 0x30, 0x80)],
    ...[der.integer(1), der.setOf(), content, Uint8Array.of(0xa0, 0x80), ...certificates, end, der.setOf()],
    ...[end, end, end],
  ]);
}

for (const { form, file } of [
  { form: "PEM", file: latin1(pem("CERTIFICATE", one) + pem("CERTIFICATE", two)) },
  { form: "PEM with CRLF", file: latin1(pem("CERTIFICATE", one, "\r\n") + pem("X509 CERTIFICATE", two, "\r\n")) },
  {
    form: "PEM with words around it",
    file: latin1(`subject=One\n${pem("CERTIFICATE", one)}\nBag\n${pem("CERTIFICATE", two)}end`),
  },
  {
    form: "PEM beside a key",
    file: latin1(`${pem("PRIVATE KEY", new Uint8Array(9))}${pem("CERTIFICATE", one)}${pem("CERTIFICATE", two)}`),
  },
  { form: "PKCS #7 in DER", file: p7b(one, two) },
  { form: "PKCS #7 in BER", file: indefiniteP7b(one, two) },
  { form: "PKCS #7 in PEM", file: latin1(pem("PKCS7", p7b(one, two))) },
  { form: "CMS in PEM", file: latin1(pem("CMS", p7b(one, two))) },
]) {
  test(`two certificates are read from ${form}`, () => {
    assert.deepEqual(
      certificatesInFile(file, "f").map(({ subject }) => subject),
      ["CN=One", "CN=Two"],
    );
  });
}

test("one certificate is read from DER", () => {
  assert.deepEqual(
    certificatesInFile(one, "f").map(({ subject }) => subject),
    ["CN=One"],
  );
});

const broken = Uint8Array.from(one);
broken[6] = 0xff;
for (const { what, file, message } of [
  { what: "nothing", file: "", message: /^ca\.pem: neither PEM nor DER/ },
  { what: "only a key", file: pem("PRIVATE KEY", Uint8Array.of(1)), message: /^ca\.pem: holds no certificate/ },
  {
    what: "no end line",
    file: pem("CERTIFICATE", one).slice(0, -30),
    message: /^ca\.pem: object 1 \(CERTIFICATE\): -----END CERTIFICATE----- is missing/,
  },
  {
    what: "a foreign character",
    file: pem("CERTIFICATE", one).replace("MI", "M*"),
    message: /object 1 .* base64 is broken/,
  },
  {
    what: "a lost character",
    file: pem("CERTIFICATE", one).replace("MI", "M"),
    message: /object 1 .* base64 is broken/,
  },
  {
    what: "a broken second one",
    file: pem("CERTIFICATE", one) + pem("CERTIFICATE", broken),
    message: /^ca\.pem: object 2 \(CERTIFICATE\) at offset \d{3}: .*\(.*offset \d+\)$/,
  },
]) {
  test(`a certificate file with ${what} is refused with file, object and place`, () => {
    assert.throws(
      () => certificatesInFile(latin1(file), "ca.pem"),
      (thrown) => isSecureMailError(thrown, "PEM_MALFORMED") && message.test(thrown.message),
    );
  });
}

test("a file of a hundred thousand begin lines is refused at once", () => {
  const file = latin1("-----BEGIN A-----\n".repeat(100_000));
  const started = performance.now();
  assert.throws(() => readFileObjects(file, "f"), isSecureMailError);
  assert.ok(performance.now() - started < 1000);
});
