// Preloaded into a Node process: at its end the most memory it ever held goes to the file that PEAK_FILE names.
// VmHWM, not getrusage: that one remembers the parent's size from before exec.

import { appendFileSync, readFileSync } from "node:fs";

process.once("exit", () => {
  const file = process.env["PEAK_FILE"];
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  if (file !== undefined && peak !== null) appendFileSync(file, `${peak[1]}\n`);
});
