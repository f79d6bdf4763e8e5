// What the house allows itself (docs/architecture.md). Lines of files and functions are counted by Biome.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.resolve(import.meta.dirname, "..");
const mostExports = 30;
const mostPackages = 90;

test(`a door exports at most ${mostExports} names, types aside`, () => {
  const doors = globSync("src/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
  const counts = doors.map((door) => ({ door, names: exportsOf(readFileSync(path.join(root, door), "utf8")).length }));
  assert.deepEqual(
    counts.filter(({ names }) => names > mostExports),
    [],
  );
});

type Locked = { readonly dev?: boolean; readonly optional?: boolean; readonly hasInstallScript?: boolean };
const lock: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync(path.join(root, "package-lock.json"), "utf8"),
);
const installed = Object.entries(lock.packages).filter(([where, { dev }]) => where !== "" && dev !== true);

test(`npm ci --omit=dev installs at most ${mostPackages} packages`, () => {
  assert.ok(installed.length <= mostPackages, `${installed.length} packages`);
});

test("no package that users install runs a script at installation", () => {
  assert.deepEqual(
    installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([where]) => where),
    [],
  );
});

test("the exports of a door are counted in every form that is not a type", () => {
  const door = `
    export type { A, B as C } from "./x.ts";
    export { d, type E } from "./y.ts";
    export const f = 1;
    export async function g() {}
    export type H = string;
  `;
  assert.deepEqual(exportsOf(door), ["d", "f", "g"]);
});

function exportsOf(text: string): string[] {
  const lists = [...text.matchAll(/^\s*export \{([^}]*)\}/gm)].flatMap(([, list = ""]) => list.split(","));
  const single = /^\s*export (?:async )?(?:const|let|function\*?|class) (\w+)/gm;
  const declared = [...text.matchAll(single)].map(([, name = ""]) => name);
  return [...lists, ...declared].map((name) => name.trim()).filter((name) => name !== "" && !name.startsWith("type "));
}
