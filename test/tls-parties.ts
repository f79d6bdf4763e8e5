// Keys and certificates for TLS between neighbours.

import { hash } from "node:crypto";
import type { TlsIdentity } from "../src/smtp.ts";
import { certify } from "./mint.ts";

export type TlsParty = TlsIdentity & { readonly pin: string };

export async function tlsParty(name: string): Promise<TlsParty> {
  const { certificate, pair } = await certify(name);
  const { octets } = certificate;
  const lines = Buffer.from(octets)
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
    key: pair.privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    pin: hash("sha256", octets, "hex"),
  };
}
