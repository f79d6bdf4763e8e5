// master.cf: which programs run, and back.

import type { PostfixInstance } from "./instances.ts";
import { logicalLines, oneBlank } from "./main-cf.ts";

const widths = [20, 12, 8, 8, 8, 8, 8] as const;

export function formatMasterCf({ folder, services }: PostfixInstance): string {
  const head = [
    `# ${folder}: what runs. Nothing is in a jail of its own (chroot n): the instance's queue is its only folder.`,
    row(titles),
  ];
  return [
    ...head,
    ...services.map(({ name, type, columns, command }) => row([name, type, ...columns, command])),
    "",
  ].join("\n");
}

const titles = ["# service", "type", "private", "unpriv", "chroot", "wakeup", "maxproc", "command"];

/** Lines by service and type, blanks made one. */
export function parseMasterCf(text: string): ReadonlyMap<string, string> {
  return new Map(
    logicalLines(text).map((line) => {
      const [name = "", type = "", ...rest] = oneBlank(line).split(" ");
      return [`${name} ${type}`, rest.join(" ")];
    }),
  );
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, at) => cell.padEnd(widths[at] ?? 0))
    .join(" ")
    .trimEnd();
}
