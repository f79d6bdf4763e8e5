// What an administrator can do about a mail that is held, by why it is.

import type { HeldMail } from "../store.ts";

const waits = "It stays until somebody settles it; nobody was told.";

/** Lines to read, the likeliest way out first. */
export function adviceFor({ id, side, code }: HeldMail): readonly string[] {
  return [whatItMeans(code), waits, "", ...(side === "outside" ? waysIn(id) : waysOut(id))];
}

function whatItMeans(code: string): string {
  return meanings.get(code) ?? "It was neither safe to deliver nor right to lose it.";
}

const meanings: ReadonlyMap<string, string> = new Map([
  ["LOOP", "It came by here too often: two servers send it to each other. Mend the routing before anything else."],
  ["POISON", "Twice a worker died over it, alone. It was never opened; report it to the makers with the log."],
  ["REVOKED", "Its signer's certificate was revoked: whoever signed it may not be who it says."],
  ["BAD_CONTENT", "It could not be decrypted, or was altered on its way. Ask the sender to send it again."],
  ["BAD_SIGNATURE", "It is not what was signed. Ask the sender to send it again; if it repeats, somebody alters mail."],
  ["NO_KEY", "None of our keys opens it. Perhaps an older key is missing in the configuration, under encryption."],
  ["EXPIRED", "Its signer's certificate has ended. Ask the other side for a new one, then release."],
  [
    "UNTRUSTED",
    "No anchor of ours speaks for its signer. Exchange certificates (postern directory add), then release.",
  ],
  ["SIGNER_MISMATCH", "It is signed by somebody else's domain than From names."],
  ["WEAK", "Its algorithms are too weak to count."],
  ["REVOCATION_UNKNOWN", "Nothing says whether its signer was revoked. Bring a current CRL, then release."],
  ["MALFORMED", "It is encrypted and cannot be read. Ask the sender to send it again."],
  ["LIMIT", "It is over a limit of what is safe to read."],
  [
    "BOUNCE_OPENED",
    "It is a report about mail that was opened here, and leaving it could tell the world what was in it.",
  ],
  ["BOUNCE_UNREADABLE", "It is a report that cannot be read, and may be about mail that was opened here."],
]);

function waysIn(id: string): string[] {
  return [
    `postern hold release ${id}             judge it anew: after the cause was mended`,
    `postern hold release --unopened ${id}  to our users as it came, still protected`,
    `postern hold show --raw ${id}          look at it, for one with postern explain`,
    `postern hold drop ${id}                gone for good`,
  ];
}

function waysOut(id: string): string[] {
  return [
    `postern hold release ${id}     judge it anew: after the cause was mended`,
    `postern hold return ${id}      tell its sender that it was not sent`,
    `postern hold show --raw ${id}  look at it`,
    `postern hold drop ${id}        gone for good`,
  ];
}
