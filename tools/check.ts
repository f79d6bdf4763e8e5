// The quick checks, side by side: one line, and what the failing ones said. `npm test` runs them before its tests, `npm
// run check` together with those tests that are about the house.

import { spawn } from "node:child_process";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");

type Checks = Readonly<Record<string, readonly string[]>>;

const checks: Checks = {
  types: ["node_modules/typescript/bin/tsc", "--noEmit"],
  style: ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", "--colors=off"],
  "generated pages": ["tools/docs.ts", "--check"],
};
const house = ["floors", "budgets", "pages"].map((name) => `test/${name}.test.ts`);

if (process.argv[1] === import.meta.filename) {
  process.exitCode = (await runChecks({ ...checks, house: ["tools/run-tests.ts", ...house] })) ? 0 : 1;
}

/** True if every check is content. */
export async function runChecks(wanted: Checks = checks): Promise<boolean> {
  const started = performance.now();
  const results = await Promise.all(Object.entries(wanted).map(([name, args]) => runCheck(name, args)));
  const failed = results.filter(({ good }) => !good);
  for (const { name, output } of failed) process.stdout.write(`\n${name}:\n${output.trimEnd()}\n\n`);
  const verdicts = results.map(({ name, good }) => `${name} ${good ? "good" : "NOT GOOD"}`).join(", ");
  process.stdout.write(`Checked in ${((performance.now() - started) / 1000).toFixed(1)} s: ${verdicts}\n`);
  return failed.length === 0;
}

function runCheck(name: string, args: readonly string[]): Promise<{ name: string; good: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ name, good: code === 0, output }));
  });
}
