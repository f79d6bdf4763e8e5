// Bare CMS objects for tests of the codec, made by the product's own writers, in DER.

import { asBuffer, concat, latin1 } from "../src/bytes.ts";
import {
  type DecryptionKey,
  detachedSignedData,
  digestsOver,
  envelopedDataWriter,
  type Signer,
  signedDataAround,
} from "../src/cms.ts";
import type { ContentCipher } from "../src/crypto.ts";
import { recipientFor } from "../src/smime.ts";
import { keepingSink } from "./chunks.ts";
import { cipherNamed } from "./correspondents.ts";

/** A MIME entity, as a signature over mail covers one. */
export const entity: Uint8Array = latin1("Content-Type: text/plain\r\n\r\nThe treaty is signed.\r\n");

export async function signedObject(content: Uint8Array, ...signers: readonly Signer[]): Promise<Uint8Array> {
  const { head, tail } = await signedDataAround([content], { signers, chain: [] });
  return concat([head, content, tail]);
}

export function detachedObject(content: Uint8Array, ...signers: readonly Signer[]): Promise<Uint8Array> {
  const options = { signers, chain: [] };
  return detachedSignedData(digestsOver([content], options), options);
}

export type Sealing = {
  readonly to: readonly DecryptionKey[];
  readonly cipher?: ContentCipher;
  readonly management?: string;
  readonly identifier?: "issuer" | "ski";
};

export async function envelopedObject(content: Uint8Array, sealing: Sealing): Promise<Uint8Array> {
  const { to, cipher = cipherNamed("aes256-gcm"), management, identifier = "issuer" } = sealing;
  const sink = keepingSink();
  const named = { identifier, ...(management === undefined ? {} : { management }) };
  const recipients = to.map(({ certificate }) => recipientFor(certificate, "B", named));
  const writer = envelopedDataWriter(sink, { recipients, cipher, contentLength: content.length });
  writer.write(content);
  await writer.end();
  return sink.octets();
}

/** A MIME entity that carries an object. */
export function asEntity(object: Uint8Array, type: string): Uint8Array {
  return concat([
    latin1(`Content-Type: application/pkcs7-mime; smime-type=${type}\r\nContent-Transfer-Encoding: binary\r\n\r\n`),
    object,
  ]);
}

/** Base64 as a mail's body carries it. */
export function base64Lines(octets: Uint8Array): Uint8Array {
  return latin1(
    `${asBuffer(octets)
      .toString("base64")
      .replace(/.{76}(?=.)/g, "$&\r\n")}\r\n`,
  );
}
