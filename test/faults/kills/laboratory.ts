// The laboratory of a kill run, and what is said of its outcome.

import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Ports } from "../../postfix/site.ts";
import type { LabOrder } from "../../postfix.ts";
import type { Kill, Tally } from "./kill-run.ts";
import { stopFileOf, stopFileVariable } from "./victims.ts";

/** Gateways that can be told to stop at a moment. */
export function killOrder(): LabOrder {
  const stopAt = pathToFileURL(path.join(import.meta.dirname, "stop-at.ts")).href;
  const options = `${process.env["NODE_OPTIONS"] ?? ""} --import ${stopAt}`.trim();
  const site = {
    environment: (folder: string) => ({ NODE_OPTIONS: options, [stopFileVariable]: stopFileOf(folder) }),
  };
  return { a: site, b: site };
}

/** The same Postfix instances, and nothing of ours between them: what they do alone when they are killed. */
export function controlOrder(): LabOrder {
  const past = (port: number) => ({ transport_maps: `static:smtp:[127.0.0.1]:${port}` });
  const site = {
    postfix: (ports: Ports) => ({ "hub-out": past(ports["edge-out"]), "hub-in": past(ports["edge-in"]) }),
  };
  return { a: site, b: site };
}

export type Summary = {
  readonly kills: number;
  readonly open: number;
  readonly exact: number;
  readonly duplicates: number;
};

/** Of all kills of these kinds. */
export function summaryOf({ kills, duplicates }: Tally, kinds: readonly Kill["kind"][]): Summary {
  const ours = kills.filter(({ kind }) => kinds.includes(kind));
  return {
    kills: ours.length,
    open: ours.filter(({ open }) => open).length,
    exact: ours.filter(({ exact }) => exact).length,
    duplicates: duplicates.filter(({ kind }) => kind !== "none" && kinds.includes(kind)).length,
  };
}

export function sayTally(tally: Tally): void {
  const { accepted, expected, lost, held, unacknowledged, duplicates, inClear, seconds } = tally;
  const rows = (["worker", "gateway", "hub", "edge"] as const).map((kind) => {
    const { kills, open, exact, duplicates: twice } = summaryOf(tally, [kind]);
    return `${kind}: ${kills} kills, ${open} with a message in hand, ${exact} between 250 and 250, ${twice} came twice`;
  });
  const sum = [
    `${accepted} mails accepted (${expected} copies) in ${seconds.toFixed(0)} s, ${tally.kills.length} kills`,
    `${lost.length} lost, ${held} held, ${inClear.length} seen in clear, ${duplicates.length} came twice`,
    `${unacknowledged} arrived though the hub was killed before its 250`,
  ];
  process.stdout.write(`${[...sum, ...rows].join("\n")}\n`);
}
