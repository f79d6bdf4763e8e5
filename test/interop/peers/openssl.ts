// The openssl command line as a CMS peer (Debian 12: 3.0). Starts programs, compares nothing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Keys = { readonly keyFile: string; readonly certificateFile: string };

export type Format = "der" | "pem" | "smime";

/** Indefinite lengths and segmented strings where `streamed`, definite ones otherwise. */
type Output = { readonly format?: Format; readonly streamed?: boolean };

export type Signer = Keys & {
  readonly digest?: "sha1" | "sha256" | "sha384" | "sha512"; // default sha256
  /** RSASSA-PSS, MGF1 with the same digest. Salt length: that of the digest. */
  readonly pss?: boolean;
};

export type SignOptions = Output & {
  readonly signers: readonly Signer[];
  readonly form?: "opaque" | "detached"; // default opaque
  readonly certificateFiles?: readonly string[]; // further ones to send along
  readonly noCertificates?: boolean;
  readonly noAttributes?: boolean;
  readonly noCapabilities?: boolean;
  readonly bySubjectKeyId?: boolean;
  /** Treats the content as text: line ends become CRLF. Otherwise octets are taken as they are. */
  readonly canonicalize?: boolean;
  /** The lines of a MIME entity end in CRLF, as on the wire; openssl's own end in LF. */
  readonly crlf?: boolean;
};

/** How a content key reaches one recipient, as the `-keyopt`s of openssl-cms(1). */
export type KeyManagement =
  | "rsa-v15"
  | "rsa-oaep-sha1"
  | "rsa-oaep-sha256"
  | "rsa-oaep-sha384"
  | "rsa-oaep-sha512"
  | "rsa-oaep-sha256-mgf1-sha1"
  | "ecdh-sha1"
  | "ecdh-sha256"
  | "ecdh-sha384"
  | "ecdh-sha512"
  | "ecdh-cofactor-sha256";

export type Recipient = { readonly certificateFile: string; readonly keyManagement?: KeyManagement };

export type EncryptOptions = Output & {
  readonly recipients: readonly Recipient[];
  /** As openssl names it: aes-128-cbc, aes-256-gcm, des3 (it cannot do CCM); default aes-256-cbc. */
  readonly cipher?: string;
  readonly bySubjectKeyId?: boolean;
};

export type VerifyOptions = {
  readonly anchorFile?: string; // none: the chain is not judged
  readonly intermediateFile?: string;
  readonly format?: Format; // default der
  /** What a detached signature covers. */
  readonly content?: Uint8Array;
  readonly canonicalize?: boolean;
  /** The lines of a MIME entity end in CRLF: without it, the LF before a delimiter is taken off and its CR is content. */
  readonly crlf?: boolean;
};

/** `octets` is what came out on stdout even when the judgement is bad: openssl writes first and judges later. */
export type Outcome = { readonly ok: boolean; readonly octets: Uint8Array; readonly said: string };

export function sign(content: Uint8Array, options: SignOptions): Uint8Array {
  if (options.streamed && options.form === "detached" && options.format !== "smime") {
    throw new Error("openssl cms -stream puts the content inside, detached or not");
  }
  return octetsOf(run(["-sign", ...signArguments(options)], content));
}

export function encrypt(content: Uint8Array, options: EncryptOptions): Uint8Array {
  const { recipients, cipher = "aes-256-cbc", bySubjectKeyId = false } = options;
  const args = ["-encrypt", "-binary", `-${cipher}`, ...outform(options)];
  if (bySubjectKeyId) args.push("-keyid");
  for (const { certificateFile, keyManagement } of recipients) {
    args.push("-recip", certificateFile, ...keyOptions(keyManagement));
  }
  return octetsOf(run(args, content));
}

export function decrypt(protectedOctets: Uint8Array, keys: Keys, format: Format = "der"): Outcome {
  const args = ["-decrypt", "-binary", "-inform", format, "-recip", keys.certificateFile, "-inkey", keys.keyFile];
  return run(args, protectedOctets);
}

export function verify(signed: Uint8Array, options: VerifyOptions = {}): Outcome {
  const { anchorFile, intermediateFile, format = "der", content, canonicalize = false, crlf = false } = options;
  const args = ["-verify", "-inform", format];
  if (!canonicalize) args.push("-binary");
  if (crlf) args.push("-crlfeol");
  if (anchorFile === undefined) args.push("-noverify");
  else args.push("-no-CAfile", "-no-CApath", "-no-CAstore", "-CAfile", anchorFile);
  if (intermediateFile !== undefined) args.push("-certfile", intermediateFile);
  return content === undefined
    ? run(args, signed)
    : withFile(content, (file) => run([...args, "-content", file], signed));
}

/** The same object as OpenSSL writes it after reading it: definite lengths, its own order of sets. */
export function rewrite(cms: Uint8Array, format: Format = "der"): Uint8Array {
  return octetsOf(run(["-cmsout", "-inform", format, "-outform", "der"], cms));
}

/** The structure as `openssl cms -cmsout -print` tells it. */
export function describe(cms: Uint8Array, format: Format = "der"): string {
  const printed = run(["-cmsout", "-print", "-noout", "-inform", format], cms);
  return Buffer.from(octetsOf(printed)).toString("utf8");
}

export function version(): string {
  return spawnSync("openssl", ["version"], { encoding: "utf8" }).stdout.trim();
}

function signArguments(options: SignOptions): string[] {
  const { signers, form = "opaque", certificateFiles = [] } = options;
  const args = outform(options);
  if (form === "opaque") args.push("-nodetach");
  if (!options.canonicalize) args.push("-binary");
  if (options.crlf) args.push("-crlfeol");
  if (options.noCertificates) args.push("-nocerts");
  if (options.noAttributes) args.push("-noattr");
  if (options.noCapabilities) args.push("-nosmimecap");
  if (options.bySubjectKeyId) args.push("-keyid");
  for (const file of certificateFiles) args.push("-certfile", file);
  const digests = new Set(signers.map((signer) => signer.digest ?? "sha256"));
  if (digests.size > 1) throw new Error("the command line has one digest for all signers");
  args.push("-md", ...digests);
  for (const { keyFile, certificateFile, pss } of signers) {
    args.push("-signer", certificateFile, "-inkey", keyFile);
    if (pss) args.push("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest");
  }
  return args;
}

function keyOptions(keyManagement: KeyManagement | undefined): string[] {
  if (keyManagement === undefined || keyManagement === "rsa-v15") return [];
  const hashes = keyManagement.split("-").filter((word) => word.startsWith("sha"));
  const settings = keyManagement.startsWith("rsa-oaep")
    ? ["rsa_padding_mode:oaep", `rsa_oaep_md:${hashes[0]}`, `rsa_mgf1_md:${hashes.at(-1)}`]
    : [`ecdh_kdf_md:${hashes[0]}`, ...(keyManagement.includes("cofactor") ? ["ecdh_cofactor_mode:1"] : [])];
  return settings.flatMap((setting) => ["-keyopt", setting]);
}

function outform({ format = "der", streamed = false }: Output): string[] {
  return ["-outform", format, streamed ? "-stream" : "-noindef"];
}

function run(args: readonly string[], input: Uint8Array): Outcome {
  const { status, stdout, stderr, error } = spawnSync("openssl", ["cms", ...args], { input, maxBuffer: 2 ** 30 });
  if (error !== undefined) throw error;
  return { ok: status === 0, octets: stdout, said: stderr.toString("utf8") };
}

function octetsOf(outcome: Outcome): Uint8Array {
  if (!outcome.ok) throw new Error(`openssl cms failed: ${outcome.said}`);
  return outcome.octets;
}

function withFile<T>(content: Uint8Array, use: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "postern-openssl-"));
  try {
    const file = join(folder, "content");
    writeFileSync(file, content);
    return use(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
