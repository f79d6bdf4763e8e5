// Cases that cannot run on this machine are never skipped tests: they are said, and counted by tools/run-tests.ts.

/** Says that `cases` cases of a test file did not run, for want of something outside the project. */
export function notRun(cases: number, why: string): void {
  process.stdout.write(`${notRunMark}${cases} cases: ${why}\n`);
}

/** How a line of a test's output begins that tells of cases not run. */
export const notRunMark = "not run: ";
