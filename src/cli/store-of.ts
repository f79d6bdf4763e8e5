// The store of a gateway, for commands beside it: it may be running or not.

import { existsSync } from "node:fs";
import type { Config } from "../config.ts";
import { openStore, type Store } from "../store.ts";
import { exit, InputError } from "./options.ts";

/** A command makes no store, for then it might lie where no gateway looks. */
export function requireStore({ store: file }: Config): void {
  if (!existsSync(file))
    throw new InputError(exit.unavailable, `${file}: is not there; the gateway makes it when it starts`);
}

export async function withStore<Result>(config: Config, body: (store: Store) => Promise<Result>): Promise<Result> {
  requireStore(config);
  const { store: file, dataDir, limits } = config;
  const store = await openStore({ file, dataDir, holdQuota: limits.hold, onFault: () => undefined });
  try {
    return await body(store);
  } finally {
    await store.close();
  }
}
