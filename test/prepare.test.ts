// tools/prepare.sh on machines that are not this one: its PATH holds only what the test puts there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

const root = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "postern-prepare-"));
after(() => rmSync(folder, { recursive: true }));

test("what is there is not installed, and the command runs in prepare's place", () => {
  const { status, stdout, stderr } = prepare(makePath({}), [
    "run",
    "sh",
    "-c",
    'echo "$1"; exit 5',
    "-",
    "an argument",
  ]);
  assert.deepEqual({ status, stdout, stderr }, { status: 5, stdout: "an argument\n", stderr: "" });
});

test("an ordinary user on Debian is told the one command", () => {
  const { status, stdout, stderr } = prepare(makePath({ "apt-get": "exit 1", id: "echo 1000" }), [
    "test",
    "echo",
    "ran",
  ]);
  assert.equal(status, 69);
  assert.equal(stdout, "");
  assert.match(stderr, /^ {2}swaks: /m);
  assert.match(stderr, /^To install: sudo apt-get install -y --no-install-recommends .*\bswaks\b/m);
});

test("elsewhere the missing peers are named and the tests do not run", () => {
  const { status, stdout, stderr } = prepare(makePath({}), ["test", "echo", "ran"]);
  assert.equal(status, 69);
  assert.equal(stdout, "");
  assert.match(stderr, /^ {2}swaks: /m);
  assert.match(stderr, /npm test -- --without-peers/);
});

test("--without-peers goes on without them", () => {
  const { status, stdout } = prepare(makePath({}), ["test", "echo", "ran", "--without-peers"]);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: "ran --without-peers\n" });
});

test("--without-peers is refused in CI", () => {
  const { status, stdout } = prepare(makePath({}), ["test", "echo", "ran", "--without-peers"], { CI: "true" });
  assert.deepEqual({ status, stdout }, { status: 64, stdout: "" });
});

/** A folder to be the PATH: the tools that the script itself calls, and programs that are one line of shell. */
function makePath(programs: Readonly<Record<string, string>>): string {
  const where = mkdtempSync(path.join(folder, "path-"));
  for (const tool of ["dirname", "echo", "id", "sh"]) {
    if (!(tool in programs)) symlinkSync(path.join("/bin", tool), path.join(where, tool));
  }
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(path.join(where, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  return where;
}

function prepare(where: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const script = path.join(root, "tools/prepare.sh");
  return spawnSync("/bin/sh", [script, ...args], { env: { PATH: where, ...environment }, encoding: "utf8" });
}
