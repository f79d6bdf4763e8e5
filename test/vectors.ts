// Test data by third parties. It is not part of the project (licences and size differ) and lies beside it, or where
// POSTERN_VECTORS says. Where it is absent the cases are counted as not run; CI has it.

import { existsSync } from "node:fs";
import path from "node:path";
import { notRun } from "./not-run.ts";

/** The folder of the vectors, if they are here. */
export function vectorsFolder(): string | undefined {
  const folder = process.env["POSTERN_VECTORS"] ?? path.resolve(import.meta.dirname, "../../shared/vectors");
  return existsSync(folder) ? folder : undefined;
}

/** Defines the tests of a suite in its folder, or says that its cases did not run. */
export function withVectors(suite: string, cases: number, define: (folder: string) => void): void {
  const folder = vectorsFolder();
  if (folder === undefined) notRun(cases, `no vectors for ${suite} (set POSTERN_VECTORS)`);
  else define(path.join(folder, suite));
}
