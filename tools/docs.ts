// Pages that come out of the code: `docs.ts` writes them, `docs.ts --check` fails where one is stale.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cliPage } from "./docs/cli-page.ts";
import { configPage, configSchemaPage } from "./docs/config-page.ts";
import { errorsPage } from "./docs/errors-page.ts";

/** Path of a page from the project's root, and what makes its text. */
const pages: ReadonlyMap<string, () => string | Promise<string>> = new Map<string, () => string | Promise<string>>([
  ["docs/cli.md", cliPage],
  ["docs/config.md", configPage],
  ["docs/postern.schema.json", configSchemaPage],
  ["docs/errors.md", errorsPage],
]);

const root = path.resolve(import.meta.dirname, "..");
const onlyCheck = process.argv.includes("--check");

for (const [page, make] of pages) {
  const file = path.join(root, page);
  const text = await make();
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  if (onlyCheck) {
    process.stderr.write(`${page} is stale: node tools/docs.ts writes it anew\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    process.stdout.write(`${page} written\n`);
  }
}
