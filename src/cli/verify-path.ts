// `postern verify-path`: may this certificate be believed, and for whom does it speak?
import { loadCertificates } from "../keystore.ts";
import { isBoundToAddress, isBoundToDomain, type PathVerdict, verifyPath } from "../trust.ts";
import type { Certificate } from "../x509.ts";
import { judgingTime, loadAllCertificates, loadAllCrls } from "./material.ts";
import { exit, type Options, type Page, runPage, UsageError } from "./options.ts";
import { reportWriter } from "./report-file.ts";

export const page: Page = {
  name: "verify-path",
  usage: "[options] CERT",
  positionals: 1,
  options: {
    trust: { kind: "texts", value: "FILE", does: "trust anchors, exactly these; without any no path is valid" },
    intermediates: { kind: "texts", value: "FILE", does: "certificates between; also those after the first in CERT" },
    crl: { kind: "texts", value: "FILE", does: "certificate revocation lists" },
    revocation: {
      kind: "text",
      value: "require|check|ignore",
      does: "default check where a CRL is given, else ignore",
    },
    purpose: {
      kind: "text",
      value: "signing|encryption|any",
      does: "what the certificate is to be used for; default any",
    },
    email: { kind: "text", value: "ADDRESS", does: "an address that the certificate must name" },
    domain: { kind: "text", value: "DOMAIN", does: "a domain whose own certificate it must be" },
    legacy: { kind: "flag", does: "accept what is below the floor: SHA-1, RSA below 2048, DSA" },
    time: { kind: "text", value: "RFC3339", does: "the instant to judge at instead of now" },
    report: { kind: "text", value: "FILE", does: "where the JSON report goes" },
  },
  notBuilt: ["policy", "explicit-policy", "inhibit-mapping", "inhibit-any-policy", "ocsp"],
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const writeReport = reportWriter(options);
    const report = await judge(options);
    if (writeReport === undefined) process.stderr.write(summaryOf(report));
    else writeReport(report);
    return report.verdict === "valid" ? exit.done : exit.negative;
  });
}

type Reason = { readonly code: string; readonly certificate: string; readonly detail: string };
type Report = {
  readonly format: "postern-report/1";
  readonly command: "verify-path";
  readonly verdict: PathVerdict["verdict"];
  readonly code: string;
  readonly path: readonly string[];
  readonly emails: readonly string[];
  readonly reasons: readonly Reason[];
};

async function judge(options: Options): Promise<Report> {
  const [file] = options.positionals;
  if (file === undefined) throw new UsageError("the certificate to judge is missing");
  // What is wrong on the command line is told before any file is looked at.
  const purpose = purposeOf(options);
  const revocation = options.oneOf("revocation", ["require", "check", "ignore"]);
  const at = judgingTime(options);
  const [leaf, ...alongside] = (await loadCertificates(file)) as [Certificate, ...Certificate[]];
  const crls = await loadAllCrls(options.texts("crl"));
  const verdict = verifyPath(leaf, {
    anchors: await loadAllCertificates(options.texts("trust")),
    intermediates: [...alongside, ...(await loadAllCertificates(options.texts("intermediates")))],
    at,
    purpose,
    legacy: options.flag("legacy"),
    crls,
    revocation: revocation ?? (crls.length > 0 ? "check" : "ignore"),
  });
  const named = verdict.verdict === "valid" ? nameReason(leaf, options) : undefined;
  return {
    format: "postern-report/1",
    command: "verify-path",
    verdict: named === undefined ? verdict.verdict : "invalid",
    code: named === undefined ? verdict.code : named.code,
    path: verdict.path.map(({ subject }) => subject),
    emails: leaf.emails,
    reasons: named === undefined ? verdict.reasons : [named, ...verdict.reasons],
  };
}

function purposeOf(options: Options): "signing" | "encryption" | "any" {
  return options.oneOf("purpose", ["signing", "encryption", "any"]) ?? "any";
}

/** What is wrong with the names, where the path is right. */
function nameReason(leaf: Certificate, options: Options): Reason | undefined {
  const email = options.text("email");
  const domain = options.text("domain");
  const mismatch = (wanted: string) => ({
    code: "SIGNER_MISMATCH",
    certificate: leaf.subject,
    detail: `it does not name ${wanted}, only: ${leaf.emails.join(", ") || "nobody"}`,
  });
  if (email !== undefined && !isBoundToAddress(leaf, email)) return mismatch(email);
  if (domain === undefined) return undefined;
  const purpose = purposeOf(options);
  const roles = purpose === "any" ? (["signing", "encryption"] as const) : [purpose];
  return roles.some((role) => isBoundToDomain(leaf, domain, role)) ? undefined : mismatch(domain);
}

function summaryOf({ verdict, code, path, reasons }: Report): string {
  const lines = [
    `${verdict}: ${code}`,
    ...path.map((subject, depth) => `${"  ".repeat(depth + 1)}${subject}`),
    ...reasons.map(({ code: reason, certificate, detail }) => `${reason}: ${certificate}: ${detail}`),
  ];
  return `${lines.join("\n")}\n`;
}
