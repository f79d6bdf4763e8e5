// The file of --report, the same for every command that has one.
import { writeFileSync } from "node:fs";
import { exit, InputError, type Options, UsageError } from "./options.ts";

/** Writes the report where --report says; undefined without the option. A report that cannot be written is exit 69. */
export function reportWriter(options: Options): ((report: object) => void) | undefined {
  const file = options.text("report");
  if (file === "-") throw new UsageError("--report needs a file: standard output is for the message");
  if (file === undefined) return undefined;
  return (report) => {
    try {
      writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new InputError(exit.unavailable, `${file}: cannot be written (${code})`, { cause });
    }
  };
}
