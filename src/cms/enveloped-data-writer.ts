// EnvelopedData and AuthEnvelopedData out: DER where the content's length is known, else BER of indefinite length.
import { constructedBit, context, der } from "../asn1.ts";
import type { ByteSink } from "../bytes.ts";
import { type AgreementScheme, type ContentCipher, contentEncryption, type KeyTransport } from "../crypto.ts";
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

/** A sink that encrypts what is written to it under a fresh key to all recipients. */
export function envelopedDataWriter(next: ByteSink, { recipients, cipher, contentLength }: EnvelopeOptions): ByteSink {
  const key = contentEncryption.newContentKey(cipher);
  const setting = { cipher, iv: contentEncryption.newIv(cipher) };
  const frames = (mac: readonly Uint8Array[]): Frame[] => [
    {
      identifier: sequenceIdentifier,
      before: [der.oid(cipher.mode === "aead" ? contentTypes.authEnvelopedData : contentTypes.envelopedData)],
    },
    { identifier: explicitZero },
    { identifier: sequenceIdentifier, before: [head], after: mac },
    { identifier: sequenceIdentifier, before: [data, contentEncryption.formatCipherSetting(setting)] },
  ];
  const infos = recipients.map(({ certificate, identifier, management }) =>
    "kdf" in management
      ? formatKeyAgreement(certificate, identifier, management, key)
      : formatKeyTransport(certificate, identifier, management, key),
  );
  const head = Buffer.concat([version(recipients, cipher), der.setOf(...infos)]);
  const content = contentEncryption.encryptor(setting, key);
  const noMac = cipher.mode === "aead" ? [der.octetString(new Uint8Array(contentEncryption.tagOctets))] : [];
  if (contentLength !== undefined) {
    const { head: start, tail } = definiteFrame(
      [...frames(noMac), { identifier: encryptedContent }],
      contentEncryption.ciphertextLength(cipher, contentLength),
    );
    next.write(start);
    return {
      write: (chunk) => next.write(content.update(chunk)),
      async end() {
        next.write(content.final());
        // The frame's tail is the mac alone, where there is one: its length was known, its octets are only now.
        if (tail.length > 0) next.write(der.octetString(content.tag()));
        await next.end();
      },
    };
  }
  const string = { identifier: encryptedContent | constructedBit };
  next.write(indefiniteHead([...frames([]), string]));
  return {
    write: (chunk) => writeSegment(next, content.update(chunk)),
    async end() {
      writeSegment(next, content.final());
      const mac = cipher.mode === "aead" ? [der.octetString(content.tag())] : [];
      next.write(indefiniteTail([...frames(mac), string]));
      await next.end();
    },
  };
}

/** RFC 5652 6.1: 0 if every recipientInfo is of version 0, else 2. RFC 5083: AuthEnvelopedData is always 0. */
function version(recipients: readonly EnvelopeRecipient[], cipher: ContentCipher): Uint8Array {
  const plain = recipients.every(({ identifier, management }) => identifier === "issuer" && !("kdf" in management));
  return der.integer(plain || cipher.mode === "aead" ? 0 : 2);
}
