// What a benchmark has to say: a measured value beside what it must reach and what is aimed at.

import type { Spread } from "./measure.ts";

export type Figure = {
  readonly work: string;
  readonly against: string;
  readonly unit: "x" | "MB";
  readonly measured: Spread;
  readonly must?: number;
  readonly goal?: number;
  readonly detail: string;
};

/** Of ratios more is better, of memory less. A figure without a must is for reference and cannot fail. */
export function missesMust({ unit, measured, must }: Figure): boolean {
  return must !== undefined && !(unit === "x" ? measured.median >= must : measured.median <= must);
}

export function reachesGoal({ unit, measured, goal }: Figure): boolean {
  return goal !== undefined && (unit === "x" ? measured.median >= goal : measured.median <= goal);
}

export function figureRow(figure: Figure): string {
  const { work, against, unit, measured, must, goal, detail } = figure;
  const value = (n: number | undefined): string =>
    n === undefined ? "" : `${format(n, unit)}${unit === "x" ? "x" : " MB"}`;
  const verdict = must === undefined ? "" : missesMust(figure) ? "**missed**" : reachesGoal(figure) ? "goal" : "must";
  const range = `${value(measured.median)} [${format(measured.least, unit)}-${format(measured.most, unit)}]`;
  return `| ${[work, against, range, value(must), value(goal), verdict, detail].join(" | ")} |`;
}

export const figureHead = `| work | against | measured | must | goal | reached | CPU ms a message |
| --- | --- | --- | --- | --- | --- | --- |`;

/** Two digits behind the point for ratios near one, fewer for larger numbers. */
export function format(value: number, unit: "x" | "MB" | "ms"): string {
  if (unit === "MB") return value.toFixed(0);
  return value < 1 && unit === "ms" ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(1);
}
