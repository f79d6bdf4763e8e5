import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { closest } from "./closest.ts";

for (const { typed, meant, why } of [
  { typed: "protetc", meant: "protect", why: "two letters changed places" },
  { typed: "opn", meant: "open", why: "a letter is missing" },
  { typed: "frobnicate", meant: undefined, why: "nothing is near" },
]) {
  test(`what ${typed} was meant to be: ${meant} (${why})`, () => {
    assert.equal(closest(typed, ["open", "protect", "explain"]), meant);
  });
}

test("an unknown command is a usage error with nothing on stdout", () => {
  const { status, stdout, stderr } = postern("frobnicate");
  assert.deepEqual({ status, stdout }, { status: 64, stdout: "" });
  assert.match(stderr, /no command "frobnicate"/);
});

test("the version and the help are printed without an error", () => {
  assert.match(postern("--version").stdout, /^Postern \d+\.\d+\.\d+, Node 26\./);
  assert.match(postern("--help").stdout, /^Usage: postern COMMAND/);
  assert.equal(postern("--help").status, 0);
});

function postern(...args: readonly string[]) {
  return spawnSync(process.execPath, [fileURLToPath(new URL("./main.ts", import.meta.url)), ...args], {
    encoding: "utf8",
  });
}
