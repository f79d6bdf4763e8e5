// Addresses of the gateway's configuration as Postfix writes them.

import type { Endpoint } from "../config.ts";

/** As the destination of an SMTP client; brackets keep it from asking for MX. */
export function destination(endpoint: Endpoint): string {
  if ("path" in endpoint) return `unix:${endpoint.path}`;
  return `[${literal(endpoint.host)}]:${endpoint.port}`;
}

/** As the destination of an LMTP client, which knows no MX. */
export function lmtpDestination(endpoint: Endpoint): string {
  if ("path" in endpoint) return `unix:${endpoint.path}`;
  return `inet:${endpoint.host.includes(":") ? `[ipv6:${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

/** As the name of a service in master.cf. */
export function listenAddress(endpoint: Endpoint): string | undefined {
  if ("path" in endpoint) return undefined;
  return `${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

function literal(host: string): string {
  return host.includes(":") ? `ipv6:${host}` : host;
}
