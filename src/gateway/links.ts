// The links to our neighbours, as the configuration names them, with their certificates and keys loaded.

import type { Config, HopConfig, ListenConfig } from "../config.ts";
import { SecureMailError } from "../errors.ts";
import { loadKey } from "../keystore.ts";
import type { Hop, ListenOptions } from "../smtp.ts";
import type { Side } from "./passage.ts";

type ListenTls = NonNullable<ListenOptions["tls"]>;

export type Links = {
  readonly hops: Readonly<Record<Side, Hop>>;
  /** Where mail of our own making enters. */
  readonly submit?: Hop;
  /** What a listener needs for STARTTLS; nothing where it goes without. */
  readonly tls: Readonly<Record<Side, { readonly tls?: ListenTls }>>;
};

export async function loadLinks({ relay, listen }: Config): Promise<Links> {
  return {
    hops: { inside: await loadHop(relay.inside), outside: await loadHop(relay.outside) },
    ...(relay.submit && { submit: await loadHop(relay.submit) }),
    tls: { inside: await loadListenTls(listen.inside), outside: await loadListenTls(listen.outside) },
  };
}

async function loadHop({ protocol, address, tls }: HopConfig): Promise<Hop> {
  if (tls === undefined) return { protocol, address };
  const { certificate, key, pins } = tls;
  const identity = certificate === undefined || key === undefined ? {} : await loadIdentity({ certificate, key });
  return { protocol, address, tls: { pins, ...identity } };
}

async function loadListenTls({ tls }: ListenConfig): Promise<{ readonly tls?: ListenTls }> {
  if (tls === undefined) return {};
  const { pins } = tls;
  return { tls: { ...(await loadIdentity(tls)), ...(pins.length > 0 && { pins }) } };
}

type Identity = { readonly certificate: string; readonly key: string };

/** PEM, as node:tls takes it, from any form that keys and certificates come in. */
async function loadIdentity(files: Identity): Promise<Identity> {
  const { privateKey, certificate, chain } = await loadKey(files);
  if (certificate === undefined)
    throw new SecureMailError("GATEWAY_KEY", "permanent", `${files.certificate}: holds no certificate`);
  return {
    certificate: [certificate, ...chain].map(({ octets }) => formatCertificate(octets)).join(""),
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}

function formatCertificate(octets: Uint8Array): string {
  const lines =
    Buffer.from(octets)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
