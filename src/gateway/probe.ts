// Addresses by which `postern check` sends mail around the chain and knows it again. Whoever lacks the ledger key cannot
// make one, so that nobody else's mail vanishes as a probe.

import { timingSafeEqual } from "node:crypto";
import { hex } from "../bytes.ts";
import type { Mailbox } from "../smtp.ts";
import { keyedHash } from "./keyed-hash.ts";

/** `pass` is noted where it arrives and answered 250; `bounce` is noted and answered 550, so that a report is made. */
export type ProbeKind = "pass" | "bounce";

export type Probe = { readonly kind: ProbeKind; readonly token: string };

const localParts: Readonly<Record<ProbeKind, string>> = { pass: "postern-probe", bounce: "postern-probe-bounce" };
// LIMIT: with the longer word and the hash, 62 of the 64 octets that every server takes (RFC 5321, 4.5.3.1.1).
const tokenShape = /^[0-9a-z]{1,20}$/;
const macOctets = 10;

/** The token is lower-case letters and digits, at most 20: servers on the way may fold the case of a local part. */
export function makeProbeAddress(key: Uint8Array, token: string, domain: string, kind: ProbeKind = "pass"): Mailbox {
  if (!tokenShape.test(token)) throw new RangeError(`"${token}" is no token of a probe`);
  return { localPart: `${localParts[kind]}.${token}.${macOf(key, { kind, token }, domain)}`, domain };
}

/** The probe that an address stands for; undefined for everybody's else. */
export function readProbeAddress(key: Uint8Array, { localPart, domain }: Mailbox): Probe | undefined {
  const [word = "", token = "", mac = "", ...more] = localPart.toLowerCase().split(".");
  const kind = word === localParts.pass ? "pass" : word === localParts.bounce ? "bounce" : undefined;
  if (kind === undefined || more.length > 0 || !tokenShape.test(token)) return undefined;
  const probe = { kind, token } as const;
  const [given, right] = [Buffer.from(mac), Buffer.from(macOf(key, probe, domain))];
  return given.length === right.length && timingSafeEqual(given, right) ? probe : undefined;
}

function macOf(key: Uint8Array, { kind, token }: Probe, domain: string): string {
  return hex(keyedHash(key, macOctets, "probe", kind, token, domain));
}
