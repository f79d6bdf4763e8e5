// Who is at the keyboard, for the audit.

import { userInfo } from "node:os";

export function actor(): string {
  return process.env["SUDO_USER"] ?? userInfo().username;
}
