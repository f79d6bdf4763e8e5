import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { notRun } from "../../test/not-run.ts";
import { replaceFile } from "./replace-file.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-replace-"));
after(() => rmSync(folder, { recursive: true }));

test("a file is replaced through its link, keeps its permissions and leaves nothing beside it", async () => {
  const [file, link] = [path.join(folder, "members.ldif"), path.join(folder, "link.ldif")];
  writeFileSync(file, "old");
  chmodSync(file, 0o644);
  symlinkSync(file, link);
  await replaceFile(link, Buffer.from("new"));
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.equal(statSync(file).mode & 0o777, 0o644);
  assert.deepEqual(readdirSync(folder).sort(), ["link.ldif", "members.ldif"]);
});

if (process.getuid?.() !== 0) notRun(2, "they need root, who alone gives files away");
else {
  test("what root replaces stays with its owner and group", async () => {
    const file = path.join(folder, "theirs.ldif");
    writeFileSync(file, "old");
    chownSync(file, 4711, 4712);
    chmodSync(file, 0o640);
    await replaceFile(file, Buffer.from("new"));
    const { uid, gid, mode } = statSync(file);
    assert.deepEqual([readFileSync(file, "utf8"), uid, gid, mode & 0o777], ["new", 4711, 4712, 0o640]);
  });

  test("who may not leave it with its owner changes nothing, and is told", () => {
    const theirs = mkdtempSync(path.join(tmpdir(), "postern-replace-"));
    after(() => rmSync(theirs, { recursive: true }));
    const file = path.join(theirs, "members.ldif");
    writeFileSync(file, "old");
    chownSync(file, 0, 4712);
    chmodSync(theirs, 0o777);
    const { status, stderr } = asNobody(file);
    assert.equal(status, 1);
    assert.match(stderr, /members\.ldif: belongs to user 0 and group 4712, and would not any more; do this as root/);
    assert.deepEqual([readFileSync(file, "utf8"), readdirSync(theirs)], ["old", ["members.ldif"]]);
  });
}

/** Replaces the file in a process of its own, which gives up being root. */
function asNobody(file: string) {
  const script = `
    import { replaceFile } from ${JSON.stringify(path.join(import.meta.dirname, "replace-file.ts"))};
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    await replaceFile(${JSON.stringify(file)}, Buffer.from("new")).catch(({ message }) => {
      console.error(message);
      process.exitCode = 1;
    });`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
}

test("a new file is not for everybody", async () => {
  const file = path.join(folder, "new.ldif");
  await replaceFile(file, Buffer.from("new"));
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test("where nothing can be written the failure is thrown and nothing is there", async () => {
  const file = path.join(folder, "none", "new.ldif");
  await assert.rejects(replaceFile(file, Buffer.from("new")), { code: "ENOENT" });
});
