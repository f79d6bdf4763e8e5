// A process that writes into a store until it is killed or has done its share, and says what was acknowledged:
//
//   store-writer.ts FOLDER NAME RECORDS HOLDS [PARALLEL]
//
// A line of its output is `record NAME-n`, `hold NAME-n`, `failed CODE` or `end`; nothing else may come out of it.

import { writeSync } from "node:fs";
import path from "node:path";
import { sourceOf } from "../../src/bytes.ts";
import { isSecureMailError } from "../../src/errors.ts";
import { openStore } from "../../src/store.ts";
import { keyOf, mailToHold } from "../temporary-store.ts";
import { heldOctets, until } from "./store-faults.ts";

const [folder = "", name = "", records = "0", holds = "0", parallel = "8"] = process.argv.slice(2);

/** At once, for the next moment may not come; again while the pipe is full. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN") throw thrown;
    }
  }
}

const store = await openStore({ file: path.join(folder, "postern.db"), dataDir: folder, onFault: tell });
let [recorded, held] = [0, 0];
await Promise.all(Array.from({ length: Number(parallel) }, recordOn));
await Promise.all([holdOn(), holdOn()]);
await store.close();
say("end");

async function recordOn(): Promise<void> {
  while (recorded < Number(records)) {
    const entry = `${name}-${recorded++}`;
    await attempt(`record ${entry}`, () => store.ledger.record([{ key: keyOf(entry), until }]));
  }
}

async function holdOn(): Promise<void> {
  while (held < Number(holds)) {
    const id = `${name}x${held++}`;
    const octets = heldOctets(id);
    await attempt(`hold ${id}`, () => store.holds.hold(keyOf(id), mailToHold(id, octets), sourceOf(octets)));
  }
}

async function attempt(line: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
    say(line);
  } catch (thrown) {
    tell(thrown);
  }
}

function tell(thrown: unknown): void {
  if (!isSecureMailError(thrown)) throw thrown;
  say(`failed ${thrown.code}`);
}
