// The pages that people read first: they are short, complete, and lead somewhere.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import project from "../package.json" with { type: "json" };

const root = path.resolve(import.meta.dirname, "..");
const read = (page: string) => readFileSync(path.join(root, page), "utf8");

test("the README has fewer than 150 lines", () => {
  assert.ok(read("README.md").split("\n").length < 150);
});

test("every link from page to page leads to a page", () => {
  const pages = globSync(["*.md", "docs/**/*.md", "bench/*.md"], { cwd: root });
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!\w+:)([^)#]+)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !existsSync(path.join(root, path.dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test("docs/dependencies.md gives a reason for every direct dependency", () => {
  const page = read("docs/dependencies.md");
  const { dependencies, optionalDependencies, devDependencies } = project;
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test("every direct dependency is pinned to one version", () => {
  const { dependencies, optionalDependencies, devDependencies } = project;
  const versions = Object.values({ ...dependencies, ...optionalDependencies, ...devDependencies });
  assert.deepEqual(
    versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  );
});
