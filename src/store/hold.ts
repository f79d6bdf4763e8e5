// Mail that must not be delivered and must not be lost: the original octets as a file, what is known about it as a row.
// It is durable before anybody says 250: the file is written under a temporary name, synced, renamed, its folder
// synced, and only then the row. A crash in between leaves a file that no row names, never a row without its file.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import type { ByteSource } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import type { Database, Row } from "./database.ts";
import { storeError } from "./store-error.ts";

export type HeldMail = {
  readonly id: string;
  readonly at: Date;
  readonly side: "inside" | "outside";
  readonly queueId?: string;
  readonly reversePath: string;
  readonly forwardPaths: readonly string[];
  /** What its sender wants to hear of each of them, in their order; left out where nothing was said of any. */
  readonly dsn?: readonly object[];
  /** Of the envelope, as they can be written as JSON. */
  readonly parameters: object;
  readonly domain: string;
  readonly code: string;
  readonly reason: string;
  readonly messageId?: string;
  readonly octets: number;
  /** SHA-256 of the octets, in hex. */
  readonly digest: string;
  readonly state: HoldState;
  readonly report?: object;
};

export type HoldState = "held" | Settled;
export type Settled = "released" | "returned" | "dropped";

export type HoldStore = {
  /**
   * Durable when it resolves. `key` is the ledger's: what is held already under the same key is not held twice, and
   * the id returned is that of the mail that is there. Throws HOLD_FULL, HOLD_UNWRITABLE, STORE_UNUSABLE.
   */
  hold(key: Uint8Array, mail: Omit<HeldMail, "state">, octets: ByteSource): Promise<string>;
  /** What is held now, or was ever; the oldest first. Rows that were altered are not among them, see `strays`. */
  list(filter?: { readonly all?: boolean }): Promise<readonly HeldMail[]>;
  /** Throws STORE_ENTRY for a row that was altered. */
  find(id: string): Promise<HeldMail | undefined>;
  /** The original octets; the source throws HOLD_UNREADABLE at its end where they are not those that were held. */
  read(id: string): ByteSource;
  /** Row and audit entry together, then the file goes. Throws HOLD_SETTLED where nothing is held under the id. */
  settle(id: string, state: Settled, by: string, at?: Date): Promise<void>;
  /** What does not fit together: for people to look at, nothing is removed. */
  strays(): Promise<Strays>;
};

export type Strays = {
  /** Files that no row names. */
  readonly files: readonly string[];
  /** Ids of held mail whose file is gone. */
  readonly rows: readonly string[];
  /** Ids of held mail about which something else is noted than was written. */
  readonly altered: readonly string[];
};

export type HoldOptions = {
  readonly folder: string;
  /** Octets that all held mail may take. */
  readonly quota: number;
};

/** What another process may be writing at this moment is no stray. */
const strayAfterMs = 10 * 60_000;

const insert = `INSERT INTO hold (id, key, at, octets, mail, checksum)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT coalesce(sum(octets), 0) FROM hold WHERE state = 'held') + ?4 <= ?7
  ON CONFLICT (key) WHERE state = 'held' DO NOTHING`;
const columns = "id, at, octets, state, mail, checksum";
const settleRow = "UPDATE hold SET state = ? WHERE id = ? AND state = 'held'";
const settleAudit = "INSERT INTO audit (at, by, act, subject) SELECT ?, ?, ?, ? WHERE changes() = 1";

export function holdsIn(database: Database, { folder, quota }: HoldOptions): HoldStore {
  const fileOf = (id: string): string => path.join(folder, `${requireSafe(id)}.eml`);
  const sameKey = async (key: Uint8Array): Promise<string | undefined> => {
    const [row] = await database.read("SELECT id FROM hold WHERE key = ? AND state = 'held'", key);
    return row === undefined ? undefined : String(row["id"]);
  };
  const remove = async (id: string): Promise<void> => {
    try {
      await rm(fileOf(id), { force: true });
      await syncFolder(folder);
    } catch (thrown) {
      throw storeError("HOLD_UNWRITABLE", `${id} is settled, its file is not removed: ${(thrown as Error).message}`);
    }
  };
  const find = async (id: string): Promise<HeldMail | undefined> => {
    const [row] = await database.read(`SELECT ${columns} FROM hold WHERE id = ?`, id);
    if (row === undefined) return undefined;
    if (!isWhole(row)) throw storeError("STORE_ENTRY", `what was noted about ${id} is not what was written`);
    return heldMail(row);
  };
  return {
    find,
    async hold(key, mail, octets) {
      const there = await sameKey(key);
      if (there !== undefined) return there;
      assert((await find(mail.id)) === undefined, "ids of mail are not used twice");
      await requireRoom(database, mail.octets, quota);
      const file = fileOf(mail.id);
      await writeDurably(file, octets, mail);
      const { id, at, octets: size, ...rest } = mail;
      const [ms, text] = [at.getTime(), JSON.stringify(rest)];
      const checksum = checksumOf(id, ms, size, text);
      const [written] = await database.write([insert, id, key, ms, size, text, checksum, quota]);
      if (written === 1) return id;
      const other = await sameKey(key);
      await rm(file, { force: true });
      if (other !== undefined) return other;
      throw full(quota);
    },
    async list({ all = false } = {}) {
      const where = all ? "" : "WHERE state = 'held'";
      const rows = await database.read(`SELECT ${columns} FROM hold ${where} ORDER BY at, id`);
      return rows.filter(isWhole).map(heldMail);
    },
    async *read(id) {
      const mail = await find(id);
      if (mail === undefined) throw storeError("HOLD_UNREADABLE", `${id} is not held`);
      yield* readChecked(fileOf(id), mail);
    },
    async settle(id, state, by, at = new Date()) {
      const [settled] = await database.write([settleRow, state, id], [settleAudit, at.getTime(), by, state, id]);
      if (settled !== 1) throw storeError("HOLD_SETTLED", `${id} is not held`);
      await remove(id);
    },
    strays: () => findStrays(database, folder),
  };
}

async function requireRoom(database: Database, octets: number, quota: number): Promise<void> {
  const [row] = await database.read("SELECT coalesce(sum(octets), 0) AS octets FROM hold WHERE state = 'held'");
  if (Number(row?.["octets"]) + octets > quota) throw full(quota);
}

function full(quota: number): Error {
  return storeError("HOLD_FULL", `held mail takes its ${quota} octets; settle some of it`);
}

async function writeDurably(file: string, octets: ByteSource, mail: Announced): Promise<void> {
  const temporary = `${file}.part`;
  let ours = false;
  try {
    await makeFolder(path.dirname(file));
    const handle = await open(temporary, "wx", 0o600);
    ours = true;
    try {
      await handle.writeFile(requireAnnounced(octets, mail));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
  } catch (thrown) {
    // Nobody was told that it is held.
    if (ours) await Promise.allSettled([temporary, file].map((name) => rm(name, { force: true })));
    if (isSecureMailError(thrown)) throw thrown;
    throw storeError("HOLD_UNWRITABLE", `${file}: ${(thrown as Error).message}`, thrown);
  }
}

/** The octets, and at their end a failure where they are not those of `mail`. */
async function* requireAnnounced(source: ByteSource, mail: Announced): AsyncGenerator<Uint8Array> {
  if (!(yield* checked(source, mail)))
    throw storeError("HOLD_UNWRITABLE", "the octets to hold are not those that were announced");
}

async function* readChecked(file: string, mail: Announced): AsyncGenerator<Uint8Array> {
  let same = false;
  try {
    const handle = await open(file);
    same = yield* checked(handle.createReadStream() as AsyncIterable<Uint8Array>, mail);
  } catch (thrown) {
    throw storeError("HOLD_UNREADABLE", `${file}: ${(thrown as Error).message}`, thrown);
  }
  if (!same) throw storeError("HOLD_UNREADABLE", `${file}: not the octets that were held`);
}

type Announced = Pick<HeldMail, "octets" | "digest">;

/** Passes the octets on, and returns whether they were the announced ones. */
async function* checked(
  source: ByteSource,
  { octets, digest }: Announced,
): AsyncGenerator<Uint8Array, boolean, undefined> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    size += chunk.length;
    yield chunk;
  }
  return size === octets && hash.digest("hex") === digest;
}

/** Others may hold and settle meanwhile: a file is there before its row, and goes after it. */
async function findStrays(database: Database, folder: string): Promise<Strays> {
  const heldRows = (): Promise<readonly Row[]> => database.read(`SELECT ${columns} FROM hold WHERE state = 'held'`);
  const idsOf = (rows: readonly Row[]): string[] => rows.map((row) => String(row["id"])).sort();
  const names = await readdir(folder).catch(() => []);
  const rows = await heldRows();
  const there = new Set(names);
  const missing = idsOf(rows).filter((id) => !there.has(`${id}.eml`));
  const still = new Set(missing.length === 0 ? [] : idsOf(await heldRows()));
  const held = new Set(idsOf(rows).map((id) => `${id}.eml`));
  const [files, gone]: [string[], string[]] = [[], []];
  for (const name of names)
    if (!held.has(name) && ((await ageMs(path.join(folder, name))) ?? 0) > strayAfterMs) files.push(name);
  for (const id of missing)
    if (still.has(id) && (await ageMs(path.join(folder, `${id}.eml`))) === undefined) gone.push(id);
  return { files, rows: gone, altered: idsOf(rows.filter((row) => !isWhole(row))) };
}

/** Undefined for a file that is not there. */
async function ageMs(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => undefined,
  );
}

async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncFolder(path.dirname(made));
}

/** What stands in a folder is there after a power cut only when the folder was synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Ids are ours, and become names of files. Whatever else comes here finds no file. */
function requireSafe(id: string): string {
  if (!/^[0-9A-Za-z]{1,64}$/.test(id)) throw storeError("HOLD_SETTLED", "no mail is held under this id");
  return id;
}

function isWhole({ id, at, octets, mail, checksum }: Row): boolean {
  return checksum === checksumOf(String(id), Number(at), Number(octets), String(mail));
}

function checksumOf(id: string, at: number, octets: number, mail: string): number {
  return crc32(`${id} ${at} ${octets} ${mail}`);
}

function heldMail(row: Row): HeldMail {
  return {
    ...(JSON.parse(String(row["mail"])) as Omit<HeldMail, "id" | "at" | "octets" | "state">),
    id: String(row["id"]),
    at: new Date(Number(row["at"])),
    octets: Number(row["octets"]),
    state: row["state"] as HoldState,
  };
}
