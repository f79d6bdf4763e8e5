// A store in a folder of its own, which is gone after the test.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { type HeldMail, openStore, type Store, type StoreOptions } from "../src/store.ts";

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "postern-store-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type OpenedStore = Store & { readonly folder: string; readonly file: string; readonly faults: unknown[] };

/** `folder` for one that is there already. */
export async function temporaryStore(
  t: TestContext,
  { folder = temporaryFolder(t), ...options }: Partial<StoreOptions> & { readonly folder?: string } = {},
): Promise<OpenedStore> {
  const faults: unknown[] = [];
  const file = path.join(folder, "postern.db");
  const store = await openStore({ file, dataDir: folder, onFault: (thrown) => faults.push(thrown), ...options });
  t.after(() => store.close());
  return { ...store, folder, file, faults };
}

/** A key as the gateway makes them: 32 octets that say nothing. */
export function keyOf(name: string | number): Uint8Array {
  return createHash("sha256").update(String(name)).digest();
}

export function mailToHold(id: string, octets: Uint8Array): Omit<HeldMail, "state"> {
  return {
    id,
    at: new Date("2026-11-23T09:00:00Z"),
    side: "outside",
    queueId: "4XyZ123abc",
    reversePath: "lee@b.example",
    forwardPaths: ["mei@a.example"],
    parameters: { smtputf8: true },
    domain: "b.example",
    code: "BAD_CONTENT",
    reason: "decryption failed",
    octets: octets.length,
    digest: createHash("sha256").update(octets).digest("hex"),
  };
}

export const anHour = 3600_000;
