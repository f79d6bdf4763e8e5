// Reports as mail servers make them (test/reports), and variants.

import { readFileSync } from "node:fs";
import path from "node:path";
import { type ByteSource, latin1, latin1Text, sourceOf } from "../src/bytes.ts";
import { type HeaderBlock, readEntity } from "../src/mime.ts";

export type ReportName = `postfix-${"headers" | "full" | "two" | "delay" | "utf8" | "xtext"}` | OtherName;
type OtherName = "exchange" | "exchange-tnef" | "qmail" | "receipt";

/** Those that can be read. */
export const reportNames: readonly ReportName[] = [
  ...(["postfix-headers", "postfix-full", "postfix-two", "postfix-delay", "postfix-utf8", "exchange"] as const),
];

/** Words of the letter that every stored report is about. */
export const canaries: RegExp = /secret plan|at dawn/i;

/** One octet a character. */
export function storedReport(name: ReportName): string {
  return latin1Text(readFileSync(path.join(import.meta.dirname, "reports", `${name}.eml`)));
}

/** The same report about mail with another verdict; undefined: with none. */
export function withVerdict(report: string, verdict: string | undefined): string {
  const change = (text: string) =>
    text.replace(/Postern-Verdict: [^\r]*\r\n/, verdict === undefined ? "" : `Postern-Verdict: ${verdict}\r\n`);
  return change(report).replace(encodedHtml, (text) =>
    Buffer.from(change(Buffer.from(text, "base64").toString())).toString("base64"),
  );
}

/** "<html" in base64, and what follows of it. */
const encodedHtml = /PGh0bW[A-Za-z0-9+/=\r\n]*?(?=\r\n--)/;

/** The same report with another ENVID; undefined: with none. */
export function withEnvid(report: string, envid: string | undefined): string {
  const without = report.replace(/Original-Envelope-Id: [^\r]*\r\n/, "");
  return envid === undefined ? without : without.replace(/(Reporting-MTA: )/, `Original-Envelope-Id: ${envid}\r\n$1`);
}

export type ReadMessage = { readonly header: HeaderBlock; readonly body: () => ByteSource };

export async function readMessage(text: string): Promise<ReadMessage> {
  const { header, body } = await readEntity(sourceOf(latin1(text)));
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { header, body: () => sourceOf(...chunks) };
}
