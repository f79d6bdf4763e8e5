// `postern open`: take the domain layers off one message, judge it, restore it to stdout.
import { exitStatusOf, mayHandOn } from "../smime.ts";
import { summaryOf, writeReport } from "./explanation.ts";
import { judgingOptions, openInput } from "./judging.ts";
import { writeOut } from "./octets.ts";
import { exit, helpText, type OptionTable, parseOptions, UsageError, withStatus } from "./options.ts";

export const openOptions: OptionTable = {
  ...judgingOptions,
  "keep-invalid": { kind: "flag", does: "print also what is not trusted, where that is harmless" },
};

export function run(args: readonly string[]): Promise<number> {
  return withStatus("open", async () => {
    const options = parseOptions(args, openOptions);
    if (options.flag("help")) {
      process.stdout.write(helpText("postern open [options] < protected > message", openOptions));
      return exit.done;
    }
    const reportFile = options.text("report");
    if (reportFile === "-") throw new UsageError("--report needs a file: the message goes to standard output");
    const opened = await openInput(options);
    let written = true;
    if (opened.content !== undefined && mayHandOn(opened, options.flag("keep-invalid")))
      written = await writeOut(opened.content());
    opened.dispose();
    if (reportFile === undefined) process.stderr.write(summaryOf(opened.report));
    else writeReport(reportFile, opened.report);
    return written ? exitStatusOf(opened.report.code) : exit.unavailable;
  });
}
