// The hubs: queue 1 of either direction. Whatever they hold goes to Postern and nowhere else.

import { destination, listenAddress, lmtpDestination } from "./addresses.ts";
import { setting, siteSetting, smtpdAt, traceRoom } from "./common.ts";
import type { NextHop, PostfixSite, Service, Setting } from "./site.ts";
import { clientTls, serverTls } from "./tls.ts";

/** The transport to Postern. */
const transport = "postern";

/** hub-out listens where Postern submits mail of its own. */
export const defaultSubmit = { host: "127.0.0.1", port: 10_024 } as const;

export function hubOutSettings(site: PostfixSite): Setting[] {
  return [
    ...toPostern("inside", site),
    siteSetting(
      "mynetworks",
      site.networks === undefined ? undefined : ["127.0.0.0/8", "[::1]/128", ...site.networks].join(" "),
      "127.0.0.0/8 [::1]/128",
      "Who may hand in mail for the world: this machine, and the users' mail server (--networks).",
    ),
    setting("inet_interfaces", site.submission === undefined ? "loopback-only" : "all", "Not for the world."),
    setting("smtpd_client_restrictions", "permit_mynetworks, reject", "Nobody else may even speak to it."),
    setting("smtpd_relay_restrictions", "permit_mynetworks, reject", "No open relay."),
    setting("smtpd_recipient_restrictions", "permit_mynetworks, reject", "The same, in the older place."),
    setting("smtpd_peername_lookup", "no", "Known peers need no DNS."),
    setting("message_size_limit", String(hubSize(site)), "limits.messageSize, less room for trace fields."),
    setting("delay_warning_time", "1h", "Our users learn that a mail waits, for a certificate or for a server."),
    ...serverTls(site.relay.submit?.tls),
  ];
}

export function hubInSettings(site: PostfixSite): Setting[] {
  return [
    ...toPostern("outside", site),
    setting("mynetworks", "127.0.0.0/8 [::1]/128", "Nobody of the world is known to it."),
    setting("inet_interfaces", "all", "The world comes in here."),
    setting("relay_domains", site.domains.map(({ name }) => name).join(" "), "The domains served here, and no others."),
    {
      ...setting(
        "relay_recipient_maps",
        "",
        "Empty takes mail for any name. A table of the users' addresses (hash:, ldap:) refuses the others at RCPT, before anything is opened.",
      ),
      yours: true,
    },
    setting("smtpd_relay_restrictions", "reject_unauth_destination", "No open relay, not even for this machine."),
    {
      ...setting(
        "smtpd_recipient_restrictions",
        "reject_unauth_pipelining, reject_non_fqdn_recipient, reject_unlisted_recipient, permit",
        "Add what keeps spam out; content filters must leave protected mail as it is.",
      ),
      yours: true,
    },
    setting(
      "smtpd_forbid_bare_newline",
      "normalize",
      "Only CRLF.CRLF ends a message: nothing is smuggled (CVE-2023-51764).",
    ),
    setting("smtpd_forbid_bare_newline_exclusions", "", "For no peer an exception."),
    setting("message_size_limit", String(hubSize(site)), "limits.messageSize, less room for trace fields."),
    setting("message_drop_headers", "", "A signature of the outside may cover any field."),
    setting("delay_warning_time", "0h", "Strangers are not told how busy we are."),
    siteSetting(
      "smtpd_tls_security_level",
      site.tls && "may",
      "none",
      "TLS with everybody who can (--tls-certificate, --tls-key).",
    ),
    siteSetting("smtpd_tls_cert_file", site.tls?.certificate, "", "Certificate and chain."),
    siteSetting("smtpd_tls_key_file", site.tls?.key, "", "Its key."),
  ];
}

export function hubServices(): Service[] {
  return [{ name: transport, type: "unix", columns: ["-", "-", "n", "-", "-"], command: "lmtp" }];
}

export function hubOutListeners({ relay, submission }: PostfixSite): Service[] {
  const submit = listenAddress(relay.submit?.address ?? defaultSubmit);
  return [submit, submission].flatMap((address) => (address === undefined ? [] : [smtpdAt(address)]));
}

/** Where edges send what they make themselves. */
export function hubOutHop({ relay }: PostfixSite): NextHop {
  return destination(relay.submit?.address ?? defaultSubmit);
}

function hubSize({ limits }: PostfixSite): number {
  return Math.max(limits.messageSize - traceRoom, traceRoom);
}

/** All four ways that Postfix knows, so that nothing, a bounce least of all, finds another. */
function toPostern(side: "inside" | "outside", { listen, limits, pins }: PostfixSite): Setting[] {
  const { address, tls } = listen[side];
  const gateway = `${transport}:${lmtpDestination(address)}`;
  const everything = "Everything goes to Postern: content_filter would spare the bounces that Postfix makes itself.";
  return [
    setting("default_transport", gateway, everything),
    setting("relay_transport", gateway, "So for domains in relay_domains,"),
    setting("local_transport", gateway, "for local ones,"),
    setting("virtual_transport", gateway, "and for virtual ones, should there ever be any."),
    setting("transport_maps", "", "No way around it."),
    setting("relayhost", "", "Nor this one."),
    setting("internal_mail_filter_classes", "", "Bounces pass Postern and need no other filter."),
    setting("lmtp_send_xforward_command", "yes", "Postern learns the queue id, by which its ledger knows a retry."),
    setting(
      `${transport}_destination_recipient_limit`,
      String(limits.recipients),
      "As smtpd_recipient_limit: a message in pieces would be signed and encrypted for each.",
    ),
    setting(
      `${transport}_destination_concurrency_failed_cohort_limit`,
      "1000",
      "Postern answers for many domains: one that fails must not make Postfix take Postern for dead.",
    ),
    setting(
      "lmtp_data_done_timeout",
      "1200s",
      "Postern answers when the next hop has; leaving earlier makes duplicates.",
    ),
    setting(
      `${transport}_destination_concurrency_limit`,
      "20",
      "Conversations with Postern at a time, below limits.perPeer.",
    ),
    ...clientTls("lmtp", tls, pins[side]),
  ];
}
