// main.cf: settings with their reasons, and back.

import type { PostfixInstance } from "./instances.ts";

/** How a line is marked whose value the gateway's configuration does not tell. */
const mark = "YOURS TO SET. ";

export function formatMainCf({ folder, does, settings }: PostfixInstance): string {
  const head = [
    `# ${folder}: ${does}.`,
    "# Made by `postern postfix-config`; a change belongs there or in a line marked YOURS TO SET.",
  ];
  const lines = settings.flatMap(({ name, value, why, yours }) => [
    "",
    ...folded(`${yours ? mark : ""}${why}`),
    `${name} =${value === "" ? "" : ` ${value}`}`,
  ]);
  return [...head, ...lines, ""].join("\n");
}

/** Settings by name, blanks made one. The last of a name counts, as for Postfix. */
export function parseMainCf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const equals = line.indexOf("=");
    if (equals > 0) found.set(line.slice(0, equals).trim(), oneBlank(line.slice(equals + 1)));
  }
  return found;
}

/** Lines without comments, those that begin with a blank joined to the one before. */
export function logicalLines(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const last = lines.length - 1;
    if (/^\s/.test(line) && last >= 0) lines[last] += ` ${line.trim()}`;
    else lines.push(line.trim());
  }
  return lines;
}

export function oneBlank(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

function folded(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.length - 1;
    if (last >= 0 && (lines[last] ?? "").length + word.length < 100) lines[last] += ` ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines;
}
