// docs/errors.md, from the lists in which each area names its codes: `CODE: "meaning"` in a table of `...ErrorCodes`, or
// `| "CODE" // meaning` in a union `...ErrorCode`.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { code, table } from "./markdown.ts";

type ErrorCode = { readonly code: string; readonly meaning: string; readonly door: string };

const root = path.resolve(import.meta.dirname, "../..");
const list = /ErrorCodes(?::[^=]*)? = \{.*?^\}|ErrorCode =\n(?:\s+\| .*\n)+/gms;
const thrown = /new SecureMailError(?:<\w+>)?\(\s*"([A-Z0-9_]+)"/g;
const inTable = /^\s+(?<code>[A-Z0-9_]+):\s*"(?<meaning>[^"]*)"/gm;
const inUnion = /^\s+\| "(?<code>[A-Z0-9_]+)";?(?: \/\/ (?<meaning>.*))?$/gm;

const preface = `For operators and developers. Codes of failures: why a message, file or peer cannot go on. Texts may change, codes do not,
and a retired code is not used again. How a message was judged is not here: that is the \`code\` of a report.

This page is made from the code by \`node tools/docs.ts\`.
`;

export function errorsPage(): string {
  const sources = globSync("src/**/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
  const codes = sources.sort().flatMap(errorCodesIn);
  const twice = codes.filter(({ code }, at) => codes.findIndex((other) => other.code === code) !== at);
  if (twice.length > 0) throw new Error(`error codes with two meanings: ${twice.map(({ code }) => code).join(", ")}`);
  const unlisted = thrownIn(sources).filter((name) => !codes.some((listed) => listed.code === name));
  if (unlisted.length > 0) throw new Error(`error codes that no area lists: ${unlisted.join(", ")}`);
  const sections = [...Map.groupBy(codes, ({ door }) => door)].map(([door, ofDoor]) => {
    const rows = ofDoor.map(({ code: name, meaning }) => [code(name), meaning]);
    return `## ${door}\n\n${table(["code", "meaning"], rows)}\n`;
  });
  return `# Error codes\n\n${preface}\n${sections.join("\n")}`;
}

/** Codes that are thrown by their names, without the list of their area. */
function thrownIn(files: readonly string[]): string[] {
  const texts = files.map((file) => readFileSync(path.join(root, file), "utf8"));
  return texts.flatMap((text) => [...text.matchAll(thrown)].map(([, name = ""]) => name));
}

function errorCodesIn(file: string): ErrorCode[] {
  const text = readFileSync(path.join(root, file), "utf8");
  const door = path.basename(file.split(path.sep)[1] ?? "", ".ts");
  const lines = [...text.matchAll(list)].flatMap(([found]) => [...found.matchAll(inTable), ...found.matchAll(inUnion)]);
  return lines.map(({ groups }) => ({ code: groups?.["code"] ?? "", meaning: groups?.["meaning"] ?? "", door }));
}
