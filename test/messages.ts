// Messages that others wrote, odd and broken ones among them.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { latin1, latin1Text } from "../src/bytes.ts";

export type StoredMessage = {
  /** Path below the suite's folder. */
  readonly name: string;
  readonly asStored: Uint8Array;
  /** As it would come by SMTP: every line ends in CRLF. */
  readonly withCrlf: Uint8Array;
};

/** The suites of `vectorsFolder` that hold messages. */
export const messageSuites: readonly string[] = ["enmime", "mimekit-messages"];

export function storedMessages(folder: string): StoredMessage[] {
  const files = globSync("**/*", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const asStored = readFileSync(file);
    const withCrlf = latin1(latin1Text(asStored).replace(/\r?\n/g, "\r\n"));
    return { name: path.relative(folder, file), asStored, withCrlf };
  });
}
