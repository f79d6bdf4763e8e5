// EnvelopedData (RFC 5652, 6.1) and AuthEnvelopedData (RFC 5083), read as they stream. Two steps: the head says who
// can open it; the content is decrypted into a spool, and is nobody's before its end has been reached and checked.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { type BerInput, context, DerReader, type Steps, tag, toDer } from "../asn1.ts";
import type { Spool } from "../bytes.ts";
import {
  type AlgorithmIdentifier,
  type CipherSetting,
  CryptoError,
  contentEncryption,
  type Decryptor,
  parseAlgorithmIdentifier,
} from "../crypto.ts";
import { octetsPassed, uncountedOctets } from "../memory.ts";
import { CmsError } from "./errors.ts";
import { maxRecipients } from "./limits.ts";
import { parseRecipientInfo, type Recipient } from "./recipient-info.ts";
import { attributesInDer } from "./signed-attrs.ts";
import { readSet } from "./signed-data.ts";

export type EnvelopeType = "envelopedData" | "authEnvelopedData";

export type EnvelopeHead = {
  readonly type: EnvelopeType;
  readonly recipients: readonly Recipient[];
  readonly contentType: string;
  readonly contentEncryption: AlgorithmIdentifier;
};

/** Reads as far as the encrypted content, which comes next. */
export function* readEnvelopeHead(input: BerInput, type: EnvelopeType): Steps<EnvelopeHead> {
  yield* input.enter(tag.sequence);
  yield* input.element(); // version
  if ((yield* input.peek()) === context(0)) yield* input.element(); // originatorInfo: nothing in it is believed
  const recipients = yield* readRecipients(input);
  yield* input.enter(tag.sequence);
  const contentType = new DerReader(toDer(yield* input.element())).oid();
  const contentEncryption = parseAlgorithmIdentifier(toDer(yield* input.element()));
  if ((yield* input.peek()) === -1)
    throw new CmsError("CMS_UNSUPPORTED", "encrypted content that is kept elsewhere", input.offset);
  return { type, recipients, contentType, contentEncryption };
}

function* readRecipients(input: BerInput): Steps<Recipient[]> {
  const { offset } = input;
  const recipients = (yield* readSet(input, tag.set, maxRecipients, parseRecipientInfo)).flat();
  if (recipients.length <= maxRecipients) return recipients;
  throw new CmsError("CMS_LIMIT", `more than ${maxRecipients} recipients`, offset);
}

/**
 * The cipher of an envelope, before any key is touched: type and algorithm must fit (security A24a).
 *
 * Throws CRYPTO_UNSUPPORTED, CRYPTO_WEAK or CRYPTO_PARAMETERS.
 */
export function envelopeCipher(head: EnvelopeHead, legacy: boolean = false): CipherSetting {
  const cipher = contentEncryption.contentCipherByOid(head.contentEncryption.oid);
  if (cipher !== undefined && (cipher.mode === "aead") !== (head.type === "authEnvelopedData")) {
    throw new CryptoError("CRYPTO_UNSUPPORTED", `${cipher.name} in ${head.type}`);
  }
  return contentEncryption.cipherSetting(head.contentEncryption, legacy);
}

/**
 * Decrypts the content into `plaintext`. Whatever is wrong, with the key or with the content, ends in one and the
 * same CMS_BAD_CONTENT after the whole content has been read (security A49); the caller then drops the spool.
 */
export function* readEncryptedContent(
  input: BerInput,
  head: EnvelopeHead,
  setting: CipherSetting,
  contentKey: Uint8Array | undefined,
  plaintext: Spool,
): Steps<ContentEnd> {
  const fits = contentKey?.length === setting.cipher.keyOctets;
  const key = fits ? (contentKey as Uint8Array) : randomBytes(setting.cipher.keyOctets);
  const cipher = contentEncryption.decryptor(setting, key);
  let octets = 0;
  yield* input.octetString(context(0), (chunk) => {
    octets += chunk.length;
    if (octets > uncountedOctets) octetsPassed(chunk.length);
    plaintext.write(cipher.update(chunk));
  });
  yield* input.leave();
  const end = yield* readEnd(input, head.type);
  yield* input.leave();
  return { ...end, key, setting, cipher, usable: fits && octets > 0 };
}

export type ContentEnd = {
  readonly mac: Uint8Array;
  /** DER of authAttrs with the SET OF tag: the additional authenticated data (RFC 5083, 2.2). */
  readonly authenticated?: Uint8Array;
  readonly key: Uint8Array;
  readonly setting: CipherSetting;
  readonly cipher: Decryptor;
  readonly usable: boolean;
};

function* readEnd(input: BerInput, type: EnvelopeType): Steps<Pick<ContentEnd, "mac" | "authenticated">> {
  let authenticated: Uint8Array | undefined;
  let mac: Uint8Array = new Uint8Array(0);
  if (type === "authEnvelopedData") {
    if ((yield* input.peek()) === context(1)) authenticated = attributesInDer(yield* input.element());
    mac = new DerReader(toDer(yield* input.element())).octetString();
  }
  // Unprotected and unauthenticated attributes: ignored and dropped (security A28).
  while ((yield* input.peek()) !== -1) yield* input.element();
  return authenticated === undefined ? { mac } : { mac, authenticated };
}

/** Checks the end of the content: padding or tag. After this, and not before, `plaintext` may be read. */
export async function finishContent(end: ContentEnd, plaintext: Spool): Promise<void> {
  const right =
    end.authenticated === undefined ? finishPlain(end, plaintext) : await tagMatches(end, end.authenticated, plaintext);
  if (!right || !end.usable) {
    plaintext.dispose();
    throw new CmsError("CMS_BAD_CONTENT", "the content could not be decrypted");
  }
}

function finishPlain({ cipher, mac, setting }: ContentEnd, plaintext: Spool): boolean {
  if (setting.cipher.mode === "aead" && mac.length !== tagOctetsOf(setting)) return false;
  try {
    plaintext.write(cipher.final(mac));
    return true;
  } catch {
    return false;
  }
}

/**
 * The attributes under the tag come behind the content, too late for a cipher that wants them first. These modes
 * are stream ciphers, so encrypting the plaintext again with the attributes gives the tag that must have been sent.
 */
async function tagMatches(
  { key, setting, mac }: ContentEnd,
  authenticated: Uint8Array,
  plaintext: Spool,
): Promise<boolean> {
  const again = contentEncryption.encryptor(setting, key, authenticated);
  for await (const chunk of plaintext.read()) again.update(chunk);
  again.final();
  return mac.length === tagOctetsOf(setting) && timingSafeEqual(again.tag(), mac);
}

function tagOctetsOf({ shortTag }: CipherSetting): number {
  return shortTag ?? contentEncryption.tagOctets;
}
