// The desk of somebody who works with the file commands: a message, files of keys, a folder for reports.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { OpenReport } from "../../../src/smime.ts";
import { type Credential, community } from "../../interop/community.ts";
import { type Run, runPostern } from "../../program.ts";

export const message: Buffer = Buffer.from(
  "From: Ann <ann@a.example>\r\nMIME-Version: 1.0\r\nTo: bob@b.example\r\nSubject: Gr\xfc\xdfe\r\n" +
    "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nDear Bob,  \r\n\xe4\r\n",
  "latin1",
);

export const folder: string = mkdtempSync(path.join(tmpdir(), "postern-desk-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

export function writeFile(name: string, octets: Uint8Array | string): string {
  const file = path.join(folder, name);
  writeFileSync(file, octets);
  return file;
}

export type ProtectReport = {
  readonly command: "protect";
  readonly outcome: string;
  readonly code: string;
  readonly profile?: string;
  readonly layers?: readonly Readonly<Record<string, unknown>>[];
  readonly quirks?: readonly string[];
  readonly reason?: string;
};

export type Reported<Report> = Run & { readonly report: Report | undefined };

let reports = 0;

/** Runs a command with --report and reads what it wrote there. */
async function reported<Report>(args: readonly string[], input: Uint8Array): Promise<Reported<Report>> {
  const file = path.join(folder, `report-${++reports}.json`);
  const run = await runPostern([...args, "--report", file], input);
  return { ...run, report: existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined };
}

export function protect(args: readonly string[], input: Uint8Array = message): Promise<Reported<ProtectReport>> {
  return reported(["protect", ...args], input);
}

export function open(args: readonly string[], input: Uint8Array): Promise<Reported<OpenReport>> {
  return reported(["open", ...args], input);
}

export function explain(args: readonly string[], input: Uint8Array): Promise<Reported<OpenReport>> {
  return reported(["explain", ...args], input);
}

/** A message that went through `protect` without complaint. */
export async function protectedBy(args: readonly string[], input: Uint8Array = message): Promise<Buffer> {
  const { status, stdout, stderr } = await protect(args, input);
  if (status !== 0) throw new Error(`protect ${args.join(" ")}: ${stderr}`);
  return stdout;
}

export function signedWith({ keyFile, certificateFile }: Credential): string[] {
  return ["--sign-key", keyFile, "--sign-cert", certificateFile, "--chain", community().issuer.certificateFile];
}

export function sealedTo(...to: readonly Credential[]): string[] {
  return to.flatMap(({ certificateFile }) => ["--recipient-cert", certificateFile]);
}

export function openedWith(...keys: readonly Credential[]): string[] {
  return keys.flatMap(({ keyFile, certificateFile }) => ["--key", keyFile, "--cert", certificateFile]);
}

export function trusting(): string[] {
  return ["--trust", community().root.certificateFile];
}

export function openssl(...args: readonly string[]): Buffer {
  return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] });
}
