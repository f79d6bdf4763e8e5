// Bad days, played on a running demo. Each breaks something, shows that nothing is lost and nothing leaks, mends it, and
// sees the mail arrive.

import { setTimeout } from "node:timers/promises";
import { type Community, publish, ranOut, rollKeys } from "./community.ts";
import type { House } from "./house.ts";
import { line } from "./journey.ts";
import { budget, type Letter } from "./letters.ts";
import type { LetterVerdict } from "./verdict.ts";
import type { Village } from "./village.ts";
import type { PlayName } from "./words.ts";

/** What the demo offers to a play. */
export type Scene = {
  readonly community: Community;
  readonly village: Village;
  readonly tell: (text: string) => void;
  /** Sends a letter and tells its journey. */
  carry(letter: Letter): Promise<Carried>;
  /** The same, and whether it arrived as it must. */
  send(letter: Letter): Promise<boolean>;
};

export type Carried = LetterVerdict & {
  /** What the sender heard. */
  readonly answer: string;
  /** SHA-256 of the certificates it was sealed to. */
  readonly sealedTo: readonly string[];
};

/** Exit status: 0 if the bad day was handled as it must. */
export const plays: Readonly<Record<PlayName, (scene: Scene) => Promise<number>>> = {
  tamper,
  expire,
  "swap-keys": swapKeys,
  down,
};

/** One octet changes on the line: the message is kept, sealed as it came, and nobody outside learns that. */
async function tamper({ village, tell, carry, send }: Scene): Promise<number> {
  const [sender, receiver] = pair(village);
  const letter = { ...budget(), title: "A bad day: one octet is changed on the line" };
  sender.link.arm();
  const first = await carry(letter);
  say(tell, "line", `one octet of the message was changed: ${sender.link.changed ?? "none"}`);
  say(tell, "sender", `told ${first.answer}, as if nothing were wrong: an attacker learns nothing`);
  say(tell, receiver.member.domain, "holds it as it came; see it with");
  say(tell, "", `bin/postern hold list --config ${receiver.configFile}`);
  const handled = sender.link.changed !== undefined && !first.arrived && first.answer.startsWith("2");
  say(tell, "", handled ? "nothing was delivered, and nothing is lost" : notHandled);
  const again = await send({ ...budget(), title: "Sent again" });
  return handled && again ? 0 : 1;
}

/** A certificate ran out while the administrator was away: mail waits, none leaves in clear. */
async function expire({ community, village, tell, carry, send }: Scene): Promise<number> {
  const [sender, receiver] = pair(village);
  const { domain } = receiver.member;
  const letter = { ...budget(), title: `A bad day: the certificate of ${domain} ran out` };
  const encryption = await ranOut(community, receiver.member);
  await noticed(sender, () => publish(community, { member: receiver.member, encryption }));
  const first = await carry(letter);
  say(tell, "sender", `told ${first.answer}`);
  const handled = !first.arrived && first.answer.startsWith("4") && sender.link.overheard === "";
  say(tell, "", handled ? "nothing left, sealed or in clear; the sender's server keeps the mail" : notHandled);
  await noticed(sender, () => publish(community));
  const again = await send({ ...letter, title: "A new certificate is in the directory, and it tries again" });
  return handled && again ? 0 : 1;
}

/** A member changes its encryption keys while mail is on its way: old mail and new mail open. */
async function swapKeys({ community, village, tell, carry }: Scene): Promise<number> {
  const [sender, receiver] = pair(village);
  const { domain } = receiver.member;
  await rollKeys(community, receiver.member);
  await receiver.restart();
  const old = await carry({ ...budget(), title: `${domain} has new keys, and the directory does not know yet` });
  await noticed(sender, () => publish(community));
  const present = await carry({ ...budget(), title: "Now the directory has the new certificate" });
  say(tell, "sealed to", `${short(old.sealedTo)} before, ${short(present.sealedTo)} after`);
  const opened = [old, present].every(({ arrived, faults }) => arrived && faults.length === 0);
  const handled = opened && short(old.sealedTo) !== short(present.sealedTo);
  say(tell, "", handled ? "both were opened; no user saw anything, and no mail waited" : notHandled);
  return handled ? 0 : 1;
}

/** The mail server behind the receiving gateway is gone: the sender's keeps the mail, and it arrives once. */
async function down({ village, tell, carry, send }: Scene): Promise<number> {
  const [, receiver] = pair(village);
  const { domain } = receiver.member;
  const letter = { ...budget(), title: `A bad day: the mail server of ${domain} is down` };
  await receiver.closeMail();
  let first: Carried;
  try {
    first = await carry(letter);
  } finally {
    await receiver.openMail();
  }
  say(tell, "sender", `told ${first.answer}`);
  const handled = !first.arrived && first.answer.startsWith("4");
  say(
    tell,
    "",
    handled ? "nothing was accepted that could not be handed on; the sender's server keeps it" : notHandled,
  );
  const again = await send({ ...letter, title: "It is up, and the sender tries again" });
  return handled && again ? 0 : 1;
}

const notHandled = "NOT HANDLED AS IT MUST";

/** Gateways watch their directory; this waits until one has taken the change up. */
async function noticed({ gateway }: House, change: () => Promise<void>): Promise<void> {
  const { number } = gateway().snapshot();
  await change();
  for (let tries = 0; gateway().snapshot().number === number; tries += 1) {
    if (tries === 100) throw new Error("the gateway did not notice that the directory changed");
    await setTimeout(100);
  }
}

function pair({ houses }: Village): readonly [House, House] {
  return houses as readonly [House, House];
}

function say(tell: (text: string) => void, who: string, what: string): void {
  tell(`${line(who, what)}\n`);
}

function short(certificates: readonly string[]): string {
  return certificates.map((sha256) => sha256.slice(0, 8)).join(", ");
}
