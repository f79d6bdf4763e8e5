// `postern directory add`: manual exchange. Two people compare fingerprints by telephone, then the certificates of another
// house stand in our own file, and for its domains no others count.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { type DomainName, parseDomainName } from "../domain.ts";
import { isSecureMailError } from "../errors.ts";
import { type LdifAttribute, ldifText, type NewLdifEntry, parseLdif, withEntries } from "../ldif.ts";
import { replaceFile } from "../store.ts";
import { boundDomains, type DomainRole, domainAuthorities, verifyPinned } from "../trust.ts";
import type { Certificate } from "../x509.ts";
import { actor } from "./actor.ts";
import { confirmed } from "./ask.ts";
import { certificateCard, certificateFacts } from "./certificate-card.ts";
import { exchangedCertificates } from "./exchanged-files.ts";
import { writeText } from "./octets.ts";
import { exit, InputError, type Options, UsageError } from "./options.ts";
import { withStore } from "./store-of.ts";

type Offered = { readonly certificate: Certificate; readonly roles: readonly DomainRole[] };

export async function addToDirectory(config: Config, options: Options, names: readonly string[]): Promise<number> {
  const domains = domainsOf(names, config);
  if (options.texts("cert").length === 0) throw new UsageError("--cert FILE is missing: what the other side sent");
  const offered = (await exchangedCertificates(options.texts("cert"))).map(judged);
  requireNamed(offered, domains, options.flag("force-named"));
  const file = targetOf(config, options);
  const before = await textOf(file);
  const entry = entryFor(domains, offered, config, options);
  const replaces = await entriesInTheWay(config, file, before, entry, domains);
  const after = withEntries(before, [entry]);
  if (!options.flag("json")) await writeText(introduction({ domains, offered, file, replaces, config }, options));
  const written = await confirmed(options, "Do the words agree?");
  if (written) {
    await write(file, before, after);
    await noteInAudit(config, domains, offered);
  }
  await writeText(
    options.flag("json") ? facts(domains, offered, file, written) : ending(written, domains, file, config),
  );
  return written ? exit.done : exit.negative;
}

function domainsOf(names: readonly string[], config: Config): readonly DomainName[] {
  if (names.length === 0) throw new UsageError("name the domains: postern directory add DOMAIN... --cert FILE");
  return names.map((name) => {
    const domain = parseDomainName(name);
    if (domain === undefined) throw new UsageError(`${name}: not a domain name`);
    if (config.domains.some((own) => own.name === domain)) throw new UsageError(`${domain} is served by this gateway`);
    return domain;
  });
}

/** What a certificate may be used for; one that no mail could ever use now is refused. */
function judged(certificate: Certificate): Offered {
  const { subject, extensions } = certificate;
  const usages = extensions.keyUsage;
  const allows = (...wanted: readonly string[]): boolean =>
    usages === undefined || usages.some((usage) => wanted.includes(usage));
  const roles: DomainRole[] = [];
  if (allows("digitalSignature", "nonRepudiation")) roles.push("signing");
  if (allows("keyEncipherment", "keyAgreement")) roles.push("encryption");
  if (roles.length === 0)
    throw new InputError(exit.input, `${subject}: its key usage is neither for signing nor for encryption (${usages})`);
  for (const purpose of roles) {
    const options = { anchors: [certificate], intermediates: [], at: systemClock(), purpose, revocation: "ignore" };
    const { code, reasons } = verifyPinned(certificate, options as Parameters<typeof verifyPinned>[1]);
    if (code !== "OK")
      throw new InputError(exit.input, `${subject}: ${code}: ${reasons[0]?.detail ?? "cannot be used"}`);
  }
  const named = roles.filter((role) => boundDomains(certificate, role).length > 0);
  return { certificate, roles: named.length > 0 ? named : roles };
}

function requireNamed(offered: readonly Offered[], domains: readonly DomainName[], forced: boolean): void {
  if (!offered.some(({ roles }) => roles.includes("encryption")))
    throw new InputError(exit.input, "none of the certificates is for encryption: mail could not be sent there");
  if (forced) return;
  for (const { certificate, roles } of offered) {
    if (!roles.some((role) => boundDomains(certificate, role).some((name) => domains.includes(name as DomainName))))
      throw unnamed(`${certificate.subject} names none of these domains`);
  }
  for (const domain of domains) {
    for (const role of ["encryption", "signing"] as const) {
      const able = offered.filter(({ roles }) => roles.includes(role));
      if (able.length > 0 && !able.some(({ certificate }) => boundDomains(certificate, role).includes(domain)))
        throw unnamed(`no certificate names ${domainAuthorities[role]}@${domain}`);
    }
  }
}

function unnamed(what: string): InputError {
  const hint = "if the other side says that it is right all the same: --force-named, which asks for no name at all";
  return new InputError(exit.input, `${what} (${hint})`);
}

export function targetOf({ directory }: Config, options: Options): string {
  const named = options.text("file");
  if (named !== undefined) return path.resolve(named);
  const [only, another] = directory.sources.map(({ ldif }) => ldif);
  if (only === undefined || another !== undefined)
    throw new UsageError("the configuration names several directory files: say which with --file");
  return only;
}

async function textOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return new Uint8Array(0);
    throw new InputError(exit.unavailable, `${file}: cannot be read (${code})`, { cause });
  }
}

function entryFor(
  domains: readonly DomainName[],
  offered: readonly Offered[],
  config: Config,
  options: Options,
): NewLdifEntry {
  const [first] = domains;
  const contact = options.text("contact");
  const attributes: LdifAttribute[] = [
    ...["top", "device", "pkiUser", "posternMember"].map((name): LdifAttribute => ["objectClass", name]),
    ["cn", first as string],
    ...domains.flatMap((domain): LdifAttribute[] => [
      ["mail", `${domainAuthorities.encryption}@${domain}`],
      ["mail", `${domainAuthorities.signing}@${domain}`],
    ]),
    ...domains.map((domain): LdifAttribute => ["associatedDomain", domain]),
    ...offered.map(({ certificate }): LdifAttribute => ["userCertificate;binary", certificate.octets]),
    ...offered.map(({ certificate }): LdifAttribute => ["posternPin", certificate.sha256]),
    ["posternStatus", "active"],
    ["posternClass", "external"],
    ...options.texts("profile").map((profile): LdifAttribute => ["posternProfile", profile]),
    ["posternIncludeSubdomains", options.flag("subdomains") ? "TRUE" : "FALSE"],
    ["posternIdentification", options.flag("force-named") ? "manual" : "binding"],
    ...(contact === undefined ? [] : [["posternContact", contact] as const]),
  ];
  return { dn: `cn=${first},ou=members,o=${(config.community ?? "exchanged").split(".")[0]}`, attributes };
}

/** The entry that this one takes the place of; an entry of others, or in another file, may not be in its way. */
async function entriesInTheWay(
  { directory }: Config,
  file: string,
  octets: Uint8Array,
  { dn }: NewLdifEntry,
  domains: readonly DomainName[],
): Promise<boolean> {
  let replaces = false;
  const others = directory.sources.map(({ ldif }) => ldif).filter((ldif) => ldif !== file);
  const files = [
    { name: file, octets },
    ...(await Promise.all(others.map(async (name) => ({ name, octets: await textOf(name) })))),
  ];
  for (const { name, octets } of files) {
    for (const entry of parsed(octets, name)) {
      const own = entry.values.filter(({ type }) => type === "associateddomain").map(ldifText);
      const shared = domains.find((domain) => own.some((text) => parseDomainName(text) === domain));
      if (name === file && entry.dn.toLowerCase() === dn.toLowerCase()) {
        const lost = own.filter((text) => !domains.some((domain) => parseDomainName(text) === domain));
        if (lost.length > 0)
          throw new InputError(exit.input, `${dn} also speaks for ${lost.join(", ")}: name them too`);
        replaces = true;
      } else if (shared !== undefined) {
        const where = `${name}, line ${entry.line}: ${entry.dn}`;
        throw new InputError(exit.input, `${shared} has an entry already (${where}): change or remove that one`);
      }
    }
  }
  return replaces;
}

function parsed(octets: Uint8Array, file: string): ReturnType<typeof parseLdif> {
  try {
    return parseLdif(octets);
  } catch (cause) {
    if (!isSecureMailError(cause)) throw cause;
    throw new InputError(exit.input, `${file}: ${cause.message}`, { cause });
  }
}

async function write(file: string, before: Uint8Array, after: Uint8Array): Promise<void> {
  if (Buffer.compare(await textOf(file), before) !== 0)
    throw new InputError(exit.temporary, `${file} was changed meanwhile: nothing written, try again`);
  await replaceFile(file, after);
}

/** Where no gateway ever ran there is no audit yet. */
async function noteInAudit(config: Config, domains: readonly DomainName[], offered: readonly Offered[]): Promise<void> {
  if (!existsSync(config.store)) return;
  const digests = offered.map(({ certificate }) => certificate.sha256);
  const subject = [...domains, ...digests].join(" ");
  await withStore(config, ({ audit }) => audit.note({ at: systemClock(), by: actor(), act: "pinned", subject }));
}

type Plan = {
  readonly domains: readonly DomainName[];
  readonly offered: readonly Offered[];
  readonly file: string;
  readonly replaces: boolean;
  readonly config: Config;
};

function introduction({ domains, offered, file, replaces }: Plan, options: Options): string {
  const signs = offered.some(({ roles }) => roles.includes("signing"));
  const lines = [
    `${replaces ? "A new entry in place of the present one" : "A new entry"} for ${domains.join(", ")} in ${file}`,
    "",
    ...offered.map(({ certificate, roles }) => certificateCard(roles.join("+"), certificate)),
    "Call the other side, at a number that did not come with the certificates, and read the words to each other.",
    "They see theirs with: postern key show FILE",
    "",
    "From then on, for these domains:",
    "  mail to them is encrypted to these certificates and leaves in no other way;",
    "  mail from them counts as theirs only if one of these signed it.",
    ...(signs ? [] : ["  None of them is for signing: no mail from there will count as theirs."]),
    ...(options.flag("force-named")
      ? ["", "WARNING: --force-named: nobody but you says that these certificates belong to these domains."]
      : []),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function ending(written: boolean, domains: readonly DomainName[], file: string, { directory }: Config): string {
  if (!written) return "Nothing was written.\n";
  const used = directory.sources.some(({ ldif }) => ldif === file);
  const next = used
    ? `The gateway reads it by itself. See what happens now: postern probe --to postmaster@${domains[0]}`
    : "No gateway reads this file until directory.sources of the configuration names it.";
  return `Written. ${next}\n`;
}

function facts(domains: readonly DomainName[], offered: readonly Offered[], file: string, written: boolean): string {
  const certificates = offered.map(({ certificate, roles }) => ({ roles, ...certificateFacts(certificate) }));
  return `${JSON.stringify({ domains, file, written, certificates })}\n`;
}
