import assert from "node:assert/strict";
import { test } from "node:test";
import { der } from "../asn1.ts";
import { hex, latin1 } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { digestNamed } from "./digest.ts";
import {
  formatOaepParameters,
  formatPssParameters,
  parseOaepParameters,
  parsePssParameters,
} from "./rsa-parameters.ts";

const octets = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");
const names = ["sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256"] as const;

// As openssl writes them, and RFC 4055, 6 spells them out.
test("RSASSA-PSS parameters are written as others do, defaults left out", () => {
  assert.equal(
    hex(formatPssParameters(digestNamed("sha256"))),
    "3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
  );
  assert.equal(hex(formatPssParameters(digestNamed("sha1"))), "3005a203020114");
});

test("RSAES-OAEP parameters are written as others do, defaults left out", () => {
  const [sha1, sha256] = [digestNamed("sha1"), digestNamed("sha256")];
  assert.equal(hex(formatOaepParameters(sha1, sha1)), "3000");
  assert.equal(hex(formatOaepParameters(sha256, sha1)), "3011a00f300d06096086480165030402010500");
});

for (const name of names) {
  test(`parameters with ${name} come back as they were written`, () => {
    const hash = digestNamed(name);
    const pss = parsePssParameters({ oid: "", parameters: formatPssParameters(hash) });
    assert.deepEqual(pss, { hash, mgfHash: hash, saltLength: hash.octets });
    for (const mgfName of names) {
      const mgfHash = digestNamed(mgfName);
      const oaep = parseOaepParameters({ oid: "", parameters: formatOaepParameters(hash, mgfHash) });
      assert.deepEqual(oaep, { hash, mgfHash, label: new Uint8Array(0) });
    }
  });
}

test("what is left out is SHA-1, 20 octets of salt, no label", () => {
  const sha1 = digestNamed("sha1");
  const parameters = octets("3000");
  assert.deepEqual(parsePssParameters({ oid: "", parameters }), { hash: sha1, mgfHash: sha1, saltLength: 20 });
  assert.deepEqual(parseOaepParameters({ oid: "", parameters }).hash, sha1);
});

test("a hash may come with NULL or without", () => {
  for (const text of ["3011a00f300d06096086480165030402010500", "300fa00d300b0609608648016503040201"]) {
    assert.equal(parseOaepParameters({ oid: "", parameters: octets(text) }).hash.name, "sha256");
  }
});

test("a label is read", () => {
  const source = der.sequence(der.oid("1.2.840.113549.1.1.9"), der.octetString(latin1("label")));
  const { label } = parseOaepParameters({ oid: "", parameters: der.sequence(der.explicit(2, source)) });
  assert.equal(Buffer.from(label).toString(), "label");
});

const sha256WithInteger = der.sequence(der.oid(digestNamed("sha256").oid), der.integer(1));
const mgf1 = "1.2.840.113549.1.1.8";

for (const { what, parameters, code } of [
  { what: "no parameters", parameters: undefined, code: "CRYPTO_PARAMETERS" },
  { what: "NULL", parameters: der.nullElement(), code: "ASN1_MALFORMED" },
  {
    what: "an unknown hash",
    parameters: der.sequence(der.explicit(0, der.sequence(der.oid("1.2.3")))),
    code: "CRYPTO_UNSUPPORTED",
  },
  {
    what: "a hash with a number",
    parameters: der.sequence(der.explicit(0, sha256WithInteger)),
    code: "CRYPTO_UNSUPPORTED",
  },
  {
    what: "another mask than MGF1",
    parameters: der.sequence(der.explicit(1, der.sequence(der.oid("1.2.3"), der.sequence(der.oid("1.2"))))),
    code: "CRYPTO_UNSUPPORTED",
  },
  {
    what: "MGF1 without a hash",
    parameters: der.sequence(der.explicit(1, der.sequence(der.oid(mgf1)))),
    code: "CRYPTO_UNSUPPORTED",
  },
  {
    what: "fields out of order",
    parameters: der.sequence(
      der.explicit(1, der.sequence(der.oid(mgf1), digestNamed("sha1").identifier)),
      der.explicit(0, digestNamed("sha1").identifier),
    ),
    code: "ASN1_MALFORMED",
  },
]) {
  test(`parameters with ${what} are refused for signatures and keys alike`, () => {
    const identifier = parameters === undefined ? { oid: "" } : { oid: "", parameters };
    for (const parse of [parsePssParameters, parseOaepParameters]) {
      assert.throws(
        () => parse(identifier),
        (failure) => isSecureMailError(failure, code),
      );
    }
  });
}

test("a trailer other than 1 and a label from elsewhere are refused", () => {
  const trailer = der.sequence(der.explicit(3, der.integer(2)));
  assert.throws(() => parsePssParameters({ oid: "", parameters: trailer }), /trailer/);
  const source = der.sequence(der.explicit(2, der.sequence(der.oid("1.2.3"), der.octetString(latin1("x")))));
  assert.throws(() => parseOaepParameters({ oid: "", parameters: source }), /label/);
});
