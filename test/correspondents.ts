// Two domains for tests of the codec: a.example signs, b.example decrypts, each with keys of every kind, all under one
// root. In memory and made when first asked for, so that a test pays for what it uses.

import { generateKeyPairSync } from "node:crypto";
import { asBuffer, type ByteSource, collect, latin1, sourceOf } from "../src/bytes.ts";
import type { DecryptionKey, Signer } from "../src/cms.ts";
import type { ContentCipher, PrivateKey, SignatureScheme } from "../src/crypto.ts";
import { contentEncryption, privateKeyOf, signatureSchemes } from "../src/crypto.ts";
import {
  cipherFor,
  type OpenOptions,
  type OpenReport,
  open,
  openBare,
  type ProtectOptions,
  protect,
  recipientFor,
} from "../src/smime.ts";
import { type SignerJudgeOptions, signerJudge } from "../src/trust.ts";
import { authority, certify, ecPair, type KeyPair, now, type Party, rsaPair } from "./mint.ts";

export { now };

export type SigningKind = "rsa" | "p256" | "ed25519";
export type EncryptionKind = "rsa" | "p256" | "x25519";

export const root: Party = await authority("Root");

/** A small mail as it comes by SMTP; the fields of content do not stand together. */
export const mail: Uint8Array = latin1(
  "From: alice@a.example\r\nMIME-Version: 1.0\r\nTo: bob@b.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
    "Content-Type: text/plain;\r\n charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nDear Bob,\r\n\xe4 \t\r\nno end",
);

/** A signer of a.example unless `email` says otherwise; the same name gives the same one. */
export function signer(
  kind: SigningKind = "p256",
  email: string = "domain-signing-authority@a.example",
): Promise<Signer> {
  return remembered(`signer ${kind} ${email}`, async () => {
    const order = { issuer: root, emails: [email], keyUsage: ["digitalSignature"], pair: pairOf(kind) } as const;
    const { certificate, key } = await certify(`Signer ${kind} of ${email}`, order);
    return { key, certificate, scheme: schemeNamed(schemes[kind]), signingTime: now };
  });
}

/** A key that b.example decrypts with; `number` tells several of a kind apart. */
export function recipient(kind: EncryptionKind = "rsa", number: number = 1): Promise<DecryptionKey> {
  return remembered(`recipient ${kind} ${number}`, async () => {
    // An X25519 key cannot sign, but the root's can: only the public half goes into the certificate.
    const order = { issuer: root, emails: ["domain-confidentiality-authority@b.example"], pair: pairOf(kind) };
    const { certificate, pair } = await certify(`Recipient ${kind} ${number}`, order);
    return { key: privateKeyOf(pair.privateKey, pair.publicKey), certificate };
  });
}

const schemes = { rsa: "rsa-v15-sha256", p256: "ecdsa-sha256", ed25519: "ed25519" } as const;

export function schemeNamed(name: string): SignatureScheme {
  return found(signatureSchemes.get(name), name);
}

export function cipherNamed(name: string): ContentCipher {
  return found(contentEncryption.contentCiphers.get(name), name);
}

/** What was looked for, which the test knows to be there. */
export function found<Value>(value: Value | undefined, what: string = "it"): Value {
  if (value === undefined) throw new Error(`${what} is not there`);
  return value;
}

export type Protection = Partial<ProtectOptions> & {
  readonly to?: readonly DecryptionKey[];
  readonly management?: string;
  readonly identifier?: "issuer" | "ski";
};

/** `mail` or another message, signed by a.example's P-256 key and encrypted to `to`, unless told otherwise. */
export async function protectedMail(changes: Protection = {}, message: Uint8Array = mail): Promise<Uint8Array> {
  const { to = [], management, identifier = "issuer", ...options } = changes;
  const named = { identifier, ...(management === undefined ? {} : { management }) };
  return collect(
    protect(sourceOf(message), {
      signers: [await signer()],
      chain: [],
      recipients: to.map(({ certificate }) => recipientFor(certificate, "B", named)),
      cipher: cipherFor("M"),
      form: "opaque",
      innerEncoding: "binary",
      ber: false,
      ...options,
    }),
  );
}

export type Judging = Partial<OpenOptions> & {
  readonly trusting?: Partial<SignerJudgeOptions>;
};

export type Opened = {
  readonly report: OpenReport;
  readonly octets: Uint8Array | undefined;
  readonly afterCbc: boolean;
};

/** Opens a mail as b.example does, judging signers by the root above and the domain a.example. */
export function openedMail(message: Uint8Array | ByteSource, changes: Judging = {}): Promise<Opened> {
  return openWith(open, message, changes);
}

/** The same for a bare CMS object. */
export function openedObject(object: Uint8Array | ByteSource, changes: Judging = {}): Promise<Opened> {
  return openWith(openBare, object, changes);
}

async function openWith(how: typeof open, what: Uint8Array | ByteSource, changes: Judging): Promise<Opened> {
  const { trusting = {}, ...options } = changes;
  const { legacy = false } = options;
  const trust: SignerJudgeOptions = {
    ...{ anchors: [root.certificate], intermediates: [], crls: [], revocation: "ignore", now, legacy },
    binding: { kind: "domain", domain: "a.example" },
    ...trusting,
  };
  const source = what instanceof Uint8Array ? sourceOf(what) : what;
  const opened = await how(source, {
    ...{ keys: [], certificates: [], legacy, now, binding: { domain: "a.example" }, judgeSigner: signerJudge(trust) },
    ...options,
  });
  const octets = opened.content === undefined ? undefined : asBuffer(await collect(opened.content()));
  opened.dispose();
  return { report: opened.report, octets, afterCbc: opened.afterCbc };
}

/** The same key, and how often it was used. */
export function countingKey(own: DecryptionKey): { readonly key: DecryptionKey; operations(): number } {
  let operations = 0;
  const { key } = own;
  const counting: PrivateKey = {
    type: key.type,
    publicKey: key.publicKey,
    sign: (...rest) => key.sign(...rest),
    decrypt(...rest) {
      operations++;
      return key.decrypt(...rest);
    },
    agree(...rest) {
      operations++;
      return key.agree(...rest);
    },
  };
  return { key: { ...own, key: counting }, operations: () => operations };
}

function pairOf(kind: SigningKind | EncryptionKind): KeyPair {
  if (kind === "rsa") return rsaPair(2048);
  if (kind === "p256") return ecPair();
  return kind === "x25519" ? generateKeyPairSync("x25519") : generateKeyPairSync("ed25519");
}

const made = new Map<string, Promise<unknown>>();

function remembered<Value>(name: string, make: () => Promise<Value>): Promise<Value> {
  const known = made.get(name) ?? make();
  made.set(name, known);
  return known as Promise<Value>;
}
