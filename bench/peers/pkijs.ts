// pkijs, the S/MIME library that npm has. Everything in memory; RSA-OAEP, for it has no PKCS #1 v1.5 key transport.

import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import * as asn1js from "asn1js";
import * as pkijs from "pkijs";
import type { Parties } from "../parties.ts";

export type PkiJs = {
  protect(entity: Uint8Array): Promise<Uint8Array>;
  open(message: Uint8Array): Promise<Uint8Array>;
};

const data = "1.2.840.113549.1.7.1";
const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

export async function pkiJs({ signer, recipient }: Parties): Promise<PkiJs> {
  const key = await webcrypto.subtle.importKey("pkcs8", pkcs8(signer.keyFile), rsa, false, ["sign"]);
  const certificate = readCertificate(signer.certificateFile);
  const trustedCerts = [readCertificate(signer.issuerFile)];
  const recipientCertificate = readCertificate(recipient.certificateFile);
  const recipientPrivateKey = pkcs8(recipient.keyFile);

  return {
    async protect(entity) {
      const inner = smimeEntity("signed-data", await sign(entity, key, certificate));
      const envelope = new pkijs.EnvelopedData();
      envelope.addRecipientByCertificate(recipientCertificate, { oaepHashAlgorithm: "SHA-256" });
      await envelope.encrypt({ name: "AES-CBC", length: 256 } as webcrypto.Algorithm, bufferOf(inner));
      return smimeEntity("enveloped-data", contentInfo("1.2.840.113549.1.7.3", envelope.toSchema()));
    },
    async open(message) {
      const envelope = new pkijs.EnvelopedData({ schema: contentOf(bodyOf(message)) });
      const inner = await envelope.decrypt(0, { recipientCertificate, recipientPrivateKey });
      const signed = new pkijs.SignedData({ schema: contentOf(bodyOf(new Uint8Array(inner))) });
      if (!(await signed.verify({ signer: 0, trustedCerts, checkChain: true }))) throw new Error("not verified");
      return new Uint8Array((signed.encapContentInfo.eContent as asn1js.OctetString).getValue());
    },
  };
}

async function sign(content: Uint8Array, key: webcrypto.CryptoKey, certificate: pkijs.Certificate) {
  const digest = await webcrypto.subtle.digest("SHA-256", bufferOf(content));
  const { issuer, serialNumber } = certificate;
  const attributes = [
    new pkijs.Attribute({
      type: "1.2.840.113549.1.9.3",
      values: [new asn1js.ObjectIdentifier({ value: data })],
    }),
    new pkijs.Attribute({ type: "1.2.840.113549.1.9.5", values: [new asn1js.UTCTime({ valueDate: new Date() })] }),
    new pkijs.Attribute({ type: "1.2.840.113549.1.9.4", values: [new asn1js.OctetString({ valueHex: digest })] }),
  ];
  const signed = new pkijs.SignedData({
    version: 1,
    encapContentInfo: new pkijs.EncapsulatedContentInfo({
      eContentType: data,
      eContent: new asn1js.OctetString({ valueHex: bufferOf(content) }),
    }),
    signerInfos: [
      new pkijs.SignerInfo({
        version: 1,
        sid: new pkijs.IssuerAndSerialNumber({ issuer, serialNumber }),
        signedAttrs: new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes }),
      }),
    ],
    certificates: [certificate],
  });
  await signed.sign(key, 0, "SHA-256");
  return contentInfo("1.2.840.113549.1.7.2", signed.toSchema(true));
}

function contentInfo(contentType: string, content: unknown): Uint8Array {
  return new Uint8Array(new pkijs.ContentInfo({ contentType, content }).toSchema().toBER());
}

function contentOf(octets: Buffer): unknown {
  return pkijs.ContentInfo.fromBER(bufferOf(octets)).content;
}

function smimeEntity(type: string, cms: Uint8Array): Uint8Array {
  const head = `Content-Type: application/pkcs7-mime; smime-type=${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n`;
  const body = Buffer.from(cms.buffer, cms.byteOffset, cms.length)
    .toString("base64")
    .replace(/.{1,76}/g, "$&\r\n");
  return Buffer.from(head + body, "latin1");
}

function bodyOf(entity: Uint8Array): Buffer {
  const text = Buffer.from(entity.buffer, entity.byteOffset, entity.length);
  return Buffer.from(text.toString("latin1", text.indexOf("\r\n\r\n") + 4), "base64");
}

function pkcs8(keyFile: string): ArrayBuffer {
  return bufferOf(createPrivateKey(readFileSync(keyFile)).export({ type: "pkcs8", format: "der" }));
}

function readCertificate(file: string): pkijs.Certificate {
  return pkijs.Certificate.fromBER(bufferOf(new X509Certificate(readFileSync(file)).raw));
}

/** pkijs wants an ArrayBuffer of its own. */
function bufferOf(octets: Uint8Array): ArrayBuffer {
  return new Uint8Array(octets).buffer;
}
