// Where state is kept: folder, ledger key, room on the disk, mail that is held.

import { existsSync } from "node:fs";
import { access, constants, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { type Config, spillRoom } from "../config.ts";
import { isSecureMailError } from "../errors.ts";
import { loadLedgerKey } from "../keystore.ts";
import { crewSize } from "../supervisor.ts";
import { plural } from "./columns.ts";
import { type Finding, fault, good, warning } from "./finding.ts";
import { exit } from "./options.ts";
import { withStore } from "./store-of.ts";

export async function checkPlaces(config: Config): Promise<readonly Finding[]> {
  const { dataDir } = config;
  if (!existsSync(dataDir))
    return [fault("places", `dataDir ${dataDir} is not there`, "start the gateway, which makes it", exit.unavailable)];
  return (
    await Promise.all([checkFolder(dataDir), checkRoom(config), checkLedgerKey(config), checkStore(config)])
  ).flat();
}

async function checkFolder(dataDir: string): Promise<readonly Finding[]> {
  const { mode, uid } = await stat(dataDir);
  const mine = await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!mine)
    return [
      fault("places", `dataDir ${dataDir} is not ours (it belongs to user ${uid})`, "run this as the gateway's user"),
    ];
  if ((mode & 0o077) !== 0)
    return [warning("places", `dataDir ${dataDir} is open to other users`, `chmod 700 ${dataDir}`)];
  return [good("places", `dataDir ${dataDir}`)];
}

const mib = 1024 * 1024;

async function checkRoom(config: Config): Promise<readonly Finding[]> {
  const { dataDir, limits } = config;
  const { bavail, bsize, ffree, files } = await statfs(dataDir);
  const free = bavail * bsize;
  const text = `${Math.floor(free / mib).toLocaleString("en")} MiB free under ${dataDir}`;
  const findings: Finding[] = [];
  if (free < 2 * limits.messageSize)
    findings.push(fault("places", `only ${text}`, "make room: large mail is put off, and soon nothing can be held"));
  else if (free < spillRoom(limits, crewSize(config)))
    findings.push(
      warning(
        "places",
        `${text}, less than large mail may take (limits.spill)`,
        "make room, or lower limits.messageSize or limits.spill",
      ),
    );
  if (files > 0 && ffree < 1000)
    findings.push(fault("places", `only ${ffree} files can be made under ${dataDir}`, "make room"));
  return findings.length === 0 ? [good("places", text)] : findings;
}

async function checkLedgerKey({ ledgerKey: { file } }: Config): Promise<readonly Finding[]> {
  try {
    await loadLedgerKey(file, { make: false });
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    const absent = thrown.code === "KEY_FILE";
    return [
      fault(
        "places",
        `ledger key ${thrown.message}`,
        "start the gateway, or mend the file",
        absent ? exit.unavailable : exit.configuration,
      ),
    ];
  }
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return [];
  return [warning("places", `ledger key ${file} can be read by others`, `chmod 600 ${file}`)];
}

async function checkStore(config: Config): Promise<readonly Finding[]> {
  if (!existsSync(config.store))
    return [
      fault("places", `store ${config.store} is not there`, "start the gateway, which makes it", exit.unavailable),
    ];
  const { mode } = await stat(config.store);
  const open =
    (mode & 0o077) === 0
      ? []
      : [warning("places", `store ${path.basename(config.store)} is open to other users`, `chmod 600 ${config.store}`)];
  try {
    return [...open, ...(await withStore(config, ({ holds }) => checkHeld(holds)))];
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    return [
      ...open,
      fault("places", `store ${config.store}: ${thrown.message}`, "see docs/operate.md on a store that is broken"),
    ];
  }
}

type Holds = Parameters<Parameters<typeof withStore<readonly Finding[]>>[1]>[0]["holds"];

async function checkHeld(holds: Holds): Promise<readonly Finding[]> {
  const held = await holds.list();
  const strays = await holds.strays();
  const codes = [...new Set(held.map(({ code }) => code))].join(", ");
  return [
    held.length === 0
      ? good("places", "nothing is held")
      : warning(
          "places",
          `${plural(held.length, "mail")} held (${codes})`,
          "postern hold list; somebody should settle it",
        ),
    ...strays.rows.map((id) =>
      fault("places", `held mail ${id} has lost its file`, "look for it in a backup; then postern hold drop"),
    ),
    ...strays.files.map((file) =>
      warning("places", `hold/${file} belongs to no held mail`, "look at it, then remove it"),
    ),
  ];
}
