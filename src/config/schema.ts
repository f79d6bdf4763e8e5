// The configuration: one schema that checks it, and from which its reference page and its JSON Schema come.

import path from "node:path";
import { z } from "zod";
import { type HopConfig, type ListenConfig, linksOf } from "./links.ts";
import { spillFault } from "./shares.ts";
import { count, domainName, endpoint, fileIn, hostName, mailAddress, size, storeName } from "./values.ts";

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

export type RevocationConfig = "ignore" | "check" | "require";

export type Config = {
  readonly hostname: string;
  readonly authservId: string;
  readonly dataDir: string;
  readonly postmaster: string;
  readonly community?: string | undefined;
  /** Undefined: one per core. */
  readonly workers?: number | undefined;
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
    /** Undefined: as much as the workers need, see `spillRoom`. */
    readonly spill?: number | undefined;
    readonly hold: number;
  };
  readonly domains: readonly DomainConfig[];
  readonly listen: { readonly inside: ListenConfig; readonly outside: ListenConfig };
  readonly relay: {
    readonly outside: HopConfig;
    readonly inside: HopConfig;
    readonly submit?: HopConfig | undefined;
  };
  readonly directory: { readonly sources: readonly { readonly ldif: string }[] };
  /** One that nobody named is made at the first start; one that was named must be there. */
  readonly ledgerKey: { readonly file: string; readonly named: boolean };
  /** The file of the SQLite store. */
  readonly store: string;
  /** Settings that are understood and not used by this version. */
  readonly unused: readonly string[];
};

const notYet = "Not used by this version.";
const limits = z
  .strictObject({
    messageSize: size.prefault("100MiB").describe("The largest message, in octets as it arrives."),
    recipients: count.default(1000).describe("Recipients of one message; what comes beyond is put off with 452."),
    connections: count
      .default(1000)
      .describe("Connections to one listener at the same time, shared out among the workers."),
    perPeer: count
      .default(200)
      .describe("Connections of one address to one listener at the same time, shared out too."),
    spill: size
      .optional()
      .describe(
        "Room on the disk for large messages on their way, shared out among the workers, each of which needs 3 x messageSize; less is refused. Unless given 4GiB, or what the workers need where that is more.",
      ),
    hold: size
      .prefault("10GiB")
      .describe("Room on the disk for mail that is held; over it such mail stays with the mail server in front."),
  })
  .prefault({});

function requireEachOnce(domains: readonly { readonly name: string }[], context: z.core.$RefinementCtx): void {
  for (const [index, { name }] of domains.entries()) {
    if (domains.findIndex((other) => other.name === name) === index) continue;
    context.addIssue({ code: "custom", path: [index, "name"], message: `${name} stands here twice` });
  }
}

function trustOf(file: z.ZodType<string, string>): z.ZodType<Config["trust"]> {
  return z.strictObject({
    anchors: z.array(file).min(1).describe("Authorities that are believed, and no others."),
    intermediates: z.array(file).prefault([]).describe("Certificates that help to build paths."),
    crls: z.array(file).prefault([]).describe("Lists of revoked certificates; read at the start and on reload."),
    revocation: z
      .enum(["ignore", "check", "require"])
      .default("check")
      .describe(
        "`check`: what the lists say counts, and a missing one is no objection; `require`: there must be a current one; `ignore`: nobody looks.",
      ),
  });
}

/** The schema of a file in `folder`, to which relative paths in it refer. */
export function configSchema(folder: string): z.ZodType<Config> {
  const file = fileIn(folder);
  const { listener, relayHop } = linksOf(file);
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
        .describe(
          "Where state is kept, for the gateway's user alone. Nothing decrypted is ever written there in clear.",
        ),
      postmaster: mailAddress.describe("Who answers for this gateway; gets mail for `postmaster` without a domain."),
      community: domainName.optional().describe("The community's name, for entries made by hand."),
      trust: trustOf(file),
      workers: count.optional().describe("Processes that handle mail; one per core unless given."),
      ledgerKey: file
        .optional()
        .describe(
          "The key under which the ledger hides addresses; unless given `ledger.key` under `dataDir`, made at the first start.",
        ),
      limits,
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
        inside: listener.describe("For our own mail server, towards the world. Who reaches it speaks for our domains."),
        outside: listener.describe("For mail from the world, towards our own mail server."),
      }),
      relay: z
        .strictObject({
          outside: relayHop.describe("Where mail for the world goes next."),
          inside: relayHop.describe("Where mail for our users goes next."),
          submit: relayHop
            .optional()
            .describe(
              "The hub, where mail of our own making enters. Without it nothing is returned, and at a listener that speaks SMTP a mail that one recipient gets and another never will is 451 for both until its sender gives up.",
            ),
        })
        // preprocess hides what must be there.
        .meta({ required: ["outside", "inside"] }),
      directory: z.strictObject({
        sources: z
          .array(z.strictObject({ ldif: file.describe("Members in an LDIF file; read again when it changes.") }))
          .min(1)
          .describe("Where members and their certificates come from."),
      }),
      store: storeName
        .prefault("sqlite:postern.db")
        .describe("Where ledger, held mail and tracking are kept: a file, under `dataDir`."),
      rules: file.optional().describe(`Rules of the house. ${notYet}`),
      console: endpoint.optional().describe(`Where the console listens. ${notYet}`),
    })
    .superRefine(({ workers, limits }, context) => {
      const fault = workers === undefined ? undefined : spillFault(limits, workers);
      if (fault !== undefined) context.addIssue({ code: "custom", path: ["limits", "spill"], message: fault });
    })
    .transform(({ authservId, ledgerKey, store, rules, console, ...config }): Config => {
      const waiting = { rules, console };
      const unused = Object.entries(waiting).flatMap(([name, value]) => (value === undefined ? [] : [name]));
      return {
        ...config,
        authservId: authservId ?? config.hostname,
        ledgerKey: { file: ledgerKey ?? path.join(config.dataDir, "ledger.key"), named: ledgerKey !== undefined },
        store: path.resolve(config.dataDir, store),
        unused,
      };
    });
}
