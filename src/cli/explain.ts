// `postern explain`: the tree of a message's layers, each with a verdict and its reason; what people show each other.
import { tmpdir } from "node:os";
import type { ByteSource } from "../bytes.ts";
import { type MimeTree, readTree, withCrlf } from "../mime.ts";
import { exitStatusOf, type OpenReport } from "../smime.ts";
import { spillingSpools } from "../store.ts";
import { adviceOn, isSigned, printable, verdictText } from "./explanation.ts";
import { judgingOptions, openInput } from "./judging.ts";
import { type Branch, draw, layerTree, leaf } from "./layer-tree.ts";
import { standardInput, writeText } from "./octets.ts";
import { exit, type Page, runPage } from "./options.ts";
import { reportWriter } from "./report-file.ts";

export const page: Page = {
  name: "explain",
  usage: "[options] < message",
  options: {
    ...judgingOptions,
    json: { kind: "flag", does: "the same as data on standard output" },
  },
  notBuilt: ["ocsp"],
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const writeReport = reportWriter(options);
    const original = spillingSpools(tmpdir())();
    for await (const chunk of standardInput()) original.write(chunk);
    const opened = await openInput(options, original.read());
    const outside = opened.form === "mail" ? await treeOf(withCrlf(original.read())) : undefined;
    const restored = opened.report.outcome === "plain" ? undefined : opened.content;
    const inside = restored === undefined ? undefined : await treeOf(restored());
    const report = { ...opened.report, command: "explain" as const, ...structureOf(outside, inside, opened.report) };
    original.dispose();
    opened.dispose();
    writeReport?.(report);
    const hasKeys = options.texts("key").length > 0;
    const written = await writeText(
      options.flag("json")
        ? `${JSON.stringify(report, undefined, 2)}\n`
        : text(opened.report, { outside, inside, hasKeys }),
    );
    return written ? exitStatusOf(report.code) : exit.unavailable;
  });
}

/** The MIME structure, or why there is none: a tree that cannot be read is no reason not to show the layers. */
async function treeOf(octets: ByteSource): Promise<MimeTree | string> {
  try {
    return await readTree(octets);
  } catch (failure) {
    return (failure as Error).message;
  }
}

/** As data: the structure as received, what was opened hanging below the root. */
function structureOf(outside: Tree, inside: Tree, { layers }: OpenReport): { parts?: MimeTree } {
  if (typeof outside !== "object") return typeof inside === "object" ? { parts: inside } : {};
  return { parts: layers.length > 0 && typeof inside === "object" ? { ...outside, children: [inside] } : outside };
}

type Tree = MimeTree | string | undefined;

type Found = { readonly outside: Tree; readonly inside: Tree; readonly hasKeys: boolean };

function text(report: OpenReport, { outside, inside, hasKeys }: Found): string {
  const layers = layerTree(report.layers, inside === undefined ? [] : [partBranch(inside)], { ...report, hasKeys });
  const root = outside === undefined ? layers : [rootBranch(outside, layers)];
  const smimeInside = typeof outside === "object" && outside.children.some(holdsSmime);
  const hint = adviceOn(report, { hasKeys, smimeInside });
  const from = report.layers.some(isSigned) ? (report.domain ?? report.address) : undefined;
  const lines = [
    ...(from === undefined ? [] : [`judged   as mail from ${from}`]),
    ...report.quirks.map((quirk) => `note     ${quirk}`),
    `verdict  ${report.code}: ${verdictText(report)}`,
    ...(hint === undefined ? [] : [`         ${hint}`]),
  ];
  return `${draw(root.length > 0 ? root : [leaf("nothing that can be shown")])}\n${lines.map(printable).join("\n")}\n`;
}

/** The entity as received: its layers in place of its parts, where there are some. */
function rootBranch(tree: MimeTree | string, layers: readonly Branch[]): Branch {
  if (typeof tree === "string") return { line: `✗ ${tree}`, below: layers };
  return layers.length > 0 ? { line: partLine(tree), below: layers } : { line: partLine(tree), below: partsOf(tree) };
}

function partBranch(tree: MimeTree | string): Branch {
  if (typeof tree === "string") return leaf(`✗ ${tree}`);
  const own = isSmime(tree) ? [leaf("S/MIME of its own, neither opened nor judged here")] : [];
  return { line: partLine(tree), below: [...own, ...partsOf(tree)] };
}

function partLine({ type, encoding, size, name }: MimeTree): string {
  return `${type} (${encoding}, ${size.toLocaleString("en")} octets${name === undefined ? "" : `, ${name}`})`;
}

function partsOf({ problems, quirks, children }: MimeTree): Branch[] {
  return [
    ...problems.map((problem) => leaf(`✗ ${problem}`)),
    ...quirks.map((quirk) => leaf(`note: ${quirk}`)),
    ...children.map(partBranch),
  ];
}

function isSmime({ type, children }: MimeTree): boolean {
  if (type === "multipart/signed") return /pkcs7-signature$/.test(children[1]?.type ?? "");
  return /^application\/(?:x-)?pkcs7-mime$/.test(type);
}

function holdsSmime(tree: MimeTree): boolean {
  return isSmime(tree) || tree.children.some(holdsSmime);
}
