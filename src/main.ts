// Where the program starts: one command, one exit status. Floor 5.

import { runCommand } from "./cli.ts";

// Not process.exit: what was written to stdout may still be on its way.
process.exitCode = await runCommand(process.argv.slice(2));
