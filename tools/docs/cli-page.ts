// docs/cli.md, from the option tables of the commands and the registries of algorithms.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { commands, exit, exitMeanings, type Page } from "../../src/cli.ts";
import { contentEncryption, keyAgreement, keyTransport, signatureSchemes } from "../../src/crypto.ts";
import { cipherFor, managementFor, profileNames, signatureFor } from "../../src/smime.ts";
import { code, table } from "./markdown.ts";

const preface = `For those who type commands, and for those who write scripts around them. This page is made from the code by
\`node tools/docs.ts\`; \`postern COMMAND --help\` says the same.

\`bin/postern COMMAND [options]\` in a checkout, \`postern\` where it is installed. Messages go in on standard input and out on
standard output, as octets. What people should know goes to standard error, or with \`--report\` as
[JSON](reports.md) into a file. PEM files may hold several objects. Anchors are those given with \`--trust\`, and no others.`;

export async function cliPage(): Promise<string> {
  const sections = [...commands].map(async ([name, { does, load }]) => commandSection(name, does, (await load()).page));
  return [
    "# Commands",
    preface,
    table(["exit status", "meaning"], exitRows()),
    ...(await Promise.all(sections)),
    "## Names of algorithms",
    "The same in options, configuration and reports.",
    table(["", "to write and to read", "to read with `--legacy` only"], algorithmRows()),
    "`rsa-oaep-HASH-mgf1-HASH` names the mixed ones. With `--legacy` GCM is also read with a tag of 12 to 15 octets, and with another nonce than one of 12.",
    "## Profiles",
    `What \`--profile\` chooses; single options overrule it. Without it: B as soon as one certificate is RSA, else M.`,
    table(["profile", "RSA signature", "RSA keys", "content"], profileRows()),
    "For other kinds of keys all profiles choose the same:",
    table(["key", "signature", "keys"], otherKeyRows()),
  ]
    .join("\n\n")
    .concat("\n");
}

function exitRows(): string[][] {
  return (Object.keys(exit) as (keyof typeof exit)[]).map((name) => [String(exit[name]), exitMeanings[name]]);
}

function commandSection(name: string, does: string, { usage, options, notBuilt = [] }: Page): string {
  const rows = Object.entries(options).map(([option, { kind, value, does: what }]) => [
    code(value === undefined ? `--${option}` : `--${option} ${value}`),
    kind === "texts" && !/repeated/.test(what) ? `${what}; may be repeated` : what,
  ]);
  const later = notBuilt.map((option) => code(`--${option}`)).join(", ");
  return [
    `## postern ${name}`,
    `${does[0]?.toUpperCase()}${does.slice(1)}.`,
    `    postern ${name} ${usage}`,
    table(["option", "meaning"], rows),
    ...(later === "" ? [] : [`To come, and refused until then: ${later}.`]),
  ].join("\n\n");
}

function algorithmRows(): string[][] {
  const names = (found: Iterable<{ readonly name: string }>): string =>
    [...found].map(({ name }) => code(name)).join(" ");
  const ciphers = [...contentEncryption.contentCiphers.values()];
  const schemes = [...signatureSchemes.values()];
  const keys = [...keyTransport.keyTransports.values(), ...keyAgreement.agreementSchemes.values()];
  return [
    ["content", names(ciphers.filter(({ weak }) => !weak)), names(ciphers.filter(({ weak }) => weak))],
    ["keys", names(keys), "none"],
    [
      "signatures",
      names(schemes.filter(({ weak }) => weak.length === 0)),
      names(schemes.filter(({ weak }) => weak.length > 0)),
    ],
  ];
}

const otherKeys: Readonly<Record<string, () => { readonly publicKey: KeyObject }>> = {
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "P-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  Ed25519: () => generateKeyPairSync("ed25519"),
  X25519: () => generateKeyPairSync("x25519"),
};

/** Asked of the functions that choose for a message. */
function profileRows(): string[][] {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  return profileNames.map((profile) => [
    profile,
    code(signatureFor(profile, rsa).name),
    code(managementFor(profile, rsa).name),
    code(cipherFor(profile).name),
  ]);
}

function otherKeyRows(): string[][] {
  return Object.entries(otherKeys).map(([kind, make]) => {
    const key = make();
    const perProfile = profileNames.map((profile) => [
      kind,
      kind === "X25519" ? "" : code(signatureFor(profile, key).name),
      kind === "Ed25519" ? "" : code(managementFor(profile, key).name),
    ]);
    const [row, ...others] = perProfile as [string[], ...string[][]];
    if (others.some((other) => other.join() !== row.join())) throw new Error(`profiles differ over ${kind} keys`);
    return row;
  });
}
