// Did a letter arrive as it must? Octet for octet, but for the trace fields that servers write on top.

import { readFile } from "node:fs/promises";
import { isPositive, type Reply } from "../smtp.ts";
import type { Sight } from "./house.ts";
import type { Letter } from "./letters.ts";

export type LetterVerdict = { readonly arrived: boolean; readonly faults: readonly string[] };

/** `overheard`: what passed on the line between the houses. */
export async function judgeLetter(
  letter: Letter,
  replies: readonly Reply[],
  sights: readonly Sight[],
  overheard: string,
): Promise<LetterVerdict> {
  const faults: string[] = [];
  const refused = replies.filter((answer) => !isPositive(answer));
  if (refused.length > 0) faults.push("not every recipient was served");
  const arrivals = sights.flatMap((sight) => (sight.kind === "arrival" ? [sight.arrival] : []));
  for (const recipient of letter.to) {
    const arrival = arrivals.find(({ recipients }) => recipients.includes(recipient));
    if (arrival === undefined) faults.push(`nothing arrived for ${recipient}`);
    else if (!isIntact(letter, await readFile(arrival.file, "latin1")))
      faults.push(`what arrived for ${recipient} is not what was sent`);
  }
  for (const sight of sights) {
    if (sight.kind !== "passage" || sight.passage.treatment !== "open") continue;
    if (sight.passage.code !== letter.code) faults.push(`${sight.house} judged ${sight.passage.code}`);
  }
  const secret = Buffer.from(letter.secret).toString("latin1");
  if (overheard.includes(secret)) faults.push("its text could be read on the line");
  return { arrived: arrivals.length > 0, faults };
}

function isIntact({ octets }: Letter, received: string): boolean {
  let rest = received;
  for (let trace = fieldOnTop(rest); trace > 0; trace = fieldOnTop(rest)) rest = rest.slice(trace);
  return rest === octets.toString("latin1");
}

/** The length of a trace field on top, 0 where there is none. */
function fieldOnTop(text: string): number {
  if (!/^(?:Received|Authentication-Results|Postern-Verdict):/i.test(text)) return 0;
  const end = /\r\n(?![ \t])/.exec(text);
  return end === null ? 0 : end.index + 2;
}
