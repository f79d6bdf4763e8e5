// What the file commands hand on (house table): a message of outcome "opened" or "plain" always, an untrusted one only
// when asked for; never after CBC where no signature proves that the content is what was sent.
import type { Opened } from "./open.ts";

export function mayHandOn({ report, afterCbc }: Opened, keepInvalid: boolean): boolean {
  if (report.outcome === "opened" || report.outcome === "plain") return true;
  if (report.outcome === "refused" || !keepInvalid) return false;
  return !(afterCbc && (report.code === "BAD_SIGNATURE" || report.code === "UNSUPPORTED"));
}
