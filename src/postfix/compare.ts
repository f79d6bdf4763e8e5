// How a running instance differs from what it should be.

import type { PostfixInstance } from "./instances.ts";
import { formatMainCf, oneBlank, parseMainCf } from "./main-cf.ts";
import { formatMasterCf, parseMasterCf } from "./master-cf.ts";

export type Difference = {
  readonly file: "main.cf" | "master.cf";
  readonly name: string;
  /** Undefined: not there. */
  readonly wanted: string | undefined;
  readonly found: string | undefined;
  readonly why?: string | undefined;
};

/** What `postconf -n` adds of its own. */
const notInFile = "config_directory";

/** `mainCf` may also be what `postconf -n` says, `masterCf` what `postconf -M` does. */
export function differences(instance: PostfixInstance, mainCf: string, masterCf: string): readonly Difference[] {
  const yours = new Set(instance.settings.filter((setting) => setting.yours).map(({ name }) => name));
  const reasons = new Map(instance.settings.map(({ name, why }) => [name, why]));
  const inMain = compare(parseMainCf(formatMainCf(instance)), parseMainCf(mainCf))
    .filter(({ name }) => !yours.has(name) && name !== notInFile)
    .map((difference) => ({ file: "main.cf" as const, ...difference, why: reasons.get(difference.name) }));
  const inMaster = compare(parseMasterCf(formatMasterCf(instance)), parseMasterCf(masterCf));
  return [...inMain, ...inMaster.map((difference) => ({ file: "master.cf" as const, ...difference }))];
}

function compare(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>) {
  const names = [...new Set([...wanted.keys(), ...found.keys()])];
  return names
    .map((name) => ({ name, wanted: wanted.get(name), found: found.get(name) }))
    .filter((pair) => normal(pair.wanted) !== normal(pair.found));
}

/** Postfix takes commas for blanks in lists. */
function normal(value: string | undefined): string | undefined {
  return value === undefined ? undefined : oneBlank(value.replaceAll(",", " "));
}
