import assert from "node:assert/strict";
import {
  chmodSync,
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

test("a new file is not for everybody", async () => {
  const file = path.join(folder, "new.ldif");
  await replaceFile(file, Buffer.from("new"));
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test("where nothing can be written the failure is thrown and nothing is there", async () => {
  const file = path.join(folder, "none", "new.ldif");
  await assert.rejects(replaceFile(file, Buffer.from("new")), { code: "ENOENT" });
});
