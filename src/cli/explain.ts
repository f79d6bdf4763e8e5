// `postern explain`: the tree of a message's layers, each with a verdict and its reason; what people show each other.
import { tmpdir } from "node:os";
import type { ByteSource, Spool } from "../bytes.ts";
import { type MimeTree, readTree } from "../mime.ts";
import { exitStatusOf, type OpenReport } from "../smime.ts";
import { spillingSpools } from "../store.ts";
import { advice, type Branch, draw, layerTree, leaf, verdictText } from "./explanation.ts";
import { judgingOptions, openInput } from "./judging.ts";
import { standardInput } from "./octets.ts";
import { exit, helpText, type OptionTable, parseOptions, withStatus } from "./options.ts";
import { reportWriter } from "./report-file.ts";

export const explainOptions: OptionTable = {
  ...judgingOptions,
  json: { kind: "flag", does: "the same as data on standard output" },
};

export function run(args: readonly string[]): Promise<number> {
  return withStatus("explain", async () => {
    const options = parseOptions(args, explainOptions);
    if (options.flag("help")) {
      process.stdout.write(helpText("postern explain [options] < message", explainOptions));
      return exit.done;
    }
    const writeReport = reportWriter(options);
    const original = spillingSpools(tmpdir())();
    const opened = await openInput(options, remember(standardInput(), original));
    const outside = opened.form === "mail" ? await treeOf(original.read()) : undefined;
    const inside = opened.content === undefined ? undefined : await treeOf(opened.content());
    const report = { ...opened.report, command: "explain" as const, ...partsOf(outside, inside, opened.report) };
    original.dispose();
    opened.dispose();
    writeReport?.(report);
    process.stdout.write(
      options.flag("json") ? `${JSON.stringify(report, undefined, 2)}\n` : text(report, outside, inside),
    );
    return exitStatusOf(report.code);
  });
}

async function* remember(source: ByteSource, spool: Spool): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    spool.write(chunk);
    yield chunk;
  }
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
function partsOf(outside: Tree, inside: Tree, { layers }: OpenReport): { parts?: MimeTree } {
  if (typeof outside !== "object") return typeof inside === "object" ? { parts: inside } : {};
  return { parts: layers.length > 0 && typeof inside === "object" ? { ...outside, children: [inside] } : outside };
}

type Tree = MimeTree | string | undefined;

function text(report: OpenReport, outside: Tree, inside: Tree): string {
  const layered = report.layers.length > 0;
  const content = layered ? layerTree(report.layers, treeBranches(inside)) : [];
  const root =
    outside === undefined
      ? content
      : treeBranches(outside).map((branch) => (layered ? { ...branch, below: content } : branch));
  const notes = report.quirks.map((quirk) => `note     ${quirk}`);
  const hint = advice[report.code];
  const verdict = [
    `verdict  ${report.code}: ${verdictText(report)}`,
    ...(hint === undefined ? [] : [`         ${hint}`]),
  ];
  const bound = report.domain ?? report.address;
  const asked = bound === undefined ? [] : [`judged   as mail from ${bound}`];
  return `${draw(root.length > 0 ? root : [leaf("nothing that can be shown")])}\n${[...asked, ...notes, ...verdict].join("\n")}\n`;
}

function treeBranches(tree: Tree): readonly Branch[] {
  if (tree === undefined) return [];
  if (typeof tree === "string") return [leaf(`✗ ${tree}`)];
  const name = tree.name === undefined ? "" : `, ${tree.name}`;
  const remarks = [
    ...tree.problems.map((problem) => leaf(`✗ ${problem}`)),
    ...tree.quirks.map((quirk) => leaf(`note: ${quirk}`)),
  ];
  return [
    {
      line: `${tree.type} (${tree.encoding}, ${tree.size.toLocaleString("en")} octets${name})`,
      below: [...remarks, ...tree.children.flatMap(treeBranches)],
    },
  ];
}
