import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const log = JSON.stringify(new URL("./daemon-log.ts", import.meta.url));

function printed(program: string): string {
  const text = `import { write } from ${log}; ${program}`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", text], { encoding: "utf8" });
}

test("lines of one turn stay lines, in their order", () => {
  assert.equal(printed(`write("one"); write("two"); setTimeout(() => write("three"), 1)`), "one\ntwo\nthree\n");
});

test("what was said right before the end is not lost", () => {
  assert.equal(printed(`write("one"); write("a bug"); process.exit(0)`), "one\na bug\n");
});
