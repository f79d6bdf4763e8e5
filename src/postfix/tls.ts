// TLS on the links to and from Postern, where these leave the machine.

import type { TlsConfig } from "../config.ts";
import { setting } from "./common.ts";
import type { Setting } from "./site.ts";

/** Of Postfix towards Postern: by fingerprint, since no authority knows either of them. */
export function clientTls(client: "smtp" | "lmtp", tls: TlsConfig | undefined, pin: string | undefined): Setting[] {
  if (tls === undefined) return [];
  return [
    setting(`${client}_tls_security_level`, "fingerprint", "This link leaves the machine."),
    setting(`${client}_tls_fingerprint_digest`, "sha256", "As in Postern's configuration."),
    {
      ...setting(`${client}_tls_fingerprint_cert_match`, colons(pin ?? ""), "The certificate at the other end."),
      ...(pin === undefined ? { yours: true } : {}),
    },
    yours(`${client}_tls_cert_file`, "The certificate whose SHA-256 stands in Postern's configuration as pin."),
    yours(`${client}_tls_key_file`, "Its key."),
  ];
}

/** Of Postfix's listeners that Postern connects to. */
export function serverTls(tls: TlsConfig | undefined): Setting[] {
  if (tls === undefined) return [];
  return [
    setting("smtpd_tls_security_level", "encrypt", "This link leaves the machine."),
    yours("smtpd_tls_cert_file", "The certificate whose SHA-256 stands in Postern's configuration as pin."),
    yours("smtpd_tls_key_file", "Its key."),
  ];
}

function yours(name: string, why: string): Setting {
  return { ...setting(name, "", why), yours: true };
}

function colons(hex: string): string {
  return (hex.match(/../g) ?? []).join(":").toUpperCase();
}
