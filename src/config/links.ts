// The links of a gateway: where it listens, where it relays to, and the TLS on either.

import { z } from "zod";
import { type Endpoint, endpoint, fingerprint, type HopAddress, hop, isLoopback, network } from "./values.ts";

/** STARTTLS on one link. With pins it is required, and the peer's certificate must be one of them. */
export type TlsConfig = {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** SHA-256 of the peer's certificate: lower case, no colons. */
  readonly pins: readonly string[];
};

export type ListenConfig = {
  readonly protocol: "smtp" | "lmtp";
  readonly address: Endpoint;
  readonly accept: readonly string[];
  readonly tls?: (TlsConfig & { readonly certificate: string; readonly key: string }) | undefined;
};

export type HopConfig = HopAddress & { readonly tls?: TlsConfig | undefined };

const plaintext = "is not on this machine: that needs tls with a pin, or dangerPlaintext: true";
const dangerPlaintext = z
  .boolean()
  .default(false)
  .describe("Let this link leave the machine without TLS that knows its peer: opened mail may be on it in clear.");
const pin = z
  .preprocess((given) => (typeof given === "string" ? [given] : given), z.array(fingerprint).min(1))
  .meta({
    title: "a SHA-256 in hex, or a list",
    type: ["string", "array"],
  });

/** The schemas of links whose certificates and keys are files as `file` reads them. */
export function linksOf(file: z.ZodType<string, string>): {
  listener: z.ZodType<ListenConfig>;
  relayHop: z.ZodType<HopConfig>;
} {
  const certificate = file.describe("Our certificate on this link, with its chain if there is one.");
  const key = file.describe("Its private key.");
  const listenTls = z
    .strictObject({
      certificate,
      key,
      pin: pin
        .optional()
        .describe(
          "SHA-256 of the peer's certificate in hex, or a list: only such a peer may send. Unless given, whoever `accept` names.",
        ),
    })
    .transform(({ pin = [], ...own }) => ({ ...own, pins: pin }))
    .optional()
    .describe("STARTTLS, without which this listener takes no mail.");
  const relayTls = z
    .strictObject({
      certificate: certificate.optional(),
      key: key.optional(),
      pin: pin.describe("SHA-256 of the next hop's certificate in hex, or a list; nothing is sent to another."),
    })
    .transform(({ pin, ...own }, context) => {
      if ((own.certificate === undefined) !== (own.key === undefined))
        context.addIssue({ code: "custom", message: "must have certificate and key, or neither" });
      return { ...own, pins: pin };
    })
    .optional()
    .describe("STARTTLS on this link, which is then required.");
  return { listener: listenerOf(listenTls), relayHop: relayHopOf(relayTls) };
}

function listenerOf(tls: z.ZodType<ListenConfig["tls"]>): z.ZodType<ListenConfig> {
  return z
    .strictObject({
      lmtp: endpoint.optional().describe("Where to listen for LMTP, behind a mail server that keeps a queue."),
      smtp: endpoint
        .optional()
        .describe("Where to listen for SMTP, without a queue in front: one answer for all recipients."),
      accept: z
        .array(network)
        .prefault(["127.0.0.0/8", "::1/128"])
        .describe("Who may connect. Their XFORWARD counts, but by SMTP from outside."),
      tls,
      dangerPlaintext,
    })
    .transform(({ lmtp, smtp, accept, tls, dangerPlaintext }, context): ListenConfig => {
      const address = lmtp ?? smtp;
      if (address === undefined || (lmtp !== undefined && smtp !== undefined)) {
        context.addIssue({ code: "custom", message: "must have either lmtp or smtp" });
        return z.NEVER;
      }
      requireKnownPeer(address, tls, dangerPlaintext, context);
      return { protocol: lmtp === undefined ? "smtp" : "lmtp", address, accept, ...(tls && { tls }) };
    });
}

function relayHopOf(tls: z.ZodType<HopConfig["tls"]>): z.ZodType<HopConfig> {
  return z
    .preprocess(
      (given) => (typeof given === "string" ? { to: given } : given),
      z.strictObject({
        to: hop.describe("The next hop; alone it may stand for the whole group."),
        tls,
        dangerPlaintext,
      }),
    )
    .transform(({ to, tls, dangerPlaintext }, context): HopConfig => {
      requireKnownPeer(to.address, tls, dangerPlaintext, context);
      return { ...to, ...(tls && { tls }) };
    })
    .meta({ type: ["string", "object"] });
}

function requireKnownPeer(
  address: Endpoint,
  tls: TlsConfig | undefined,
  dangerPlaintext: boolean,
  context: z.core.$RefinementCtx,
): void {
  const known = tls !== undefined && tls.pins.length > 0;
  if (!known && !dangerPlaintext && !isLoopback(address)) context.addIssue({ code: "custom", message: plaintext });
}
