// What `open` and `explain` share: their options, the input, and the judgement.

import { openSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ByteSource } from "../bytes.ts";
import { parseDomainName } from "../domain.ts";
import { fieldsNamed, formatHeader, fromDomain, type HeaderBlock, readEntity } from "../mime.ts";
import { type Opened, type OpenOptions, open, openBare } from "../smime.ts";
import { spillingSpools } from "../store.ts";
import { type Binding, signerJudge } from "../trust.ts";
import { type InputForm, inputForms, recognise } from "./input.ts";
import { judgingTime, loadAllCertificates, loadAllCrls, loadKeys } from "./material.ts";
import { octetsOf, standardInput } from "./octets.ts";
import { exit, InputError, type Options, type OptionTable, UsageError } from "./options.ts";

export const judgingOptions: OptionTable = {
  key: { kind: "texts", value: "FILE", does: "private key to decrypt with: PEM, DER or PKCS #12; may be repeated" },
  cert: { kind: "texts", value: "FILE", does: "its certificate, in the order of the keys" },
  "password-file": { kind: "text", value: "FILE", does: "password of keys and PKCS #12 files" },
  trust: { kind: "texts", value: "FILE", does: "trust anchors, exactly these; without any no path is valid" },
  intermediates: {
    kind: "texts",
    value: "FILE",
    does: "further certificates: issuers, and signers that a message lacks",
  },
  crl: { kind: "texts", value: "FILE", does: "certificate revocation lists" },
  bind: { kind: "text", value: "domain|address|none", does: "whom the signer's certificate must name; default domain" },
  "from-domain": { kind: "text", value: "DOMAIN", does: "the domain to bind to instead of that of From" },
  revocation: { kind: "text", value: "require|check|ignore", does: "default check where a CRL is given, else ignore" },
  legacy: { kind: "flag", does: "accept what is below the floor: SHA-1, 3DES, RSA below 2048, DSA" },
  inform: { kind: "text", value: "auto|smime|der|pem", does: "what stands on standard input; default auto" },
  content: { kind: "text", value: "FILE", does: "what a bare detached signature covers" },
  time: { kind: "text", value: "RFC3339", does: "the instant to judge at instead of now" },
  report: { kind: "text", value: "FILE", does: "where the JSON report goes" },
};

/** Opens standard input as the options say. */
export async function openInput(
  options: Options,
  source: ByteSource = standardInput(),
): Promise<Opened & { readonly form: "mail" | "bare" }> {
  const input = await recognise(source, options.oneOf("inform", inputForms) ?? ("auto" satisfies InputForm));
  const certificates = await loadAllCertificates(options.texts("intermediates"));
  const common = {
    anchors: await loadAllCertificates(options.texts("trust")),
    intermediates: certificates,
    crls: await loadAllCrls(options.texts("crl")),
    revocation:
      options.oneOf("revocation", ["require", "check", "ignore"]) ??
      (options.texts("crl").length > 0 ? "check" : "ignore"),
    now: judgingTime(options),
    legacy: options.flag("legacy"),
  } as const;
  const named = options.text("content");
  const content = named === undefined ? undefined : openFile(named);
  const openOptions = (binding: Binding): OpenOptions => ({
    keys: keys.map(({ key, certificate }) => ({ key, certificate })),
    judgeSigner: signerJudge({ ...common, binding }),
    certificates,
    legacy: common.legacy,
    now: common.now,
    makeSpool: spillingSpools(tmpdir()),
    ...(content === undefined ? {} : { detachedContent: () => octetsOf(content) }),
    binding: bindingReport(binding),
    quirks: input.quirks,
  });
  const keys = await loadKeys(options, "key", "cert");
  const opened =
    input.form === "bare"
      ? await openBare(input.octets, openOptions(bindingOf(options, undefined)))
      : await openMail(input.octets, (header) => openOptions(bindingOf(options, header)));
  return { ...opened, form: input.form };
}

async function openMail(octets: ByteSource, optionsFor: (header: HeaderBlock) => OpenOptions): Promise<Opened> {
  let entity: Awaited<ReturnType<typeof readEntity>>;
  try {
    entity = await readEntity(octets);
  } catch (failure) {
    // The same failure again, where it becomes a report.
    return open(failing(failure), optionsFor({ fields: [], separator: new Uint8Array(0) }));
  }
  const { header, body } = entity;
  async function* again(): AsyncGenerator<Uint8Array> {
    yield formatHeader(header);
    yield* body;
  }
  return open(again(), optionsFor(header));
}

// biome-ignore lint/correctness/useYield: a source that fails at once
async function* failing(failure: unknown): AsyncGenerator<Uint8Array> {
  throw failure;
}

function bindingOf(options: Options, header: HeaderBlock | undefined): Binding {
  const kind = options.oneOf("bind", ["domain", "address", "none"]) ?? "domain";
  const named = options.text("from-domain");
  const domain = named === undefined ? undefined : parseDomainName(named);
  if (named !== undefined && domain === undefined) throw new UsageError(`--from-domain ${named}: not a domain name`);
  if (named !== undefined && kind === "address") throw new UsageError("--from-domain with --bind address: no address");
  if (kind === "none") return { kind };
  if (kind === "domain" && domain !== undefined) return { kind, domain };
  if (header === undefined || fieldsNamed(header, "From").length === 0) return { kind: "none" };
  const from = fromDomain(header);
  if (from === undefined) return { kind: "unknown" };
  return kind === "domain" ? { kind, domain: from.domain } : { kind, address: from.address };
}

function bindingReport(binding: Binding): OpenOptions["binding"] {
  if (binding.kind === "domain") return { domain: binding.domain };
  if (binding.kind === "address") return { address: binding.address };
  return binding.kind === "none" ? { binding: "none" } : {};
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new InputError(exit.unavailable, `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}
