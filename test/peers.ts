// Programs by others that tests talk to. `npm test` brings them (tools/debian-packages.txt); with `--without-peers`
// their cases are counted as not run.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { notRun } from "./not-run.ts";

const table = readFileSync(new URL("../tools/debian-packages.txt", import.meta.url), "utf8");
const checks = new Map(
  table
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map(([name = "", , check = "false"]) => [name, check]),
);

/** Defines tests that need Debian packages, or says that their cases did not run. */
export function withPeers(packages: readonly string[], cases: number, define: () => void): void {
  const missing = process.env["POSTERN_WITHOUT_PEERS"] === "1" ? packages.filter((name) => !isHere(name)) : [];
  if (missing.length > 0) notRun(cases, `no ${missing.join(", ")}`);
  else define();
}

function isHere(name: string): boolean {
  return spawnSync("sh", ["-c", checks.get(name) ?? "false"], { stdio: "ignore" }).status === 0;
}
