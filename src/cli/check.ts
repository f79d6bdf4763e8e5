// `postern check`: is everything right, and if not, what is to be done? Looks at what the configuration names, at the
// running gateway, at its neighbours, and sends probes around the chain.

import { systemClock } from "../clock.ts";
import { type Config, spillFault } from "../config.ts";
import { isSecureMailError } from "../errors.ts";
import { loadPeers, type Trust } from "../gateway.ts";
import { crewSize, type GatewayStatus, readStatus } from "../supervisor.ts";
import { checkKeys, type Peers } from "./check-keys.ts";
import { checkLinks } from "./check-links.ts";
import { checkPlaces } from "./check-places.ts";
import { checkProbes } from "./check-probes.ts";
import { columns, day, plural } from "./columns.ts";
import { directoryFindings } from "./directory.ts";
import { type Finding, fault, good, statusOf, warning } from "./finding.ts";
import { loadConfig } from "./gateway.ts";
import { writeText } from "./octets.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "check",
  usage: "[--config FILE] [options]",
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    "no-probes": { kind: "flag", does: "send no mail around the chain; what that would show stays unknown" },
    wait: { kind: "text", value: "SECONDS", does: "how long probes may take; default 30" },
    json: { kind: "flag", does: "the same as data: one object" },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const waitMs = waitIn(options);
    const findings = await findingsFor(options, waitMs);
    const status = statusOf(findings);
    await writeText(options.flag("json") ? asJson(findings, status) : textOf(findings, options.flag("no-probes")));
    return status;
  });
}

function waitIn(options: Options): number {
  const seconds = Number(options.text("wait") ?? 30);
  if (!(seconds > 0 && seconds <= 3600)) throw new UsageError(`--wait ${options.text("wait")}: seconds, up to 3600`);
  return seconds * 1000;
}

async function findingsFor(options: Options, waitMs: number): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = await loadConfig(options);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    const lines = thrown.message.split("\n").filter((line) => line !== "the configuration cannot be used");
    return lines.map((line) => fault("configuration", line, "docs/config.md explains every setting", thrown.status));
  }
  const now = systemClock();
  const peers = await peersOf(config);
  const { links, findings: neighbours } = await checkLinks(config);
  const status = await readStatus(config.dataDir);
  const before = [
    good("configuration", plural(config.domains.length, "domain")),
    ...checkShares(config),
    ...config.unused.map((name) => warning("configuration", `${name} is not used by this version`, "nothing")),
    ...(peers.loaded === undefined ? [] : await checkKeys(config, peers.loaded, now)),
    ...peers.findings,
    ...(await checkPlaces(config)),
    ...neighbours,
    ...checkGateway(status, config.dataDir),
  ];
  if (options.flag("no-probes")) return before;
  if (links === undefined || status?.ready !== true)
    return [...before, fault("probes", "not sent", "mend what is wrong above, then run this again")];
  return [...before, ...(await checkProbes(config, links, waitMs))];
}

/** With `workers` set the configuration is refused; one for each core is this machine's doing. */
function checkShares(config: Config): readonly Finding[] {
  const lack = spillFault(config.limits, crewSize(config));
  if (lack === undefined) return [];
  const todo = "raise limits.spill, lower limits.messageSize, or set fewer workers; the gateway does not start so";
  return [fault("configuration", `limits.spill: ${lack}`, todo, exit.configuration)];
}

type CheckedPeers = { readonly loaded?: Peers; readonly findings: readonly Finding[] };

async function peersOf(config: Config): Promise<CheckedPeers> {
  let loaded: Peers;
  try {
    loaded = await loadPeers(config);
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    const status = thrown.fault === "temporary" || thrown.code === "KEY_FILE" ? exit.unavailable : exit.configuration;
    return {
      findings: [
        fault("directory", thrown.message, "mend or bring the file; a running gateway keeps what it had", status),
      ],
    };
  }
  const { snapshot, trust } = loaded;
  const faults = directoryFindings(snapshot, trust).map(({ about, what, todo }) =>
    warning("directory", `${about}: ${what}`, todo),
  );
  const members = good("directory", plural(snapshot.members.length, "member"));
  return { loaded, findings: [members, ...faults, ...staleEvidence(trust, systemClock())] };
}

function staleEvidence({ anchors, crls, revocation }: Trust, now: Date): Finding[] {
  const ended = anchors
    .filter(({ notAfter }) => notAfter <= now)
    .map(({ subject, notAfter }) =>
      fault("directory", `anchor ${subject} ended on ${day(notAfter)}`, "bring the community's present anchor"),
    );
  const stale = crls
    .filter(({ nextUpdate }) => nextUpdate !== undefined && nextUpdate <= now)
    .map(({ issuer, nextUpdate }) => {
      const what = `the revocation list of ${issuer} was to be renewed by ${day(nextUpdate as Date)}`;
      const todo = "fetch the present one; revoked certificates may still be believed";
      return revocation === "require" ? fault("directory", what, todo) : warning("directory", what, todo);
    });
  return [...ended, ...(revocation === "ignore" ? [] : stale)];
}

function checkGateway(status: GatewayStatus | undefined, dataDir: string): readonly Finding[] {
  if (status === undefined)
    return [fault("gateway", `none answers at ${dataDir}/gateway.sock`, "start it: postern gateway", exit.unavailable)];
  const ready = status.workers.filter((worker) => worker.ready).length;
  if (!status.ready) return [fault("gateway", `process ${status.pid} is not ready`, "its log says what it waits for")];
  if (ready < status.workers.length)
    return [warning("gateway", `${ready} of ${plural(status.workers.length, "worker")} ready`, "its log says why")];
  return [good("gateway", `process ${status.pid}, ${plural(ready, "worker")}, since ${status.since}`)];
}

const words: Readonly<Record<Finding["level"], string>> = { good: "good", warning: "WARNING", fault: "FAULT" };

function textOf(findings: readonly Finding[], withoutProbes: boolean): string {
  const rows = findings.flatMap(({ area, level, what, todo }) => [
    [words[level], area, what],
    ...(todo === undefined ? [] : [["", "", `-> ${todo}`]]),
  ]);
  return `${columns(rows)}\n${summaryOf(findings, withoutProbes)}\n`;
}

function summaryOf(findings: readonly Finding[], withoutProbes: boolean): string {
  const count = (level: Finding["level"]): number => findings.filter((finding) => finding.level === level).length;
  const warnings = count("warning") === 0 ? "" : `, ${plural(count("warning"), "warning")}`;
  if (count("fault") > 0) return `Not ready: ${plural(count("fault"), "fault")}${warnings}.`;
  return `Ready${warnings}${withoutProbes ? ", as far as can be seen without probes" : ""}.`;
}

function asJson(findings: readonly Finding[], status: number): string {
  const shown = findings.map(({ status: _, ...finding }) => finding);
  return `${JSON.stringify({ format: "postern-report/1", command: "check", ready: status === exit.done, findings: shown })}\n`;
}
