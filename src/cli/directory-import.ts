// `postern directory import`: entries of another file into our own, those of the same name in their place.

import { readFile } from "node:fs/promises";
import type { Config } from "../config.ts";
import { makeSnapshot } from "../directory.ts";
import { type LdifAttribute, type LdifEntry, type NewLdifEntry, parseLdif, withEntries } from "../ldif.ts";
import { readDirectoryFiles, replaceFile } from "../store.ts";
import { confirmed } from "./ask.ts";
import { columns, plural } from "./columns.ts";
import { targetOf } from "./directory-add.ts";
import { writeText } from "./octets.ts";
import { exit, InputError, type Options, UsageError } from "./options.ts";

export async function importToDirectory(config: Config, options: Options, [from]: readonly string[]): Promise<number> {
  if (from === undefined) throw new UsageError("import needs a file");
  const entries = await readDirectoryFiles([from]);
  const dropped = options.flag("keep-pins") ? 0 : entries.filter(hasPins).length;
  const kept = options.flag("keep-pins") ? entries : entries.map(withoutPins);
  const file = targetOf(config, options);
  const before = await readFile(file);
  const after = withEntries(before, kept.map(written));
  requireNoNewFaults(before, after);
  await writeText(
    columns([
      ...kept.map(({ dn }) => [dn]),
      [`${plural(kept.length, "entry", "entries")} from ${from} into ${file}`],
      ...(dropped > 0
        ? [[`${plural(dropped, "entry", "entries")} said to be compared by hand: not believed (--keep-pins)`]]
        : []),
    ]),
  );
  if (!(await confirmed(options, "Write them?"))) {
    await writeText("Nothing was written.\n");
    return exit.negative;
  }
  await replaceFile(file, after);
  await writeText("Written. The gateway reads it by itself.\n");
  return exit.done;
}

function hasPins({ values }: LdifEntry): boolean {
  return values.some(({ type }) => type === "posternpin");
}

/** Somebody else's comparison is not ours: without pins, the anchors of the configuration decide. */
function withoutPins(entry: LdifEntry): LdifEntry {
  return { ...entry, values: entry.values.filter(({ type }) => type !== "posternpin") };
}

function written(entry: LdifEntry): NewLdifEntry {
  return { dn: entry.dn, attributes: attributesOf(entry) };
}

function requireNoNewFaults(before: Uint8Array, after: Uint8Array): void {
  const faultsOf = (octets: Uint8Array) => makeSnapshot(0, parseLdif(octets)).faults;
  const known = new Set(faultsOf(before).map((fault) => JSON.stringify(fault)));
  const fresh = faultsOf(after).filter((fault) => !known.has(JSON.stringify(fault)));
  if (fresh.length === 0) return;
  const lines = fresh.map(({ dn, attribute, reason }) => `${dn}: ${attribute}: ${reason}`);
  throw new InputError(exit.input, `nothing was written:\n${lines.join("\n")}`);
}

/** The attributes of an entry to be written again, under the names that people know. */
export function attributesOf({ values }: LdifEntry): LdifAttribute[] {
  return values.map(({ type, options, octets }): LdifAttribute => {
    const name = [spelling.get(type) ?? type, ...options].join(";");
    const text = Buffer.from(octets);
    return [name, text.every((octet) => octet >= 0x20 && octet < 0x7f) ? text.toString("latin1") : octets];
  });
}

const spelling: ReadonlyMap<string, string> = new Map(
  [
    ...["objectClass", "associatedDomain", "userCertificate", "posternPin", "posternStatus", "posternClass"],
    ...["posternProfile", "posternMaxClassification", "posternIncludeSubdomains", "posternIdentification"],
    ...["posternMaxMessageSize", "posternCertifiedUntil", "posternContact"],
  ].map((name) => [name.toLowerCase(), name]),
);
