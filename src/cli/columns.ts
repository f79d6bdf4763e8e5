// Text for people: rows whose columns stand below each other, and lines that say one thing each.

import { printable } from "./explanation.ts";

/** Rows with their columns aligned; what came from outside cannot draw anything of its own. */
export function columns(rows: readonly (readonly string[])[], indent: number = 0): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = shown
    .map((row) => row.slice(0, -1).map(({ length }) => length))
    .reduce<number[]>((widest, row) => merge(widest, row), []);
  const lines = shown.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${" ".repeat(indent)}${line}\n`).join("");
}

function merge(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) => Math.max(a[at] ?? 0, b[at] ?? 0));
}

/** `2026-11-23`. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
