// The store of a gateway, for commands beside it: it may be running or not.

import { existsSync } from "node:fs";
import type { Config } from "../config.ts";
import { openStore, type Store } from "../store.ts";
import { exit, InputError } from "./options.ts";

/** Opens what is there; a command makes no store, for then it might lie where no gateway looks. */
export async function withStore<Result>(
  { store: file, dataDir, limits }: Config,
  body: (store: Store) => Promise<Result>,
): Promise<Result> {
  if (!existsSync(file))
    throw new InputError(exit.unavailable, `${file}: is not there; the gateway makes it when it starts`);
  const store = await openStore({ file, dataDir, holdQuota: limits.hold, onFault: () => undefined });
  try {
    return await body(store);
  } finally {
    await store.close();
  }
}
