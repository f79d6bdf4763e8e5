// What each of several workers may have of the limits that are the whole gateway's.

import type { Config } from "./schema.ts";

type Limits = Config["limits"];

// A message waits as it came (1), decrypted (0.73 of it: base64 is off) and restored (0.53); 0.73 twice where the inner
// encoding is binary. Measured 2.26 and 2.5.
const spoolsOfOne = 3;
const leastSpill = 4 * 1024 ** 3;

/** Room on the disk for the large messages of all workers: as configured, or as much as they need. */
export function spillRoom({ messageSize, spill }: Limits, workers: number): number {
  return spill ?? Math.max(leastSpill, workers * messageSize * spoolsOfOne);
}

/**
 * What is wrong where a worker's share does not take one message of the largest size: it would be put off with 452 however
 * often it came.
 */
export function spillFault(limits: Limits, workers: number): string | undefined {
  const needed = workers * limits.messageSize * spoolsOfOne;
  if (spillRoom(limits, workers) >= needed) return undefined;
  const mib = Math.ceil(needed / 1024 ** 2);
  return `must be at least ${mib}MiB, ${spoolsOfOne} x messageSize for each of ${workers} workers, or the largest mail is put off for ever`;
}

/** The configuration of one of `workers`: connections come to all in turn, and so do large messages. */
export function shareOf(config: Config, workers: number): Config {
  const { connections, perPeer } = config.limits;
  const part = (whole: number): number => Math.ceil(whole / workers);
  const spill = part(spillRoom(config.limits, workers));
  return { ...config, limits: { ...config.limits, connections: part(connections), perPeer: part(perPeer), spill } };
}
