// What all four instances have in common.

import type { InstanceName, PostfixSite, Service, Setting } from "./site.ts";

/** Long enough for a mailing of any honest length, short enough that a bounce is still news. */
const retrySeconds = { queueRun: 60, least: 60, most: 900 } as const;

/** LIMIT: house rule for a header block; twice that, so that Postern sees and refuses what is over it. */
const headerSize = 2 * 256 * 1024;

/** Postfix adds a Received field before Postern counts. */
export const traceRoom = 4096;

export const prefix = "postfix-";

export function commonSettings(instance: InstanceName, site: PostfixSite): Setting[] {
  return [
    ...identity(instance, site),
    ...nothingLocal(),
    ...octetsStay(),
    ...retries(),
    ...notices(site),
    ...session(site),
  ];
}

function identity(instance: InstanceName, { hostname, domains }: PostfixSite): Setting[] {
  const name = `${prefix}${instance}`;
  return [
    setting("compatibility_level", "3.6", "Defaults of Postfix 3.6, whatever a later one brings."),
    setting("multi_instance_group", "postern", "`postmulti -g postern -p status` speaks to all four."),
    setting("multi_instance_name", name, "Also the name in the log."),
    setting("multi_instance_enable", "yes", "Starts and stops with the machine's Postfix."),
    setting("queue_directory", `/var/spool/${name}`, "Instances must not share a queue."),
    setting("data_directory", `/var/lib/${name}`, "Nor state."),
    setting(
      "myhostname",
      `${instance}.${hostname}`,
      "A name of its own: Postfix takes a peer that answers with the same name for itself, and returns the mail as a loop.",
    ),
    setting(
      "myorigin",
      domains[0]?.name ?? hostname,
      "Bounces come from MAILER-DAEMON@ here. As a domain of ours they can be signed; Postern changes it to the domain that a bounce is about where several are hosted.",
    ),
  ];
}

/** No mail may end here: everything has to pass Postern. */
function nothingLocal(): Setting[] {
  return [
    setting("mydestination", "", "No mail is for this machine: a local domain would be delivered past Postern."),
    setting(
      "local_recipient_maps",
      "inline:{ {nobody = nobody} }",
      "There are no local users: user@[our own address] is refused, which Postfix would otherwise take for ours.",
    ),
    setting(
      "parent_domain_matches_subdomains",
      "",
      "A domain of ours is no word about those below it: hub-in would relay to them, and edge-out send their mail round.",
    ),
    setting("alias_maps", "", "And no aliases for them."),
    setting("alias_database", "", "Nor their files."),
    setting("authorized_submit_users", "", "No mail by the sendmail command: all comes in by SMTP."),
    setting("recipient_delimiter", "", "An address means what its own server says."),
    setting("allow_percent_hack", "no", "a%b@c is an address at c, not one at b."),
    setting("swap_bangpath", "no", "b!a is no address at b."),
    setting("append_dot_mydomain", "no", "Addresses are complete when they come."),
    setting("biff", "no", "Nobody is logged in."),
  ];
}

/** Signatures and encryption cover octets: what Postfix would mend, it would break. */
function octetsStay(): Setting[] {
  return [
    setting("local_header_rewrite_clients", "", "Headers are not completed: a signature covers them as they are."),
    setting("remote_header_rewrite_domain", "", "Nor those from elsewhere."),
    setting("smtp_line_length_limit", "0", "Long lines are not broken: a signature would break with them."),
    setting("lmtp_line_length_limit", "0", "Nor on the way to Postern."),
    setting(
      "header_size_limit",
      String(headerSize),
      "Over it Postfix cuts a field in silence; Postern refuses earlier.",
    ),
    setting("smtputf8_enable", "yes", "Addresses in UTF-8 pass."),
  ];
}

function retries(): Setting[] {
  const { queueRun, least, most } = retrySeconds;
  return [
    setting("queue_run_delay", `${queueRun}s`, "What Postern puts off for a moment is tried again a minute later."),
    setting("minimal_backoff_time", `${least}s`, "The first retry."),
    setting(
      "maximal_backoff_time",
      `${most}s`,
      "A certificate mended in the directory is used within a quarter of an hour.",
    ),
    setting("soft_bounce", "no", "A final no is final: with soft_bounce a refused mail would circle for days."),
    setting("enable_long_queue_ids", "yes", "Queue ids that never come again: Postern's ledger goes by them."),
  ];
}

function notices({ postmaster, domains }: PostfixSite): Setting[] {
  const [first] = domains;
  const inside = domains.some(({ name }) => name === postmaster.slice(postmaster.lastIndexOf("@") + 1).toLowerCase());
  const mailbox = inside ? postmaster : `postmaster@${first?.name ?? ""}`;
  return [
    setting(
      "notify_classes",
      "data, resource, software, 2bounce",
      "Of bounces only those that could not be delivered: any other notice would show users' mail to the postmaster.",
    ),
    setting("2bounce_notice_recipient", mailbox, "A mailbox inside: what it gets must not leave."),
    setting("error_notice_recipient", mailbox, "The same."),
    setting("bounce_notice_recipient", mailbox, "The same, should somebody turn these notices on."),
    setting("delay_notice_recipient", mailbox, "The same."),
    setting(
      "bounce_size_limit",
      "1",
      "A bounce returns the header and never the text: what was encrypted on its way must not come back in clear.",
    ),
  ];
}

function session({ hostname, limits }: PostfixSite): Setting[] {
  return [
    setting("smtpd_banner", `${hostname} ESMTP`, "No version."),
    setting("disable_vrfy_command", "yes", "Nobody learns who has a mailbox."),
    setting("smtpd_helo_required", "yes", "As RFC 5321 asks."),
    setting("strict_rfc821_envelopes", "yes", "Addresses in angle brackets and nothing else."),
    setting("smtpd_discard_ehlo_keywords", "etrn, silent-discard", "Queues are run by their owner."),
    setting("smtpd_recipient_limit", String(limits.recipients), "As Postern takes them (limits.recipients)."),
    setting("mailbox_size_limit", "0", "No mailboxes; Postfix asks that this is not below message_size_limit."),
  ];
}

/** The programs that every instance runs. Without pickup `postqueue -f` takes Postfix for dead. */
export function commonServices(): Service[] {
  const internal = (name: string, wakeup: string, limit: string, type: Service["type"] = "unix"): Service => ({
    name,
    type,
    columns: ["n", "-", "n", wakeup, limit],
    command: name,
  });
  const perRequest = (name: string, command: string = name): Service => ({
    name,
    type: "unix",
    columns: ["-", "-", "n", "-", "-"],
    command,
  });
  return [
    internal("pickup", "60", "1"),
    internal("cleanup", "-", "0"),
    internal("qmgr", "300", "1"),
    { name: "tlsmgr", type: "unix", columns: ["-", "-", "n", "1000?", "1"], command: "tlsmgr" },
    perRequest("rewrite", "trivial-rewrite"),
    { name: "bounce", type: "unix", columns: ["-", "-", "n", "-", "0"], command: "bounce" },
    { name: "defer", type: "unix", columns: ["-", "-", "n", "-", "0"], command: "bounce" },
    { name: "trace", type: "unix", columns: ["-", "-", "n", "-", "0"], command: "bounce" },
    { name: "verify", type: "unix", columns: ["-", "-", "n", "-", "1"], command: "verify" },
    { name: "flush", type: "unix", columns: ["n", "-", "n", "1000?", "0"], command: "flush" },
    { name: "proxymap", type: "unix", columns: ["-", "-", "n", "-", "-"], command: "proxymap" },
    perRequest("smtp"),
    perRequest("error"),
    perRequest("retry", "error"),
    perRequest("discard"),
    internal("showq", "-", "-"),
    { name: "anvil", type: "unix", columns: ["-", "-", "n", "-", "1"], command: "anvil" },
    { name: "scache", type: "unix", columns: ["-", "-", "n", "-", "1"], command: "scache" },
    { name: "postlog", type: "unix-dgram", columns: ["n", "-", "n", "-", "1"], command: "postlogd" },
  ];
}

export function smtpdAt(address: string, overrides: readonly Setting[] = []): Service {
  return { name: address, type: "inet", columns: ["n", "-", "n", "-", "-"], command: "smtpd", overrides };
}

export function setting(name: string, value: string, why: string): Setting {
  return { name, value, why };
}

/** A value that the gateway's configuration does not tell: given, or a guess that the postmaster looks at. */
export function siteSetting(name: string, given: string | undefined, guess: string, why: string): Setting {
  return given === undefined ? { name, value: guess, why, yours: true } : { name, value: given, why };
}
