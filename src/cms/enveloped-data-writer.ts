// EnvelopedData and AuthEnvelopedData out: DER where the content's length is known, else BER of indefinite length.
import assert from "node:assert/strict";
import { constructedBit, context, der } from "../asn1.ts";
import type { ByteSink } from "../bytes.ts";
import {
  type AgreementScheme,
  type ContentCipher,
  contentEncryption,
  type Encryptor,
  type KeyTransport,
} from "../crypto.ts";
import { octetsPassed } from "../memory.ts";
import type { Certificate } from "../x509.ts";
import { contentTypes } from "./content-info.ts";
import {
  definiteFrame,
  explicitZero,
  type Frame,
  indefiniteHead,
  indefiniteTail,
  sequenceIdentifier,
  writeSegment,
} from "./frame.ts";
import { formatKeyAgreement } from "./recipient-key-agree.ts";
import { formatKeyTransport } from "./recipient-key-trans.ts";

export type EnvelopeRecipient = {
  readonly certificate: Certificate;
  readonly identifier: "issuer" | "ski";
  readonly management: KeyTransport | AgreementScheme;
};

export type EnvelopeOptions = {
  readonly recipients: readonly EnvelopeRecipient[];
  readonly cipher: ContentCipher;
  /** Octets that will be written; without it the encoding is indefinite. */
  readonly contentLength?: number;
};

const data = der.oid(contentTypes.data);
const encryptedContent = context(0);

/** Recipients' keys wrapped and, where the content's length is known, all lengths: nothing has been written yet. */
export type Envelope = {
  /** Octets of the whole object, where the content's length is known. */
  readonly octets?: number;
  /** The sink for the content; used once, for the content key is. */
  writer(next: ByteSink): ByteSink;
};

/** A fresh content key, wrapped to all recipients. Fails with CRYPTO_KEY or CRYPTO_UNSUPPORTED before anything is written. */
export function prepareEnvelope({ recipients, cipher, contentLength }: EnvelopeOptions): Envelope {
  const { key, setting } = contentEncryption.newContentKey(cipher);
  const infos = recipients.map(({ certificate, identifier, management }) =>
    "kdf" in management
      ? formatKeyAgreement(certificate, identifier, management, key)
      : formatKeyTransport(certificate, identifier, management, key),
  );
  const type = der.oid(cipher.mode === "aead" ? contentTypes.authEnvelopedData : contentTypes.envelopedData);
  const frames = (mac: readonly Uint8Array[]): Frame[] => [
    { identifier: sequenceIdentifier, before: [type] },
    { identifier: explicitZero },
    { identifier: sequenceIdentifier, before: [version(recipients, cipher), der.setOf(...infos)], after: mac },
    { identifier: sequenceIdentifier, before: [data, contentEncryption.formatCipherSetting(setting)] },
  ];
  const content = contentEncryption.encryptor(setting, key);
  const mac = (): Uint8Array[] => (cipher.mode === "aead" ? [der.octetString(content.tag())] : []);
  return contentLength === undefined
    ? { writer: (next) => indefiniteWriter(next, frames, content, mac) }
    : definiteEnvelope(frames, content, mac, cipher, contentLength);
}

/** A sink that encrypts what is written to it under a fresh key to all recipients. */
export function envelopedDataWriter(next: ByteSink, options: EnvelopeOptions): ByteSink {
  return prepareEnvelope(options).writer(next);
}

type Frames = (mac: readonly Uint8Array[]) => Frame[];

function definiteEnvelope(
  frames: Frames,
  content: Encryptor,
  mac: () => Uint8Array[],
  cipher: ContentCipher,
  contentLength: number,
): Envelope {
  const ciphertext = contentEncryption.ciphertextLength(cipher, contentLength);
  const noMac = cipher.mode === "aead" ? [der.octetString(new Uint8Array(contentEncryption.tagOctets))] : [];
  const { head, tail } = definiteFrame([...frames(noMac), { identifier: encryptedContent }], ciphertext);
  return {
    octets: head.length + ciphertext + tail.length,
    writer(next) {
      next.write(head);
      let left = contentLength;
      return {
        write(chunk) {
          left -= chunk.length;
          next.write(content.update(chunk));
        },
        async end() {
          assert.equal(left, 0, "the content is not as long as its length says");
          next.write(content.final());
          // The frame's tail is the mac alone, where there is one: its length was known, its octets are only now.
          for (const octets of mac()) next.write(octets);
          await next.end();
        },
      };
    },
  };
}

function indefiniteWriter(next: ByteSink, frames: Frames, content: Encryptor, mac: () => Uint8Array[]): ByteSink {
  const string = { identifier: encryptedContent | constructedBit };
  next.write(indefiniteHead([...frames([]), string]));
  return {
    write(chunk) {
      octetsPassed(chunk.length);
      writeSegment(next, content.update(chunk));
    },
    async end() {
      writeSegment(next, content.final());
      next.write(indefiniteTail([...frames(mac()), string]));
      await next.end();
    },
  };
}

/** RFC 5652 6.1: 0 if every recipientInfo is of version 0, else 2. RFC 5083: AuthEnvelopedData is always 0. */
function version(recipients: readonly EnvelopeRecipient[], cipher: ContentCipher): Uint8Array {
  const plain = recipients.every(({ identifier, management }) => identifier === "issuer" && !("kdf" in management));
  return der.integer(plain || cipher.mode === "aead" ? 0 : 2);
}
