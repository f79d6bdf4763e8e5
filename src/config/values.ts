// Values that are written as text in the configuration and are more than text: sizes, addresses, hops, networks.

import path from "node:path";
import { z } from "zod";
import { parseDomainName, parseHostName } from "../domain.ts";

/** A socket, or a path of a Unix socket; the shape that node:net takes. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

export type HopAddress = { readonly protocol: "smtp" | "lmtp"; readonly address: Endpoint };

/** Checked by `parse`; undefined is the fault that `must` describes. */
function parsed<Value>(parse: (text: string) => Value | undefined, must: string): z.ZodType<Value, string> {
  return z
    .string()
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: `must be ${must}` });
      return z.NEVER;
    })
    .meta({ title: must });
}

export const hostName: z.ZodType<string, string> = parsed(parseHostName, "a host name");
export const domainName: z.ZodType<string, string> = parsed(parseDomainName, "a domain name");
export const mailAddress: z.ZodType<string, string> = parsed(
  (text) => (/^[^\s@<>"]+@[^\s@<>"]+$/.test(text) ? text : undefined),
  "a mail address",
);

const units: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
]);

/** `100MiB`, or octets as a number. */
export const size: z.ZodType<number, string | number> = z
  .union([z.number(), z.string()])
  .transform((given, context) => {
    const shape = /^([0-9]{1,9}) ?([A-Za-z]*)$/.exec(String(given));
    const octets = Number(shape?.[1]) * (units.get(shape?.[2] ?? "?") ?? Number.NaN);
    if (Number.isSafeInteger(octets)) return octets;
    context.addIssue({ code: "custom", message: "must be a size like 100MiB, 64KiB or 5000" });
    return z.NEVER;
  })
  .meta({ title: "a size like 100MiB, 64KiB or 5000" });

export const count: z.ZodType<number, number> = z.number().int().min(1).meta({ title: "a number from 1" });

/** `127.0.0.1:10025`, `[::1]:10025`, `name:25` or `unix:/run/postern/in`. */
export const endpoint: z.ZodType<Endpoint, string> = parsed(parseEndpoint, "HOST:PORT or unix:/path");

export const hop: z.ZodType<HopAddress, string> = parsed((text) => {
  const shape = /^(smtp|lmtp):\/\/(.+)$/.exec(text);
  const address = parseEndpoint(shape?.[2] ?? "");
  return address && { protocol: shape?.[1] as "smtp" | "lmtp", address };
}, "smtp://HOST:PORT, lmtp://HOST:PORT or lmtp://unix:/path");

/** An address or a network in CIDR form. */
export const network: z.ZodType<string, string> = parsed(
  (text) => (z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]).safeParse(text).success ? text : undefined),
  "an IP address or a network like 192.0.2.0/24",
);

/** SHA-256 of a certificate as `openssl x509 -fingerprint -sha256` prints it; kept in lower case without colons. */
export const fingerprint: z.ZodType<string, string> = parsed((text) => {
  const digits = text.replaceAll(":", "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}, "the SHA-256 of a certificate in hex");

/** `sqlite:FILE` under `dataDir`, which is known only when the whole is. */
export const storeName: z.ZodType<string, string> = parsed(
  (text) => /^sqlite:(.+)$/.exec(text)?.[1],
  "sqlite:FILE (PostgreSQL comes with a later version)",
);

/** A file, relative to the configuration's own folder. */
export function fileIn(folder: string): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .transform((file) => path.resolve(folder, file))
    .meta({ title: "a file" });
}

export function isLoopback(address: Endpoint): boolean {
  return "path" in address || /^(?:localhost|::1|127(?:\.[0-9]{1,3}){3})$/.test(address.host);
}

function parseEndpoint(text: string): Endpoint | undefined {
  if (text.startsWith("unix:/")) return { path: text.slice("unix:".length) };
  const shape = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(text);
  const host = shape?.[1] ?? shape?.[2];
  const port = Number(shape?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}
