// The configuration: one schema that checks it, and from which its reference page and its JSON Schema come.

import { z } from "zod";
import {
  count,
  domainName,
  type Endpoint,
  endpoint,
  fileIn,
  type HopAddress,
  hop,
  hostName,
  isLoopback,
  mailAddress,
  network,
  size,
} from "./values.ts";

export type KeyConfig = {
  readonly key: string;
  readonly certificate: string;
  readonly passwordFile?: string | undefined;
};

export type DomainConfig = {
  readonly name: string;
  readonly signing: KeyConfig;
  /** Present key first; older ones still open what was encrypted to them. */
  readonly encryption: readonly KeyConfig[];
};

export type ListenConfig = {
  readonly protocol: "smtp" | "lmtp";
  readonly address: Endpoint;
  readonly accept: readonly string[];
};

export type RevocationConfig = "ignore" | "check" | "require";

export type Config = {
  readonly hostname: string;
  readonly authservId: string;
  readonly dataDir: string;
  readonly postmaster: string;
  readonly community?: string | undefined;
  readonly trust: {
    readonly anchors: readonly string[];
    readonly intermediates: readonly string[];
    readonly crls: readonly string[];
    readonly revocation: RevocationConfig;
  };
  readonly limits: {
    readonly messageSize: number;
    readonly recipients: number;
    readonly connections: number;
    readonly perPeer: number;
  };
  readonly domains: readonly DomainConfig[];
  readonly listen: { readonly inside: ListenConfig; readonly outside: ListenConfig };
  readonly relay: {
    readonly outside: HopAddress;
    readonly inside: HopAddress;
    readonly submit?: HopAddress | undefined;
  };
  readonly directory: { readonly sources: readonly { readonly ldif: string }[] };
  /** Settings that are understood and not used by this version. */
  readonly unused: readonly string[];
};

const notYet = "Not used by this version.";
const plaintext = "is not on this machine: without TLS that needs dangerPlaintext: true";
const dangerPlaintext = z.boolean().default(false).describe("Allow this link to leave the machine without TLS.");

const listener = z
  .strictObject({
    lmtp: endpoint.optional().describe("Where to listen for LMTP, behind a mail server that keeps a queue."),
    smtp: endpoint.optional().describe("Where to listen for SMTP, in proxy mode."),
    accept: z.array(network).prefault(["127.0.0.0/8", "::1/128"]).describe("Who may connect."),
    dangerPlaintext,
  })
  .transform(({ lmtp, smtp, accept, dangerPlaintext }, context): ListenConfig => {
    const address = lmtp ?? smtp;
    if (address === undefined || (lmtp !== undefined && smtp !== undefined)) {
      context.addIssue({ code: "custom", message: "must have either lmtp or smtp" });
      return z.NEVER;
    }
    if (!isLoopback(address) && !dangerPlaintext) context.addIssue({ code: "custom", message: plaintext });
    return { protocol: lmtp === undefined ? "smtp" : "lmtp", address, accept };
  });

const relayHop = z
  .preprocess(
    (given) => (typeof given === "string" ? { to: given } : given),
    z.strictObject({ to: hop.describe("The next hop; alone it may stand for the whole group."), dangerPlaintext }),
  )
  .transform(({ to, dangerPlaintext }, context): HopAddress => {
    if (!isLoopback(to.address) && !dangerPlaintext) context.addIssue({ code: "custom", message: plaintext });
    return to;
  })
  .meta({ type: ["string", "object"] });

function requireEachOnce(domains: readonly { readonly name: string }[], context: z.core.$RefinementCtx): void {
  for (const [index, { name }] of domains.entries()) {
    if (domains.findIndex((other) => other.name === name) === index) continue;
    context.addIssue({ code: "custom", path: [index, "name"], message: `${name} stands here twice` });
  }
}

/** The schema of a file in `folder`, to which relative paths in it refer. */
export function configSchema(folder: string): z.ZodType<Config> {
  const file = fileIn(folder);
  const key = z.strictObject({
    key: file.describe("Private key: PEM, DER or PKCS #12."),
    certificate: file.describe("Its certificate, with its chain if there is one."),
    passwordFile: file.optional().describe("A file whose first line opens the key."),
  });
  return z
    .strictObject({
      hostname: hostName.describe("Our name, in SMTP and in trace fields."),
      authservId: hostName.optional().describe("Our name in Authentication-Results; the hostname unless given."),
      dataDir: file
        .meta({ title: "a folder" })
        .describe("Where state is kept. Nothing decrypted is ever written there in clear."),
      postmaster: mailAddress.describe("Who answers for this gateway."),
      community: domainName.optional().describe("The community's name."),
      trust: z.strictObject({
        anchors: z.array(file).min(1).describe("Certificates that are believed, and no others."),
        intermediates: z.array(file).prefault([]).describe("Certificates that help to build paths."),
        crls: z.array(file).prefault([]).describe("Lists of revoked certificates."),
        revocation: z
          .enum(["ignore", "check", "require"])
          .default("check")
          .describe(
            "`check`: what the lists say counts; `require`: there must be a current one; `ignore`: nobody looks.",
          ),
      }),
      ledgerKey: file.optional().describe(`The key under which the ledger hides addresses. ${notYet}`),
      limits: z
        .strictObject({
          messageSize: size.prefault("100MiB").describe("The largest message."),
          recipients: count.default(1000).describe("Recipients of one message."),
          connections: count.default(1000).describe(`Connections at the same time. ${notYet}`),
          perPeer: count.default(200).describe(`Connections of one peer. ${notYet}`),
        })
        .prefault({}),
      domains: z
        .array(
          z.strictObject({
            name: domainName.describe("The domain as it stands in addresses; each has an entry of its own."),
            signing: key.describe("Signs what leaves."),
            encryption: z
              .array(key)
              .min(1)
              .describe(
                "Opens what comes: the present key first, older ones behind it as long as mail comes for them.",
              ),
          }),
        )
        .min(1)
        .superRefine(requireEachOnce)
        .describe("The domains whose mail is signed, encrypted and opened here."),
      listen: z.strictObject({
        inside: listener.describe("For our own mail server, towards the world."),
        outside: listener.describe("For mail from the world, towards our own mail server."),
      }),
      relay: z
        .strictObject({
          outside: relayHop.describe("Where mail for the world goes next."),
          inside: relayHop.describe("Where mail for our users goes next."),
          submit: relayHop.optional().describe(`Where mail of our own making enters. ${notYet}`),
        })
        // preprocess hides what must be there.
        .meta({ required: ["outside", "inside"] }),
      directory: z.strictObject({
        sources: z
          .array(z.strictObject({ ldif: file.describe("Members in an LDIF file.") }))
          .min(1)
          .describe("Where members and their certificates come from."),
      }),
      store: z.string().optional().describe(`Where ledger and tracking are kept. ${notYet}`),
      rules: file.optional().describe(`Rules of the house. ${notYet}`),
      console: endpoint.optional().describe(`Where the console listens. ${notYet}`),
    })
    .transform(({ authservId, ledgerKey, store, rules, console, ...config }): Config => {
      // TODO(#3): ledger, store and mail of our own; rules and console come with their issues.
      const waiting = { ledgerKey, store, rules, console, "relay.submit": config.relay.submit };
      const unused = Object.entries(waiting).flatMap(([name, value]) => (value === undefined ? [] : [name]));
      return { ...config, authservId: authservId ?? config.hostname, unused };
    });
}
