// Times on the command line.

import { type Options, UsageError } from "./options.ts";

export type TimeSpan = { readonly from: Date; readonly until: Date };

/** The value of an option that takes a time; undefined where it was not given. */
export function timeOf(name: "since" | "until", options: Options): TimeSpan | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const span = spanOf(text);
  if (span === undefined) throw new UsageError(`--${name} ${text}: a time such as 2026-11-23 or 2026-11-23T09:00:00Z`);
  return span;
}

/** What a time means: a day, a minute or a second, whole. In UTC unless it says otherwise, as the log is. */
export function spanOf(text: string): TimeSpan | undefined {
  const shape = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/i.exec(text);
  if (shape === null) return undefined;
  const [, date, minutes = "00:00", seconds = ":00", zone = "Z"] = shape;
  const from = new Date(`${date}T${minutes}${seconds}${zone}`);
  if (Number.isNaN(from.getTime())) return undefined;
  const length = shape[2] === undefined ? 86_400_000 : shape[3] === undefined ? 60_000 : 1000;
  return { from, until: new Date(from.getTime() + length - 1) };
}
