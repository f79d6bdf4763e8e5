// `postern open`: take the domain layers off one message, judge it, restore it to stdout.
import { exitStatusOf, mayHandOn } from "../smime.ts";
import { summaryOf } from "./explanation.ts";
import { judgingOptions, openInput } from "./judging.ts";
import { writeOut } from "./octets.ts";
import { exit, type Page, runPage } from "./options.ts";
import { reportWriter } from "./report-file.ts";

export const page: Page = {
  name: "open",
  usage: "[options] < protected > message",
  options: {
    ...judgingOptions,
    "keep-invalid": { kind: "flag", does: "print also what is not trusted, where that is harmless" },
  },
  notBuilt: ["ocsp"],
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const writeReport = reportWriter(options);
    const opened = await openInput(options);
    // Before the message, so that none goes out where no report can be written.
    writeReport?.(opened.report);
    let written = true;
    if (opened.content !== undefined && mayHandOn(opened, options.flag("keep-invalid")))
      written = await writeOut(opened.content());
    opened.dispose();
    if (writeReport === undefined) process.stderr.write(summaryOf(opened.report));
    return written ? exitStatusOf(opened.report.code) : exit.unavailable;
  });
}
