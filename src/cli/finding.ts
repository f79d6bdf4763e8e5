// What `postern check` found: a line each, what is wrong in plain words, and what to do.

import { exit } from "./options.ts";

export type Area = "configuration" | "keys" | "directory" | "places" | "links" | "gateway" | "probes";

export type Finding = {
  readonly area: Area;
  readonly level: "good" | "warning" | "fault";
  readonly what: string;
  readonly todo?: string;
  /** The exit status that a fault asks for; 1 unless it says otherwise. */
  readonly status?: number;
};

export function good(area: Area, what: string): Finding {
  return { area, level: "good", what };
}

export function warning(area: Area, what: string, todo: string): Finding {
  return { area, level: "warning", what, todo };
}

export function fault(area: Area, what: string, todo: string, status: number = exit.negative): Finding {
  return { area, level: "fault", what, todo, status };
}

/** What is wrong in what somebody wrote weighs more than what is not there, and that more than the rest. */
const weight: readonly number[] = [exit.negative, exit.unavailable, exit.configuration];

export function statusOf(findings: readonly Finding[]): number {
  const statuses = findings.flatMap(({ level, status = exit.negative }) => (level === "fault" ? [status] : []));
  return statuses.sort((a, b) => weight.indexOf(b) - weight.indexOf(a))[0] ?? exit.done;
}
