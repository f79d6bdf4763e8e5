import assert from "node:assert/strict";
import { test } from "node:test";
import { latin1, sourceOf } from "../bytes.ts";
import { digestNamed } from "../crypto.ts";
import { type HeaderBlock, mediaTypeOf, readEntity } from "../mime.ts";
import { isSignaturePart, multipartSignedPieces, smimeFields, smimeKindOf } from "./media-types.ts";

async function headerOf(fields: string): Promise<HeaderBlock> {
  return (await readEntity(sourceOf(latin1(`${fields}\r\n\r\n`)))).header;
}

const protocol = 'protocol="application/pkcs7-signature"';

for (const { fields, kind } of [
  { fields: "Content-Type: application/pkcs7-mime; smime-type=signed-data", kind: "cms" },
  { fields: "Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m", kind: "cms" },
  { fields: "Content-Type: APPLICATION/X-PKCS7-MIME", kind: "cms" },
  { fields: "Content-Type: application/octet-stream; name=smime.p7m", kind: "cms" },
  { fields: "Content-Type: application/octet-stream; name=SMIME.P7C", kind: "cms" },
  {
    fields: "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=smime.p7s",
    kind: "cms",
  },
  {
    fields: "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=p7m.txt",
    kind: "none",
  },
  { fields: "Content-Type: application/octet-stream", kind: "none" },
  { fields: "Content-Type: text/plain; name=smime.p7m", kind: "none" },
  { fields: "Content-Type: application/pkcs7-signature; name=smime.p7s", kind: "none" },
  { fields: "Subject: no type", kind: "none" },
  { fields: `Content-Type: multipart/signed; ${protocol}; micalg=sha-256; boundary=b`, kind: "multipartSigned" },
  {
    fields: "Content-Type: multipart/signed; protocol=application/x-pkcs7-signature; boundary=b",
    kind: "multipartSigned",
  },
  { fields: `Content-Type: multipart/signed; ${protocol}`, kind: "none" },
  { fields: 'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b', kind: "none" },
  { fields: "Content-Type: multipart/signed; boundary=b", kind: "none" },
  { fields: `Content-Type: multipart/mixed; ${protocol}; boundary=b`, kind: "none" },
]) {
  test(`${JSON.stringify(fields)} is ${kind}`, async () => {
    assert.equal(smimeKindOf(await headerOf(fields)).kind, kind);
  });
}

test("boundary and micalg of a multipart/signed are told", async () => {
  const kind = smimeKindOf(
    await headerOf(`Content-Type: multipart/signed; ${protocol}; micalg="sha-256,sha-512"; boundary="a b"`),
  );
  assert.deepEqual(kind, { kind: "multipartSigned", boundary: "a b", micalg: "sha-256,sha-512" });
});

for (const { fields, is } of [
  { fields: "Content-Type: application/pkcs7-signature", is: true },
  { fields: "Content-Type: application/x-pkcs7-signature; name=smime.p7s", is: true },
  { fields: "Content-Type: application/octet-stream; name=smime.p7s", is: true },
  { fields: "Content-Type: application/octet-stream", is: false },
  { fields: "Content-Type: application/pkcs7-mime", is: false },
  { fields: "Content-Type: application/pgp-signature", is: false },
]) {
  test(`${JSON.stringify(fields)} ${is ? "may hold" : "does not hold"} a signature`, async () => {
    assert.equal(isSignaturePart(await headerOf(fields)), is);
  });
}

for (const type of ["signed-data", "enveloped-data", "authEnveloped-data"] as const) {
  test(`the fields that are written for ${type} are read as CMS of that type`, async () => {
    const header = await headerOf(smimeFields(type, "base64").slice(0, -2));
    assert.equal(smimeKindOf(header).kind, "cms");
    assert.equal(mediaTypeOf(header).parameters.get("smime-type"), type);
  });
}

test("the pieces of a multipart/signed name their boundary and every digest", async () => {
  const { fields, head, between, tail } = multipartSignedPieces("the-boundary", [
    digestNamed("sha256"),
    digestNamed("sha384"),
  ]);
  const kind = smimeKindOf(await headerOf(fields.slice(0, -2)));
  assert.deepEqual(kind, { kind: "multipartSigned", boundary: "the-boundary", micalg: "sha-256,sha-384" });
  assert.equal(Buffer.from(head).toString(), "--the-boundary\r\n");
  assert.match(Buffer.from(between).toString(), /^\r\n--the-boundary\r\nContent-Type: application\/pkcs7-signature/);
  assert.match(Buffer.from(tail).toString(), /--the-boundary--\r\n$/);
});
