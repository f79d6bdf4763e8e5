// The README's lab, run as it stands there.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { withPeers } from "./peers.ts";

const root = path.resolve(import.meta.dirname, "..");
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const lab = [...readme.matchAll(/^```sh lab\n(.*?)^```/gms)].map(([, block = ""]) => block);

withPeers(["openssl"], 2, () => {
  const { status, stdout, stderr } = spawnSync("sh", ["-eu", "-c", lab.join("\n")], { cwd: root, encoding: "utf8" });

  test("the README's lab ends with the letter it began with, and with nothing where it was changed", () => {
    assert.equal(status, 0, stderr);
    assert.match(stdout, / {2}"code": "OK",\nexit status (?:1|65)\n0\n$/);
  });

  test("explain prints what the README says it prints", () => {
    const [, shown = ""] = /^```text explained\n(.*?)^```/ms.exec(readme) ?? [];
    assert.match(shown, /verdict {2}OK/);
    assert.ok(masked(stdout).includes(masked(shown)), stdout);
  });
});

/** Numbers, instants and sizes differ from run to run. */
function masked(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8,}(?:…|\b)/g, "N")
    .replace(/\d{4}-\d\d-\d\d(?:T[\d:]+Z)?/g, "T")
    .replace(/[\d,]+ octets/g, "N octets");
}
