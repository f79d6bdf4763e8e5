// The floors of the house (docs/architecture.md), as tools/floors.json draws them: imports go down, through doors.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import plan from "../tools/floors.json" with { type: "json" };

const root = path.resolve(import.meta.dirname, "..");
const floorOf = new Map(plan.floors.flatMap((doors, floor) => doors.map((door) => [door, floor] as const)));
const beside = new Map<string, readonly string[]>(Object.entries(plan.beside));

test("every source imports only what its floor may", () => {
  const sources = globSync("src/**/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
  const found = sources.flatMap((file) => objections(file, readFileSync(path.join(root, file), "utf8")));
  assert.deepEqual(found, []);
});

for (const { file, text, why } of [
  { file: "src/cms/signed-data.ts", text: 'import { a } from "../x509/name.ts";', why: "past a door" },
  { file: "src/asn1.ts", text: 'export { a } from "./cms.ts";', why: "sideways" },
  { file: "src/mime/entity.ts", text: 'import type { A } from "../gateway.ts";', why: "upward" },
  { file: "src/trust/budget.ts", text: 'const fs = await import("node:fs/promises");', why: "of files below floor 3" },
  { file: "src/stray.ts", text: "", why: "by a door that is on no floor" },
]) {
  test(`an import ${why} is seen`, () => assert.equal(objections(file, text).length, 1));
}

function objections(file: string, text: string): string[] {
  if (!floorOf.has(doorOf(file))) return [`${file}: tools/floors.json knows no door ${doorOf(file)}`];
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier = ""]) => specifier);
  return specifiers.flatMap((specifier) => {
    const why = specifier.startsWith(".") ? objectionToOurs(file, specifier) : objectionToOthers(file, specifier);
    return why === undefined ? [] : [`${file}: ${specifier}: ${why}`];
  });
}

function objectionToOurs(file: string, specifier: string): string | undefined {
  const [door, target] = [doorOf(file), path.join(path.dirname(file), specifier)];
  const targetDoor = doorOf(target);
  if (targetDoor === door || path.extname(target) === ".json") return undefined;
  if (path.dirname(target) !== "src") return `a room of ${targetDoor}; take its door`;
  const below = (floorOf.get(targetDoor) ?? Number.POSITIVE_INFINITY) < (floorOf.get(door) ?? -1);
  return below || beside.get(door)?.includes(targetDoor) ? undefined : `not below ${door}`;
}

function objectionToOthers(file: string, specifier: string): string | undefined {
  const floor = floorOf.get(doorOf(file)) ?? -1;
  const touches = plan.inputAndOutput.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return plan.pureFloors.includes(floor) && touches ? `floor ${floor} does no input and output` : undefined;
}

/** `cms` for both `src/cms.ts` and `src/cms/signed-data.ts`. */
function doorOf(file: string): string {
  return path.basename(file.split(path.sep)[1] ?? "", ".ts");
}
