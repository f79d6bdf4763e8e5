// `postern directory`: who is a member, which certificates count and why the others do not; entries in and out.

import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { describeGone, type Found, type Member, type Snapshot } from "../directory.ts";
import { parseDomainName } from "../domain.ts";
import { type JudgedCertificate, judgeCertificates, loadPeers, type Trust } from "../gateway.ts";
import { formatLdif } from "../ldif.ts";
import { readDirectoryFiles } from "../store.ts";
import { certificateFacts } from "./certificate-card.ts";
import { columns, day, plural } from "./columns.ts";
import { addToDirectory } from "./directory-add.ts";
import { attributesOf, importToDirectory } from "./directory-import.ts";
import { loadConfig } from "./gateway.ts";
import { writeText } from "./octets.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "directory",
  usage: "list | lookup DOMAIN | verify | export | import FILE | add DOMAIN... --cert FILE [options]",
  positionals: 1000,
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    json: { kind: "flag", does: "data instead of text: one object a line" },
    ldif: { kind: "flag", does: "export: as LDIF, which is the default" },
    cert: {
      kind: "texts",
      value: "FILE",
      does: "add: certificates as PEM, DER or PKCS #7, or a mail signed with them",
    },
    file: {
      kind: "text",
      value: "FILE",
      does: "add, import: the LDIF file to write, where the configuration names several",
    },
    profile: {
      kind: "texts",
      value: "L|B|M|E",
      does: "add: what the other side reads; by its certificates unless given",
    },
    subdomains: { kind: "flag", does: "add: the entry also speaks for the domains below" },
    contact: { kind: "text", value: "ADDRESS", does: "add: whom to call" },
    "force-named": {
      kind: "flag",
      does: "add: take certificates that do not name the domains; nobody but you says so then",
    },
    "keep-pins": { kind: "flag", does: "import: believe what the file says was compared by hand" },
    yes: { kind: "flag", does: "add, import: write without asking" },
  },
  notBuilt: [],
};

type Verb = (config: Config, options: Options, args: readonly string[]) => Promise<number>;

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["list", list],
  ["lookup", lookup],
  ["verify", verify],
  ["export", exportAll],
  ["import", importToDirectory],
  ["add", addToDirectory],
]);

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const [name, ...rest] = options.positionals;
    const verb = verbs.get(name ?? "");
    if (verb === undefined) throw new UsageError(`${name ?? "nothing"}: it is one of ${[...verbs.keys()].join(", ")}`);
    return verb(await loadConfig(options), options, rest);
  });
}

async function list(config: Config, options: Options): Promise<number> {
  const { snapshot, trust } = await loadPeers(config);
  const members = snapshot.members.map((member) => ({ member, judged: judgedOf(member, snapshot, trust) }));
  if (options.flag("json")) {
    await writeText(members.map(({ member, judged }) => `${JSON.stringify(factsOf(member, judged))}\n`).join(""));
    return exit.done;
  }
  const rows = members.map(({ member, judged }) => {
    const ours = member.domains.some((domain) => config.domains.some(({ name }) => name === domain));
    const notes = [...(ours ? ["ours"] : []), ...(member.pins.length > 0 ? ["pinned"] : []), ...more(member)];
    return [
      member.domains[0] ?? member.name,
      member.status,
      String(countOf(judged, "encryption")),
      String(countOf(judged, "signing")),
      until(judged),
      notes.join(", "),
    ];
  });
  await writeText(columns([["DOMAIN", "STATUS", "ENCRYPT", "SIGN", "UNTIL", "NOTES"], ...rows]));
  return exit.done;
}

function more({ domains, includeSubdomains }: Member): string[] {
  const others = domains.length - 1;
  return [
    ...(others > 0 ? [`and ${plural(others, "more domain")}`] : []),
    ...(includeSubdomains ? ["and what is below"] : []),
  ];
}

function judgedOf(member: Member, snapshot: Snapshot, trust: Trust): readonly JudgedCertificate[] {
  const [domain] = member.domains;
  const found = domain === undefined ? undefined : snapshot.find(domain);
  // Where two entries claim a domain, each is shown by itself.
  return found === undefined ? [] : judgeCertificates({ ...found, member }, trust, systemClock());
}

function countOf(judged: readonly JudgedCertificate[], role: JudgedCertificate["role"]): number {
  return judged.filter((one) => one.role === role && one.code === "OK").length;
}

/** The day on which the last good encryption certificate ends. */
function until(judged: readonly JudgedCertificate[]): string {
  const ends = judged
    .filter(({ role, code }) => role === "encryption" && code === "OK")
    .map(({ certificate }) => certificate.notAfter.getTime());
  return ends.length === 0 ? "-" : day(new Date(Math.max(...ends)));
}

async function lookup(config: Config, options: Options, [name]: readonly string[]): Promise<number> {
  const domain = parseDomainName(name ?? "");
  if (domain === undefined) throw new UsageError(`lookup needs a domain, not ${name ?? "nothing"}`);
  const { snapshot, trust } = await loadPeers(config);
  const found = snapshot.find(domain);
  if (found === undefined) {
    const gone = snapshot.findGone(domain, systemClock());
    const facts = { domain, member: false, ...(gone === undefined ? {} : { gone: gone.gone, until: gone.until }) };
    const said = gone === undefined ? stranger(domain) : `${describeGone(gone)}\n`;
    await writeText(options.flag("json") ? `${JSON.stringify(facts)}\n` : said);
    return exit.negative;
  }
  const judged = judgeCertificates(found, trust, systemClock());
  await writeText(
    options.flag("json")
      ? `${JSON.stringify({ domain, ...factsOf(found.member, judged) })}\n`
      : entryText(found, judged),
  );
  return countOf(judged, "encryption") > 0 && isServed(found.member) ? exit.done : exit.negative;
}

function stranger(domain: string): string {
  return `${domain} is no member: mail to it leaves as it is.\nTo exchange certificates by hand: postern directory add ${domain} --cert FILE\n`;
}

function isServed({ status }: Member): boolean {
  return status === "active" || status === "test";
}

function entryText({ member, domain }: Found, judged: readonly JudgedCertificate[]): string {
  const { domains, status, profiles, identification, includeSubdomains, pins, contact, maxMessageSize } = member;
  const rows = [
    ["entry", member.name],
    ["found as", domain],
    ["domains", domains.join(", ")],
    ["status", `${status}, ${member.class}`],
    ["subdomains", includeSubdomains ? "spoken for" : "not spoken for"],
    ["reads", profiles.join(", ") || "by its certificates"],
    ["signs as", identification.kind],
    ["pinned", pins.length === 0 ? "no" : plural(pins.length, "certificate")],
    ...(maxMessageSize === undefined ? [] : [["takes up to", `${maxMessageSize} octets`]]),
    ...(contact === undefined ? [] : [["contact", contact]]),
  ];
  const certificates = worthSaying(judged).map(({ certificate, role, code, reason }) => [
    code === "OK" ? "good" : code,
    role,
    `until ${day(certificate.notAfter)}`,
    certificate.sha256.slice(0, 16),
    reason === undefined ? certificate.subject : `${certificate.subject}: ${reason}`,
  ]);
  return `${columns(rows)}\n${columns(certificates)}`;
}

/** A certificate that is good for one thing need not excuse itself for the other. */
function worthSaying(judged: readonly JudgedCertificate[]): readonly JudgedCertificate[] {
  const good = new Set(judged.filter(({ code }) => code === "OK").map(({ certificate }) => certificate));
  return judged.filter(({ certificate, code }) => code === "OK" || !good.has(certificate));
}

function factsOf({ certificates: _, ...member }: Member, judged: readonly JudgedCertificate[]): object {
  const certificates = judged.map(({ certificate, role, code, reason }) => ({
    role,
    code,
    ...(reason === undefined ? {} : { reason }),
    ...certificateFacts(certificate),
  }));
  return { ...member, certificates };
}

export type DirectoryFinding = { readonly what: string; readonly about: string; readonly todo: string };

/** What is wrong in the directory: faults of entries, entries that are gone, and members to whom no mail can be encrypted. */
export function directoryFindings(snapshot: Snapshot, trust: Trust): readonly DirectoryFinding[] {
  const faults = snapshot.faults.map(({ dn, attribute, reason }) => ({
    about: dn,
    what: `${attribute}: ${reason}`,
    todo: "mend the entry; until then the member counts as suspended if the fault leaves a doubt",
  }));
  const unusable = snapshot.members.filter(isServed).flatMap((member) => {
    const judged = judgedOf(member, snapshot, trust);
    if (countOf(judged, "encryption") > 0) return [];
    const why = judged.filter(({ role }) => role === "encryption").map(({ code, reason }) => `${code}, ${reason}`);
    return [
      {
        about: member.domains[0] ?? member.name,
        what: `no certificate that mail could be encrypted to (${why.join("; ") || "none at all"})`,
        todo: "ask the member for a new one; until then its mail waits with the sender",
      },
    ];
  });
  const gone = snapshot.gone.map((one) => ({
    about: one.domain,
    what: describeGone(one),
    todo: "bring its entry back, or write one that says left; after that time it is a stranger, and mail to it leaves in clear",
  }));
  return [...faults, ...gone, ...unusable];
}

async function verify(config: Config, options: Options): Promise<number> {
  const { snapshot, trust } = await loadPeers(config);
  const findings = directoryFindings(snapshot, trust);
  if (options.flag("json")) await writeText(findings.map((finding) => `${JSON.stringify(finding)}\n`).join(""));
  else {
    const lines = findings.map(({ about, what, todo }) => `${columns([[about, what]])}  ${todo}\n`);
    await writeText(
      `${lines.join("")}${plural(snapshot.members.length, "member")}, ${plural(findings.length, "fault")}\n`,
    );
  }
  return findings.length === 0 ? exit.done : exit.negative;
}

async function exportAll(config: Config, options: Options): Promise<number> {
  if (options.flag("json") && options.flag("ldif")) throw new UsageError("--ldif or --json, not both");
  if (options.flag("json")) return list(config, options);
  const entries = await readDirectoryFiles(config.directory.sources.map(({ ldif }) => ldif));
  const written = await writeText(
    formatLdif(entries.map((entry) => ({ dn: entry.dn, attributes: attributesOf(entry) }))),
  );
  if (!written) throw new InputError(exit.unavailable, "nobody reads the output");
  return exit.done;
}
