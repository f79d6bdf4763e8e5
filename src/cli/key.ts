// `postern key show`: what a file of keys and certificates holds, whether the halves belong together, and the words by
// which two houses compare certificates.

import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { systemClock } from "../clock.ts";
import { isSecureMailError } from "../errors.ts";
import { type KeyEntry, loadCertificates, loadKey } from "../keystore.ts";
import type { Certificate } from "../x509.ts";
import { certificateCard, certificateFacts, keyObjectText } from "./certificate-card.ts";
import { columns, day, plural } from "./columns.ts";
import { writeText } from "./octets.ts";
import { exit, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "key",
  usage: "show FILE [options]",
  positionals: 2,
  options: {
    cert: { kind: "text", value: "FILE", does: "the certificate that belongs to the key, where it lies elsewhere" },
    "password-file": { kind: "text", value: "FILE", does: "a file whose first line opens the key" },
    json: { kind: "flag", does: "the same as data on standard output" },
  },
};

type Contents = Partial<KeyEntry> & { readonly chain: readonly Certificate[] };

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const [verb, file] = options.positionals;
    if (verb !== "show") throw new UsageError(`${verb ?? "nothing"}: the one thing built in this version is show FILE`);
    if (file === undefined) throw new UsageError("show needs a file");
    const contents = await contentsOf(file, options);
    await writeText(options.flag("json") ? `${JSON.stringify(factsOf(contents))}\n` : textOf(contents));
    return exit.done;
  });
}

async function contentsOf(file: string, options: Options): Promise<Contents> {
  const [certificate, password] = [options.text("cert"), options.text("password-file")];
  try {
    return await loadKey({
      key: file,
      ...(certificate === undefined ? {} : { certificate }),
      ...(password === undefined ? {} : { password }),
    });
  } catch (thrown) {
    const mayHoldNone = isSecureMailError(thrown, "KEY_UNREADABLE") && certificate === undefined;
    if (!mayHoldNone || (await readFile(file)).includes("PRIVATE KEY-----")) throw thrown;
    const chain = await loadCertificates(file).catch(() => {
      throw thrown;
    });
    return { chain };
  }
}

function textOf({ privateKey, certificate, chain }: Contents): string {
  const rows = [
    ["private key", privateKey === undefined ? "none in this file" : keyObjectText(createPublicKey(privateKey))],
    ...(privateKey === undefined
      ? []
      : [["certificate", certificate === undefined ? "none in this file" : "belongs to the key"]]),
    ...(certificate === undefined || chain.length === 0 ? [] : [["also", plural(chain.length, "other certificate")]]),
  ];
  const all = certificate === undefined ? chain : [certificate, ...chain];
  return [
    columns(rows),
    ...all.map((one) => `\n${certificateCard(useOf(one), one)}`),
    ...all.flatMap(timeNote).map((note) => `\n${note}\n`),
  ].join("");
}

function useOf({ extensions }: Certificate): string {
  if (extensions.basicConstraints?.ca === true) return "authority";
  const usages = extensions.keyUsage;
  if (usages === undefined) return "signing+encryption";
  const roles = [
    usages.includes("digitalSignature") || usages.includes("nonRepudiation") ? "signing" : "",
    usages.includes("keyEncipherment") || usages.includes("keyAgreement") ? "encryption" : "",
  ].filter((role) => role !== "");
  return roles.join("+") || "neither use";
}

function timeNote({ subject, notBefore, notAfter }: Certificate): string[] {
  const now = systemClock();
  if (notAfter < now) return [`${subject}: ended on ${day(notAfter)}`];
  return notBefore > now ? [`${subject}: begins on ${day(notBefore)}`] : [];
}

function factsOf({ privateKey, certificate, chain }: Contents): object {
  return {
    ...(privateKey === undefined ? {} : { privateKey: keyObjectText(createPublicKey(privateKey)) }),
    ...(certificate === undefined ? {} : { certificate: certificateFacts(certificate) }),
    others: chain.map(certificateFacts),
  };
}
