// `postern protect`: sign, then encrypt, one message from stdin to stdout.
import { isAscii } from "node:buffer";
import { tmpdir } from "node:os";
import { formatInstant } from "../asn1.ts";
import type { ByteSource } from "../bytes.ts";
import type { Signer } from "../cms.ts";
import { isSecureMailError, type SecureMailError } from "../errors.ts";
import { withCrlf } from "../mime.ts";
import {
  certificateReport,
  cipherFor,
  codeOfFailure,
  defaultProfile,
  type ProfileName,
  type ProtectOptions,
  profileNames,
  protect,
  recipientFor,
  signatureFor,
} from "../smime.ts";
import { spillingSpools } from "../store.ts";
import type { Certificate } from "../x509.ts";
import { judgingTime, loadAllCertificates, loadKeys, type NamedKey } from "./material.ts";
import { standardInput, writeOut } from "./octets.ts";
import { exit, type Options, type Page, runPage, UsageError } from "./options.ts";
import { reportWriter } from "./report-file.ts";

export const page: Page = {
  name: "protect",
  usage: "[options] < message > protected",
  options: {
    "sign-key": {
      kind: "texts",
      value: "FILE",
      does: "private key to sign with: PEM, DER or PKCS #12; may be repeated",
    },
    "sign-cert": { kind: "texts", value: "FILE", does: "its certificate, in the order of the keys" },
    "recipient-cert": { kind: "texts", value: "FILE", does: "certificate to encrypt to; may be repeated" },
    chain: { kind: "texts", value: "FILE", does: "certificates to send along" },
    profile: { kind: "text", value: "L|B|M|E", does: "algorithms; default B for RSA certificates, M for others" },
    form: { kind: "text", value: "opaque|detached", does: "how the signed layer is written; default opaque" },
    "no-encrypt": { kind: "flag", does: "sign only" },
    "no-sign": { kind: "flag", does: "encrypt only" },
    "content-cipher": { kind: "text", value: "NAME", does: "such as aes256-gcm; overrules the profile" },
    "key-management": { kind: "text", value: "NAME", does: "such as rsa-oaep-sha256; overrules the profile" },
    signature: { kind: "text", value: "NAME", does: "such as rsa-pss-sha256; overrules the profile" },
    "recipient-id": { kind: "text", value: "issuer|ski", does: "how recipients are named; default issuer" },
    headers: { kind: "text", value: "none", does: "header protection; none is built in this version" },
    "inner-encoding": {
      kind: "text",
      value: "base64|binary",
      does: "transfer encoding inside encryption; default base64",
    },
    ber: { kind: "flag", does: "BER of indefinite length throughout" },
    "password-file": { kind: "text", value: "FILE", does: "password of keys and PKCS #12 files" },
    time: { kind: "text", value: "RFC3339", does: "signing time instead of now" },
    report: { kind: "text", value: "FILE", does: "where the JSON report goes" },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const writeReport = reportWriter(options);
    const choice = await choose(options);
    const quirks = new Set<string>();
    // Everything waits in a spool: a message whose end cannot be protected must not have begun to leave.
    const spool = spillingSpools(tmpdir())();
    const message = withCrlf(standardInput(), () => quirks.add("bare LF line ends, read as CRLF"));
    const { form, recipients } = choice.options;
    const inClear = form === "detached" && recipients.length === 0;
    try {
      const watched = inClear ? watching8bit(message, quirks) : message;
      for await (const chunk of protect(watched, choice.options)) spool.write(chunk);
    } catch (failure) {
      if (isSecureMailError(failure)) writeReport?.(refusal(failure, quirks));
      throw failure;
    }
    writeReport?.(reportOf(choice, spool.size, quirks));
    const written = await writeOut(spool.read());
    spool.dispose();
    if (writeReport === undefined) process.stderr.write(summary(choice, quirks));
    return written ? exit.done : exit.unavailable;
  });
}

/** Octets stay as they are (spec S-2.1): whoever sends them in clear should know what they ask of the way. */
async function* watching8bit(message: ByteSource, quirks: Set<string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of message) {
    if (!isAscii(chunk))
      quirks.add("8-bit octets in a clear-signed message: every server on the way must carry 8BITMIME");
    yield chunk;
  }
}

type Choice = { readonly profile: ProfileName; readonly options: ProtectOptions };

async function choose(options: Options): Promise<Choice> {
  const headers = options.text("headers") ?? "none";
  if (headers !== "none") throw new UsageError(`--headers ${headers}: this version protects no header fields`);
  const keys = options.flag("no-sign") ? [] : await loadKeys(options, "sign-key", "sign-cert");
  const certificates = options.flag("no-encrypt") ? [] : await loadAllCertificates(options.texts("recipient-cert"));
  if (keys.length === 0 && !options.flag("no-sign")) throw new UsageError("--sign-key is missing (or say --no-sign)");
  if (certificates.length === 0 && !options.flag("no-encrypt"))
    throw new UsageError("--recipient-cert is missing (or say --no-encrypt)");
  if (keys.length === 0 && certificates.length === 0)
    throw new UsageError("--no-sign and --no-encrypt together leave nothing to do");
  const profile =
    options.oneOf("profile", profileNames) ??
    defaultProfile(certificates.length > 0 ? certificates : keys.map(({ certificate }) => certificate));
  const identifier = options.oneOf("recipient-id", ["issuer", "ski"]);
  const management = options.text("key-management");
  const named = {
    ...(identifier === undefined ? {} : { identifier }),
    ...(management === undefined ? {} : { management }),
  };
  return {
    profile,
    options: {
      signers: signers(keys, profile, options),
      chain: [...keys.flatMap(({ chain }) => chain), ...(await loadAllCertificates(options.texts("chain")))],
      recipients: certificates.map((certificate) =>
        asNamed(options, "key-management", () => recipientFor(certificate, profile, named)),
      ),
      cipher: asNamed(options, "content-cipher", (name) => cipherFor(profile, name)),
      form: options.oneOf("form", ["opaque", "detached"]) ?? "opaque",
      innerEncoding: options.oneOf("inner-encoding", ["base64", "binary"]) ?? "base64",
      ber: options.flag("ber"),
    },
  };
}

/** What an option names: a name that means nothing, or does not fit the certificate, is the option's fault. */
function asNamed<Found>(options: Options, option: string, find: (name?: string) => Found): Found {
  const name = options.text(option);
  try {
    return find(name);
  } catch (failure) {
    if (name === undefined || !isSecureMailError(failure, "CRYPTO_UNSUPPORTED", "CRYPTO_KEY")) throw failure;
    throw new UsageError(`--${option} ${name}: ${failure.message}`);
  }
}

function signers(keys: readonly NamedKey[], profile: ProfileName, options: Options): Signer[] {
  const signingTime = judgingTime(options);
  return keys.map(({ key, certificate }) => ({
    key,
    certificate,
    scheme: asNamed(options, "signature", (name) => signatureFor(profile, certificate, name)),
    signingTime,
  }));
}

function refusal(failure: SecureMailError, quirks: ReadonlySet<string>): object {
  const found = { outcome: "refused", code: codeOfFailure(failure), reason: failure.message };
  return { format: "postern-report/1", command: "protect", ...found, quirks: [...quirks] };
}

function reportOf({ profile, options }: Choice, octets: number, quirks: ReadonlySet<string>): object {
  const describe = (certificate: Certificate): object => certificateReport(certificate);
  return {
    format: "postern-report/1",
    command: "protect",
    outcome: "protected",
    code: "OK",
    profile,
    layers: [
      ...(options.recipients.length === 0
        ? []
        : [
            {
              type: options.cipher.mode === "aead" ? "authEnvelopedData" : "envelopedData",
              contentEncryption: options.cipher.name,
              recipients: options.recipients.map(({ management, certificate }) => ({
                algorithm: management.name,
                certificate: describe(certificate),
              })),
            },
          ]),
      ...(options.signers.length === 0
        ? []
        : [
            {
              type: "signedData",
              form: options.form,
              signers: options.signers.map(({ scheme, certificate, signingTime }) => ({
                algorithm: scheme.name,
                certificate: describe(certificate),
                signingTime: formatInstant(signingTime),
              })),
            },
          ]),
    ],
    octets,
    quirks: [...quirks],
  };
}

function summary({ profile, options }: Choice, quirks: ReadonlySet<string>): string {
  const signed = options.signers.map(
    ({ scheme, certificate }) => `signed     ${scheme.name} by ${certificate.subject}`,
  );
  const sealed = options.recipients.map(
    ({ management, certificate }) => `encrypted  ${options.cipher.name}, ${management.name} to ${certificate.subject}`,
  );
  return `${[`protected, profile ${profile}`, ...signed, ...sealed, ...[...quirks].map((quirk) => `note       ${quirk}`)].join("\n")}\n`;
}
