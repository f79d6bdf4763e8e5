// What the demo says before and after its first mails.

import { styleText } from "node:util";
import { type Community, communityName, world } from "./community.ts";
import type { House } from "./house.ts";
import { loopback } from "./ports.ts";
import type { Village } from "./village.ts";

/** Bad days that a running demo can play. */
export const playNames = ["tamper", "expire", "swap-keys", "down"] as const;
export type PlayName = (typeof playNames)[number];

export type Beginning = {
  readonly version: string;
  readonly community: Community;
  readonly village: Village;
  readonly ms: number;
  readonly kept: boolean;
};

export function greeting({ version, community, village, ms, kept }: Beginning): string {
  const { root, folder } = community;
  const state = kept ? `state in ${folder}, delete it to start over` : `state in ${folder}, gone when stopped`;
  const digest = root.sha256.slice(0, 32).replace(/....(?=.)/g, "$& ");
  const rows = [
    ["authority", root.subject, `sha256 ${digest} ...`],
    ["directory", "members.ldif", `${village.houses.length} members`],
    ...village.houses.flatMap((house) => houseRows(house)),
    ["world", world.domain, `smtp ${loopback}:${village.worldPort}   everybody else; kept in ${world.domain}`],
  ];
  return [
    `${styleText("bold", `Postern ${version}`)}, Node ${process.versions.node}   demo community "${communityName}" (${state})`,
    "",
    ...table(rows),
    "",
    `  ready in ${(ms / 1000).toFixed(1)} s`,
    "",
  ].join("\n");
}

function houseRows({ member: { domain }, ports, gateway }: House): string[][] {
  const { faults } = gateway().snapshot();
  return [
    [
      "gateway",
      domain,
      `from its users smtp ${loopback}:${ports.inside}   from the world smtp ${loopback}:${ports.outside}`,
    ],
    ["mailboxes", domain, `smtp ${loopback}:${ports.mail}   kept in ${domain}/mail`],
    ["line", `from ${domain}`, `${loopback}:${ports.link} to the other gateway`],
    ...faults.map(({ dn, attribute, reason }) => ["FAULT", dn, `${attribute}: ${reason}`]),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map(([first = "", second = "", third = ""]) =>
    `  ${first.padEnd(width(0))}  ${second.padEnd(width(1))}  ${third}`.trimEnd(),
  );
}

export function invitation({ houses }: Village, folder: string): string {
  const tries = houses.map(({ member, ports }, index) => {
    const other = houses[(index + 1) % houses.length]?.member;
    return `    swaks --server ${loopback}:${ports.inside} --from ${member.user}@${member.domain} --to ${other?.user}@${other?.domain}`;
  });
  return [
    "",
    "  Send mail by hand (any address of the two domains, or of anybody else):",
    ...tries,
    `  Read what arrived:   ${folder}/*/mail/`,
    `  See a bad day:       bin/postern demo ${playNames.join(" | ")}`,
    "  Stop:                Ctrl-C",
    "",
  ].join("\n");
}
