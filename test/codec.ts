// The codec as tests drive it, through its doors: keys and certificates from files, whole messages in memory.

import { createHash } from "node:crypto";
import { type ByteSource, collect, latin1Text, sourceOf } from "../src/bytes.ts";
import type { DecryptionKey } from "../src/cms.ts";
import { privateKeyOf } from "../src/crypto.ts";
import { loadCertificates, loadKey } from "../src/keystore.ts";
import {
  cipherFor,
  type Opened,
  type OpenOptions,
  type OpenReport,
  open,
  openBare,
  type ProfileName,
  protect,
  recipientFor,
  signatureFor,
} from "../src/smime.ts";
import { signerJudge } from "../src/trust.ts";
import type { Certificate } from "../src/x509.ts";

export type Files = { readonly keyFile: string; readonly certificateFile: string };

export async function own({ keyFile, certificateFile }: Files): Promise<DecryptionKey> {
  const { privateKey, certificate } = await loadKey({ key: keyFile, certificate: certificateFile });
  if (certificate === undefined) throw new Error(`${certificateFile} holds no certificate of ${keyFile}`);
  return { key: privateKeyOf(privateKey, certificate.publicKey), certificate };
}

export async function certificatesOf(...files: readonly string[]): Promise<Certificate[]> {
  return (await Promise.all(files.map(loadCertificates))).flat();
}

/** As the options of `postern protect`; names overrule the profile. */
export type Protection = {
  readonly signers?: readonly DecryptionKey[];
  readonly recipients?: readonly Certificate[];
  readonly chain?: readonly Certificate[];
  readonly profile?: ProfileName;
  readonly signature?: string;
  readonly keyManagement?: string;
  readonly recipientId?: "issuer" | "ski";
  readonly cipher?: string;
  readonly form?: "opaque" | "detached";
  readonly innerEncoding?: "base64" | "binary";
  readonly ber?: boolean;
  readonly signingTime?: Date;
};

export async function protectMessage(message: Uint8Array | ByteSource, protection: Protection): Promise<Buffer> {
  const {
    signers = [],
    recipients = [],
    chain = [],
    profile = "B",
    signature,
    keyManagement,
    recipientId,
  } = protection;
  const signingTime = protection.signingTime ?? new Date();
  const octets = protect(message instanceof Uint8Array ? sourceOf(message) : message, {
    signers: signers.map((signer) => {
      return { ...signer, scheme: signatureFor(profile, signer.certificate, signature), signingTime };
    }),
    chain,
    recipients: recipients.map((certificate) =>
      recipientFor(certificate, profile, {
        ...(keyManagement === undefined ? {} : { management: keyManagement }),
        ...(recipientId === undefined ? {} : { identifier: recipientId }),
      }),
    ),
    cipher: cipherFor(profile, protection.cipher),
    form: protection.form ?? "opaque",
    innerEncoding: protection.innerEncoding ?? "base64",
    ber: protection.ber ?? false,
  });
  return Buffer.from(await collect(octets));
}

/** As the options of `postern open`. */
export type Opening = {
  readonly keys?: readonly DecryptionKey[];
  readonly anchors?: readonly Certificate[];
  readonly intermediates?: readonly Certificate[];
  /** Whom signers must name; nobody where it is absent. */
  readonly domain?: string;
  readonly legacy?: boolean;
  readonly content?: Uint8Array;
};

/** `octets`: what came out, whatever the code; undefined where nothing did. */
export type OpenedMessage = { readonly report: OpenReport; readonly octets?: Buffer };

export function openMessage(message: Uint8Array | ByteSource, opening: Opening): Promise<OpenedMessage> {
  return gather(open(message instanceof Uint8Array ? sourceOf(message) : message, openOptions(opening)));
}

export function openObject(object: Uint8Array, opening: Opening): Promise<OpenedMessage> {
  return gather(openBare(sourceOf(object), openOptions(opening)));
}

async function gather(opening: Promise<Opened>): Promise<OpenedMessage> {
  const opened = await opening;
  const octets = opened.content === undefined ? undefined : Buffer.from(await collect(opened.content()));
  opened.dispose();
  return { report: opened.report, ...(octets === undefined ? {} : { octets }) };
}

function openOptions(opening: Opening): OpenOptions {
  const { keys = [], anchors = [], intermediates = [], domain, legacy = false, content } = opening;
  const now = new Date();
  const binding = domain === undefined ? ({ kind: "none" } as const) : ({ kind: "domain", domain } as const);
  return {
    keys,
    certificates: intermediates,
    legacy,
    now,
    judgeSigner: signerJudge({ anchors, intermediates, crls: [], revocation: "ignore", now, legacy, binding }),
    binding: domain === undefined ? { binding: "none" } : { domain },
    ...(content === undefined ? {} : { detachedContent: () => sourceOf(content) }),
  };
}

export function sha256(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}

/** A header that ends in an empty line, and the body behind it. */
export function splitEntity(entity: Uint8Array): { header: string; body: Buffer } {
  const octets = Buffer.from(entity);
  const end = octets.indexOf("\r\n\r\n") + 4;
  return { header: latin1Text(octets.subarray(0, end)), body: octets.subarray(end) };
}

/** The CMS object that is the body of a mail or entity. */
export function objectIn(entity: Uint8Array): Buffer {
  const { header, body } = splitEntity(entity);
  return /^Content-Transfer-Encoding: binary\r\n/m.test(header) ? body : Buffer.from(latin1Text(body), "base64");
}

/** The signed octets of a multipart/signed and the SignedData that covers them. */
export function detachedPartsIn(entity: Uint8Array): { content: Buffer; signature: Buffer } {
  const octets = Buffer.from(entity);
  const [, boundary = ""] = /boundary="([^"]+)"/.exec(splitEntity(octets).header) ?? [];
  const [first, next] = [`--${boundary}\r\n`, `\r\n--${boundary}\r\n`];
  const start = octets.indexOf(first) + first.length;
  const end = octets.indexOf(next, start);
  return { content: octets.subarray(start, end), signature: objectIn(octets.subarray(end + next.length)) };
}

/** A mail around a bare CMS object, as a sender who is not us would write it; `fields` are the first of its header. */
export function mailAround(object: Uint8Array, smimeType: string, fields: string): Buffer {
  const base64 = Buffer.from(object).toString("base64").replace(/.{64}/g, "$&\r\n");
  const content =
    `MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=${smimeType}; name="smime.p7m"\r\n` +
    "Content-Transfer-Encoding: base64\r\n";
  return Buffer.from(`${fields}${content}\r\n${base64}\r\n`, "latin1");
}
