// The edges: queue 2 of either direction. They take mail from Postern alone; what they make themselves goes to hub-out,
// and so through Postern.

import { listenAddress } from "./addresses.ts";
import { setting, siteSetting, smtpdAt, traceRoom } from "./common.ts";
import { hubOutHop } from "./hub.ts";
import type { PostfixSite, Service, Setting } from "./site.ts";
import { clientTls, serverTls } from "./tls.ts";

/** What signing and encrypting can make of a message: base64 within base64, and some. */
const growth = 2.1;

export function edgeOutSettings(site: PostfixSite): Setting[] {
  return [
    ...edge("outside", site),
    setting("relay_transport", `smtp:${hubOutHop(site)}`, "Bounces to our users pass Postern."),
    siteSetting("relayhost", site.world, "", "The world by its MX records; or a smart host (--world)."),
    {
      ...setting("transport_maps", "", "Single domains by other ways, if need be; never one of ours."),
      yours: true,
    },
    setting("smtp_helo_name", site.hostname, "The name that DNS has for this address."),
    siteSetting("smtp_tls_security_level", undefined, "may", "TLS with everybody who can; `dane` where DNSSEC is."),
    setting("delay_warning_time", "1h", "Our users learn that a mail waits."),
  ];
}

export function edgeInSettings(site: PostfixSite): Setting[] {
  const guess = `[mail.${site.domains[0]?.name}]:25`;
  return [
    ...edge("inside", site),
    siteSetting(
      "relay_transport",
      site.users && `smtp:${site.users}`,
      `smtp:${guess}`,
      "The users' mail server takes what was opened (--users).",
    ),
    setting(
      "default_transport",
      `smtp:${hubOutHop(site)}`,
      "Every other domain is a bounce's: it leaves through Postern.",
    ),
    setting("relayhost", "", "No other way."),
    setting("transport_maps", "", "Nor this one."),
    setting("message_drop_headers", "", "What was opened arrives as it was sent, Bcc and Return-Path too."),
    siteSetting(
      "smtp_tls_security_level",
      undefined,
      "may",
      "Opened mail travels here: `encrypt` or `secure` if the users' server is on another machine.",
    ),
    setting("delay_warning_time", "0h", "The outside is not told that a mail of it waits."),
  ];
}

export function edgeListener(side: "inside" | "outside", { relay }: PostfixSite): Service[] {
  const address = listenAddress(relay[side].address);
  return address === undefined ? [] : [smtpdAt(address)];
}

function edge(side: "inside" | "outside", site: PostfixSite): Setting[] {
  const hub = hubOutHop(site);
  return [
    setting("relay_domains", site.domains.map(({ name }) => name).join(" "), "The domains served here."),
    setting("local_transport", "error:5.1.2 No mail ends here", "Nor at an address literal of ours."),
    setting("mynetworks", "127.0.0.0/8 [::1]/128", "Postern is on this machine."),
    setting("inet_interfaces", "loopback-only", "Not for the world."),
    setting("smtpd_client_restrictions", "permit_mynetworks, reject", "Postern and nobody else."),
    setting("smtpd_relay_restrictions", "permit_mynetworks, reject", "No open relay."),
    setting("smtpd_recipient_restrictions", "permit_mynetworks, reject", "The same, in the older place."),
    setting("smtpd_peername_lookup", "no", "A known peer needs no DNS."),
    setting(
      "receive_override_options",
      "no_header_body_checks, no_address_mappings, no_unknown_recipient_checks, no_milters",
      "What Postern hands over is delivered as it is, or the signature breaks and the bounce is ours.",
    ),
    setting(
      "internal_mail_filter_classes",
      "bounce",
      "Bounces made here meet header_checks; what Postern brought does not.",
    ),
    setting(
      "header_checks",
      `static:{FILTER smtp:${hub}}`,
      "So every bounce goes to hub-out and through Postern, whatever its recipient's domain.",
    ),
    setting(
      "message_size_limit",
      String(Math.ceil(site.limits.messageSize * growth) + traceRoom),
      "2.1 times the hub's: signing and encrypting make a mail larger.",
    ),
    setting("smtpd_hard_error_limit", "10000", "Postern passes refusals on and is not to be punished for them,"),
    setting("smtpd_error_sleep_time", "0s", "nor made to wait."),
    ...serverTls(site.relay[side].tls),
    ...(site.relay.submit?.tls === undefined
      ? []
      : clientTls("smtp", site.relay.submit.tls, site.relay.submit.tls.pins[0])),
  ];
}
