import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { notRun } from "../../test/not-run.ts";
import { collect, type Spool } from "../bytes.ts";
import { isSecureMailError } from "../errors.ts";
import { spillingSpools } from "./spill.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-spill-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const makeSpool = spillingSpools(folder);
const MiB = 1024 * 1024;

function filled(octets: Uint8Array, sizes: readonly number[] = [60_000]): Spool {
  const spool = makeSpool();
  for (let at = 0, turn = 0; at < octets.length; turn++) {
    const size = sizes[turn % sizes.length] as number;
    spool.write(octets.subarray(at, at + size));
    at += size;
  }
  return spool;
}

for (const size of [0, 1, 65_535, 65_536, MiB - 1, MiB, MiB + 1, 3 * MiB + 17]) {
  test(`${size} octets are read as they were written, as often as wanted`, async () => {
    const octets = randomBytes(size);
    const spool = filled(octets);
    assert.equal(spool.size, size);
    assert.equal(Buffer.compare(await collect(spool.read()), octets), 0);
    assert.equal(Buffer.compare(await collect(spool.read()), octets), 0);
    spool.dispose();
  });
}

test("octets in pieces of any size are read as they were written", async () => {
  const octets = randomBytes(2 * MiB + 5);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 6 }), async (sizes) => {
      fc.pre(sizes.some((size) => size > 1000));
      const spool = filled(octets, sizes);
      assert.equal(Buffer.compare(await collect(spool.read()), octets), 0);
      spool.dispose();
    }),
    { numRuns: 30 },
  );
});

test("octets that come one by one take little more memory than their own", async () => {
  const spool = makeSpool();
  const before = process.memoryUsage().heapUsed;
  for (let octet = 0; octet < MiB - 1; octet++) spool.write(Uint8Array.of(octet));
  assert.ok(process.memoryUsage().heapUsed - before < 40 * MiB);
  assert.equal((await collect(spool.read()))[MiB - 2], 0xfe);
  spool.dispose();
});

test("a disk that takes nothing is a temporary failure", () => {
  const spool = spillingSpools(join(folder, "that is not there"))();
  assert.throws(
    () => spool.write(Buffer.alloc(2 * MiB)),
    (failure) => isSecureMailError(failure, "SPILL_UNWRITABLE") && failure.fault === "temporary",
  );
  spool.dispose();
});

test("spools over their quota are a temporary failure, and room that was given back is room", async () => {
  const sharing = spillingSpools(folder, { quota: 4 * MiB });
  const octets = randomBytes(3 * MiB);
  const write = (spool: Spool): void => {
    for (let at = 0; at < octets.length; at += 60_000) spool.write(octets.subarray(at, at + 60_000));
  };
  const [first, second] = [sharing(), sharing()];
  write(first);
  assert.throws(
    () => write(second),
    (failure) => isSecureMailError(failure, "SPILL_FULL") && failure.fault === "temporary",
  );
  assert.equal(Buffer.compare(await collect(first.read()), octets), 0);
  first.dispose();
  first.dispose();
  second.dispose();
  for (let turn = 0; turn < 5; turn++) {
    const next = sharing();
    write(next);
    next.dispose();
  }
});

test("what fits into memory asks for no room on disk", () => {
  const spool = spillingSpools(folder, { quota: 0 })();
  spool.write(randomBytes(MiB));
  assert.throws(
    () => spool.write(randomBytes(1)),
    (failure) => isSecureMailError(failure, "SPILL_FULL"),
  );
  spool.dispose();
});

test("two readers at once do not disturb each other", async () => {
  const octets = randomBytes(2 * MiB);
  const spool = filled(octets);
  const readers = [spool.read(), spool.read()].map((source) => source[Symbol.asyncIterator]());
  const read: Uint8Array[][] = [[], []];
  for (let going = true; going; ) {
    going = false;
    for (const [which, reader] of readers.entries()) {
      const next = await reader.next();
      if (next.done === true) continue;
      going = true;
      read[which]?.push(next.value);
    }
  }
  for (const chunks of read) assert.equal(Buffer.compare(Buffer.concat(chunks), octets), 0);
  spool.dispose();
});

test("a spill file has no name from the start", () => {
  const spool = filled(Buffer.alloc(2 * MiB));
  assert.deepEqual(readdirSync(folder), []);
  spool.dispose();
});

test("a spool that is disposed of while it is read does not end as if it were whole", async () => {
  const spool = filled(Buffer.alloc(3 * MiB));
  const reader = spool.read()[Symbol.asyncIterator]();
  await reader.next();
  spool.dispose();
  await assert.rejects(reader.next(), (failure) => isSecureMailError(failure, "SPILL_UNREADABLE"));
});

test("a spool that was disposed of holds nothing, and may be disposed of again", async () => {
  const spool = filled(Buffer.alloc(2 * MiB));
  spool.dispose();
  spool.dispose();
  assert.equal((await collect(spool.read())).length, 0);
});

/** Files of this process in the folder; they have no name, but Linux shows them. */
function openFiles(): string[] {
  const links = readdirSync("/proc/self/fd").map((name) => `/proc/self/fd/${name}`);
  return links.filter((link) => {
    try {
      return readlinkSync(link).startsWith(folder);
    } catch {
      return false; // the folder's own descriptor, closed meanwhile
    }
  });
}

if (process.platform === "linux") {
  test("nothing of what was written stands in the file in clear", () => {
    const canary = "a canary of 128 bits: 8d5f2c1e";
    const spool = filled(Buffer.alloc(4 * MiB, canary));
    const [file = ""] = openFiles();
    const onDisk = readFileSync(file);
    assert.ok(onDisk.length > 2 * MiB);
    assert.equal(onDisk.includes(canary), false);
    assert.equal(onDisk.includes(canary.slice(0, 8)), false);
    spool.dispose();
    assert.deepEqual(openFiles(), []);
  });

  test("a file that was changed is not read", async () => {
    for (const place of [0, 65_535, 65_536, 65_552, 1_000_000]) {
      const spool = filled(randomBytes(2 * MiB));
      const [file = ""] = openFiles();
      const before = readFileSync(file)[place] as number;
      const again = openSync(file, "r+");
      writeSync(again, Uint8Array.of(before ^ 1), 0, 1, place);
      closeSync(again);
      await assert.rejects(collect(spool.read()), (failure) => isSecureMailError(failure, "SPILL_UNREADABLE"));
      spool.dispose();
    }
  });

  test("two spools of the same octets have nothing in common on disk, nor have two parts of one", () => {
    const [one, two] = [filled(Buffer.alloc(2 * MiB)), filled(Buffer.alloc(2 * MiB))];
    const [first, second] = openFiles().map((file) => readFileSync(file));
    assert.notDeepEqual(first?.subarray(0, 65_536), second?.subarray(0, 65_536));
    assert.notDeepEqual(first?.subarray(0, 65_536), first?.subarray(65_552, 131_088));
    one?.dispose();
    two?.dispose();
  });
} else notRun(3, "the file system does not show files without a name");
