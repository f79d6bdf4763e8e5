import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "../../test/temporary-store.ts";
import { isSecureMailError } from "../errors.ts";
import type { LdifEntry } from "../ldif.ts";
import { watchDirectoryFiles } from "./directory-watch.ts";

const ldif = (...members: readonly string[]): string =>
  `version: 1\n${members.map((name) => `\ndn: cn=${name},o=see\nobjectClass: device\ncn: ${name}\n`).join("")}`;
const inside = (entries: readonly LdifEntry[]): string[] => entries.map(({ dn }) => dn.slice(3, -6));
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const settleMs = 120;
const unexpected = { onChange: (): void => assert.fail(), onFault: (thrown: unknown): void => assert.ifError(thrown) };

type Watched = { readonly changes: string[][]; readonly faults: unknown[]; readonly at: (name: string) => string };

/** Watches `members.ldif`, and another if that is named. */
async function watched(t: TestContext, { other = "", settle = settleMs } = {}): Promise<Watched> {
  const folder = temporaryFolder(t);
  const at = (name: string): string => path.join(folder, name);
  writeFileSync(at("members.ldif"), ldif("a.example"));
  const others = other === "" ? [] : [other];
  for (const name of others) writeFileSync(at(name), ldif(`${name}.example`));
  const [changes, faults]: [string[][], unknown[]] = [[], []];
  const watch = await watchDirectoryFiles(["members.ldif", ...others].map(at), {
    onChange: (entries) => changes.push(inside(entries)),
    onFault: (thrown) => faults.push(thrown),
    everyMs: 15,
    settleMs: settle,
  });
  t.after(() => watch.close());
  assert.deepEqual(inside(watch.entries)[0], "a.example");
  return { changes, faults, at };
}

/** Waits until `done`, at most as long as no machine is that busy. */
async function until(done: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !done() && performance.now() < end; ) await rest(10);
}

for (const { how, change } of [
  {
    how: "written in place",
    change: ({ at }: Watched) => writeFileSync(at("members.ldif"), ldif("a.example", "b.example")),
  },
  {
    how: "replaced by another of its name",
    change: ({ at }: Watched) => {
      writeFileSync(at("new"), ldif("a.example", "b.example"));
      renameSync(at("new"), at("members.ldif"));
    },
  },
  {
    how: "removed and made anew",
    change: async ({ at }: Watched) => {
      rmSync(at("members.ldif"));
      await rest(30);
      writeFileSync(at("members.ldif"), ldif("a.example", "b.example"));
    },
  },
]) {
  test(`a file that is ${how} is read again, once`, async (t) => {
    const watch = await watched(t);
    await change(watch);
    await until(() => watch.changes.length > 0);
    await rest(3 * settleMs);
    assert.deepEqual(watch.changes, [["a.example", "b.example"]]);
    assert.deepEqual(watch.faults, []);
  });
}

test("a file of the same size and time is seen to be another", async (t) => {
  const { changes, at } = await watched(t);
  const { atime, mtime } = statSync(at("members.ldif"));
  writeFileSync(at("new"), ldif("z.example"));
  utimesSync(at("new"), atime, mtime);
  renameSync(at("new"), at("members.ldif"));
  await until(() => changes.length > 0);
  assert.deepEqual(changes, [["z.example"]]);
});

test("a file that is still being written is not read", async (t) => {
  const { changes, faults, at } = await watched(t, { settle: 800 });
  const whole = ldif(...Array.from({ length: 12 }, (_, n) => `m${n}.example`));
  for (let part = 1; part <= 12; part++) {
    writeFileSync(at("members.ldif"), whole.slice(0, Math.ceil((whole.length * part) / 12)));
    await rest(settleMs / 4);
  }
  assert.deepEqual([changes, faults], [[], []]);
  await until(() => changes.length > 0);
  assert.equal(changes[0]?.length, 12);
});

test("a link that is set to another file counts as a change", async (t) => {
  const folder = temporaryFolder(t);
  const at = (name: string): string => path.join(folder, name);
  for (const name of ["one", "two"]) writeFileSync(at(name), ldif(`${name}.example`));
  symlinkSync("one", at("members.ldif"));
  const changes: string[][] = [];
  const watch = await watchDirectoryFiles([at("members.ldif")], {
    onChange: (entries) => changes.push(inside(entries)),
    onFault: assert.ifError,
    everyMs: 15,
    settleMs,
  });
  t.after(() => watch.close());
  symlinkSync("two", at("new"));
  renameSync(at("new"), at("members.ldif"));
  await until(() => changes.length > 0);
  assert.deepEqual(changes, [["two.example"]]);
});

for (const { what, change, code, says } of [
  {
    what: "is no LDIF",
    change: (file: string) => writeFileSync(file, `${ldif("a.example")}\nthis is\nno LDIF\n`),
    code: "DIRECTORY_FILE_INVALID",
    says: /members\.ldif: .*line 7/,
  },
  {
    what: "ends in the middle of a value",
    change: (file: string) => writeFileSync(file, `${ldif("a.example")}userCertificate;binary:: MIIB!`),
    code: "DIRECTORY_FILE_INVALID",
    says: /members\.ldif: .*line 6/,
  },
  {
    what: "was emptied",
    change: (file: string) => writeFileSync(file, ""),
    code: "DIRECTORY_FILE_INVALID",
    says: /members\.ldif: is empty/,
  },
  {
    what: "is gone",
    change: (file: string) => rmSync(file),
    code: "DIRECTORY_FILE",
    says: /members\.ldif: cannot be read \(ENOENT\)/,
  },
]) {
  test(`a file that ${what} is named once and changes nothing, until it is mended`, async (t) => {
    const { changes, faults, at } = await watched(t);
    change(at("members.ldif"));
    await until(() => faults.length > 0);
    await rest(4 * settleMs);
    assert.equal(faults.length, 1);
    const [fault] = faults;
    assert.ok(isSecureMailError(fault, code), String(fault));
    assert.match(fault.message, says);
    assert.deepEqual(changes, []);
    writeFileSync(at("members.ldif"), ldif("c.example"));
    await until(() => changes.length > 0);
    assert.deepEqual(changes, [["c.example"]]);
  });
}

test("of several files all are read when one changes, and none while one is bad", async (t) => {
  const { changes, faults, at } = await watched(t, { other: "second" });
  writeFileSync(at("second"), "no LDIF\n");
  await until(() => faults.length > 0);
  writeFileSync(at("members.ldif"), ldif("b.example"));
  await until(() => faults.length > 1);
  assert.deepEqual([changes.length, faults.length], [0, 2]);
  writeFileSync(at("second"), ldif("c.example"));
  await until(() => changes.length > 0);
  assert.deepEqual(changes, [["b.example", "c.example"]]);
});

test("what cannot be read at the start is a failure", async (t) => {
  const file = path.join(temporaryFolder(t), "members.ldif");
  await assert.rejects(watchDirectoryFiles([file], unexpected), (thrown) =>
    isSecureMailError(thrown, "DIRECTORY_FILE"),
  );
});

test("after it was closed nothing is told", async (t) => {
  const folder = temporaryFolder(t);
  const file = path.join(folder, "members.ldif");
  writeFileSync(file, ldif("a.example"));
  const watch = await watchDirectoryFiles([file], { ...unexpected, everyMs: 5, settleMs: 5 });
  writeFileSync(file, ldif("b.example"));
  watch.close();
  await rest(100);
});

test("a file that cannot be read is named", async (t) => {
  const { changes, faults, at } = await watched(t);
  rmSync(at("members.ldif"));
  mkdirSync(at("members.ldif"));
  await until(() => faults.length > 0);
  assert.match(String(faults[0]), /members\.ldif: cannot be read \(EISDIR\)/);
  assert.deepEqual(changes, []);
});
