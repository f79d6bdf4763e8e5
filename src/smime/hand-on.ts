// What the file commands hand on (house table): a message of outcome "opened" or "plain" always, an untrusted one only
// when asked for, one with a broken signature never after CBC.
import type { Opened } from "./open.ts";

export function mayHandOn({ report, afterCbc }: Opened, keepInvalid: boolean): boolean {
  if (report.outcome === "opened" || report.outcome === "plain") return true;
  if (report.outcome === "refused" || !keepInvalid) return false;
  return !(report.code === "BAD_SIGNATURE" && afterCbc);
}
