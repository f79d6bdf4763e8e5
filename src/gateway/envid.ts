// Our own ENVID on the inward leg of mail that we opened (RFC 3461, 4.4). Whoever makes a report about that mail says it
// back in Original-Envelope-Id, and so we know what the report is about, whatever else it says.
//
//   POSTERN1.T.kQ3yyv0c2dNHB1zM.UVEtMTIz     flag, keyed hash, the sender's own ENVID in base64url where it fits
//
// The alphabet is one that xtext leaves alone, so that it does not matter who encodes it how often. Decision record 0011.

import { timingSafeEqual } from "node:crypto";
import type { ForwardPath } from "../smtp.ts";
import { base64url, keyedHash } from "./keyed-hash.ts";

/** What an ENVID of ours says of the mail it is on. */
export type EnvidClaim = {
  /** The mail was OK and its reverse path is of the domain that signed it: its sender may hear what became of it. */
  readonly tellable: boolean;
  /** The sender's own ENVID. */
  readonly envid?: string;
};

export type EnvidReading =
  | { readonly kind: "ours"; readonly claim: EnvidClaim }
  /** It looks like ours and is not, or is not for this address. */
  | { readonly kind: "forged" }
  | { readonly kind: "foreign" };

// LIMIT: RFC 3461, 4.4.
const maxEnvid = 100;
const macOctets = 12;
const shape = /^POSTERN1\.([TH])\.([\w-]{16})(?:\.([\w-]+))?$/;
const looksLikeOurs = /^\s*POSTERN1\b/i;

/** `reversePath` as `formatMailbox` writes it: the ENVID counts in reports to that address only. */
export function makeEnvid(key: Uint8Array, { tellable, envid = "" }: EnvidClaim, reversePath: string): string {
  const flag = tellable ? "T" : "H";
  const whole = tokenOf(key, flag, reversePath, base64url(Buffer.from(envid)));
  return whole.length <= maxEnvid ? whole : tokenOf(key, flag, reversePath, "");
}

/** Reads what stands in Original-Envelope-Id of a report to `recipient`. */
export function readEnvid(key: Uint8Array, text: string, recipient: string): EnvidReading {
  const [, flag, mac, encoded = ""] = shape.exec(text) ?? [];
  if (flag === undefined || mac === undefined) return { kind: looksLikeOurs.test(text) ? "forged" : "foreign" };
  if (!timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(key, flag, recipient, encoded)))) return { kind: "forged" };
  const envid = Buffer.from(encoded, "base64url").toString();
  return { kind: "ours", claim: { tellable: flag === "T", ...(envid === "" ? {} : { envid }) } };
}

/**
 * A recipient of mail whose sender is not to hear of it. Word of success or delay could only be held, and whoever sends a
 * ciphertext again and again would fill the hold store with it; a failure is for an administrator to see.
 */
export function withoutGoodNews(path: ForwardPath): ForwardPath {
  const { dsn } = path;
  if (dsn?.notify === undefined || dsn.notify === "NEVER") return path;
  return { ...path, dsn: { ...dsn, notify: ["FAILURE"] } };
}

function tokenOf(key: Uint8Array, flag: string, reversePath: string, encoded: string): string {
  const token = `POSTERN1.${flag}.${macOf(key, flag, reversePath, encoded)}`;
  return encoded === "" ? token : `${token}.${encoded}`;
}

function macOf(key: Uint8Array, flag: string, reversePath: string, encoded: string): string {
  return base64url(keyedHash(key, macOctets, "envid", flag, reversePath, encoded));
}
