// `postern postfix-config`: the Postfix side of this gateway, to read, to write into files, or to compare.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Config } from "../config.ts";
import { loadCertificates } from "../keystore.ts";
import {
  type Difference,
  differences,
  formatMainCf,
  formatMasterCf,
  type PostfixInstance,
  type PostfixSite,
  parseMainCf,
  postfixInstances,
} from "../postfix.ts";
import { loadConfig } from "./gateway.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "postfix-config",
  usage: "[--config FILE] [--out DIR | --diff CONFIG_DIR...] [options]",
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    out: { kind: "text", value: "DIR", does: "write DIR/postfix-*/main.cf and master.cf; otherwise they are printed" },
    diff: {
      kind: "texts",
      value: "CONFIG_DIR",
      does: "show how a running instance differs (exit 1 if it does); may be repeated",
    },
    users: { kind: "text", value: "NEXT_HOP", does: "the users' mail server, as [HOST]:PORT" },
    networks: { kind: "texts", value: "CIDR", does: "who may hand in mail for the world; may be repeated" },
    submission: { kind: "text", value: "ADDRESS:PORT", does: "where the users' mail server reaches hub-out from afar" },
    public: {
      kind: "text",
      value: "ADDRESS:PORT",
      does: "where mail from the world comes in; default 25 on every address",
    },
    world: { kind: "text", value: "NEXT_HOP", does: "a smart host for mail to the world; otherwise MX records" },
    "tls-certificate": { kind: "text", value: "FILE", does: "what hub-in shows to the world, with its chain" },
    "tls-key": { kind: "text", value: "FILE", does: "its key" },
  },
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const folder = options.text("out");
    const compared = options.texts("diff");
    if (folder !== undefined && compared.length > 0) throw new UsageError("--out and --diff do not go together");
    const instances = postfixInstances(await siteOf(await loadConfig(options), options));
    if (compared.length > 0) return compareAll(instances, compared);
    if (folder === undefined) process.stdout.write(instances.flatMap(filesOf).map(printed).join("\n"));
    else writeAll(instances, folder);
    return exit.done;
  });
}

async function siteOf(config: Config, options: Options): Promise<PostfixSite> {
  const certificate = options.text("tls-certificate");
  const key = options.text("tls-key");
  if ((certificate === undefined) !== (key === undefined))
    throw new UsageError("--tls-certificate and --tls-key go together");
  for (const side of ["inside", "outside"] as const) {
    if (config.listen[side].protocol === "smtp")
      throw new InputError(
        exit.configuration,
        `listen.${side} is smtp: Postfix needs lmtp, where each recipient gets an answer`,
      );
  }
  const { submit } = config.relay;
  if (
    submit !== undefined &&
    "port" in submit.address &&
    submit.address.port === 25 &&
    options.text("public") === undefined
  )
    throw new UsageError("relay.submit takes port 25 of an address: --public ADDRESS:25 says which the world has");
  return {
    ...config,
    pins: { inside: await pinOf(config, "inside"), outside: await pinOf(config, "outside") },
    users: options.text("users"),
    networks: options.texts("networks").length > 0 ? options.texts("networks") : undefined,
    submission: options.text("submission"),
    public: options.text("public"),
    world: options.text("world"),
    tls: certificate === undefined || key === undefined ? undefined : { certificate, key },
  };
}

async function pinOf({ listen }: Config, side: "inside" | "outside"): Promise<string | undefined> {
  const { tls } = listen[side];
  return tls === undefined ? undefined : (await loadCertificates(tls.certificate))[0]?.sha256;
}

type File = { readonly name: string; readonly text: string };

function filesOf(instance: PostfixInstance): readonly File[] {
  return [
    { name: path.join(instance.folder, "main.cf"), text: formatMainCf(instance) },
    { name: path.join(instance.folder, "master.cf"), text: formatMasterCf(instance) },
  ];
}

function printed({ name, text }: File): string {
  return `# ---- ${name}\n${text}`;
}

function writeAll(instances: readonly PostfixInstance[], folder: string): void {
  for (const instance of instances) {
    mkdirSync(path.join(folder, instance.folder), { recursive: true });
    for (const { name, text } of filesOf(instance)) writeFileSync(path.join(folder, name), text);
    const open = instance.settings.filter(({ yours }) => yours).map(({ name }) => name);
    const note = open.length === 0 ? "" : `; look at ${open.join(", ")}`;
    process.stderr.write(`${path.join(folder, instance.folder)}: ${instance.does}${note}\n`);
  }
}

function compareAll(instances: readonly PostfixInstance[], folders: readonly string[]): number {
  const all = folders.flatMap((folder) => {
    const [mainCf, masterCf] = [running(folder, "main.cf", "-n"), running(folder, "master.cf", "-M")];
    const named = parseMainCf(mainCf).get("multi_instance_name") ?? path.basename(path.resolve(folder));
    const instance = instances.find((one) => one.folder === named);
    if (instance === undefined)
      throw new InputError(
        exit.input,
        `${folder}: ${named} is none of ${instances.map((one) => one.folder).join(", ")}`,
      );
    const found = differences(instance, mainCf, masterCf);
    process.stdout.write(
      found.length === 0 ? `${folder}: as it should be\n` : found.map((one) => shown(folder, one)).join(""),
    );
    return found;
  });
  return all.length === 0 ? exit.done : exit.negative;
}

/** What Postfix itself says is set; without Postfix, what the file says. */
function running(folder: string, file: string, how: "-n" | "-M"): string {
  const text = readFileSync(path.join(folder, file), "utf8");
  try {
    return execFileSync("postconf", ["-c", folder, how], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return text;
  }
}

function shown(folder: string, { file, name, wanted, found, why }: Difference): string {
  const separator = file === "main.cf" ? " = " : " ";
  return [
    `${path.join(folder, file)}: ${name}${why === undefined ? "" : `  # ${why}`}`,
    ...(found === undefined ? [] : [`- ${name}${separator}${found}`]),
    ...(wanted === undefined ? [] : [`+ ${name}${separator}${wanted}`]),
    "",
  ].join("\n");
}
