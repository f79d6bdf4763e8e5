// Our own verdict on mail, found again in what others return of it.

import { type ByteSource, latin1Text } from "../bytes.ts";
import { decodedText, fieldsNamed, fieldText, formatEntity, type HeaderBlock } from "../mime.ts";

export type Verdict = {
  readonly code: string;
  readonly domain?: string;
  /** What our users got was not what came. A code that we do not know counts as such. */
  readonly opened: boolean;
};

/** Codes of mail that is delivered as it came (docs, reports). */
const untouched: ReadonlySet<string> = new Set(["UNPROTECTED", "CERTS_ONLY", "NO_KEY", "MALFORMED", "LIMIT"]);

export function verdictsInHeader(header: HeaderBlock): readonly Verdict[] {
  return fieldsNamed(header, "Postern-Verdict").map((field) => readVerdict(fieldText(field)));
}

function readVerdict(text: string): Verdict {
  const [, code = ""] = /^\s*([A-Z_]{1,40})(?=[\s;]|$)/.exec(text) ?? [];
  const domain = /^[^;]*;\s*domain=([a-z0-9.-]{1,253})\s*(?:;|$)/.exec(text)?.[1];
  return { code, opened: !untouched.has(code), ...(domain === undefined ? {} : { domain }) };
}

const name = "postern-verdict:";
const envid = "postern1.";
// LIMIT: a verdict with the longest domain and id; a fold or a quotation mark more.
const longest = 400;

/** Verdicts anywhere in a message, its leaves decoded, and whether an envelope id of ours stands in it. */
export async function verdictsInText(message: {
  readonly header: HeaderBlock;
  readonly body: ByteSource;
}): Promise<{ readonly verdicts: readonly Verdict[]; readonly ours: boolean }> {
  const verdicts: Verdict[] = [];
  let ours = false;
  let held = "";
  const look = (text: string, complete: boolean): string => {
    const lower = text.toLowerCase();
    const end = complete ? text.length : Math.max(0, text.length - longest);
    for (let at = lower.indexOf(name); at !== -1 && at < end; at = lower.indexOf(name, at + name.length)) {
      if (verdicts.length < mostVerdicts) verdicts.push(readVerdict(text.slice(at + name.length, at + longest)));
    }
    const mark = lower.indexOf(envid);
    ours ||= mark !== -1;
    return text.slice(end);
  };
  for await (const chunk of decodedText(formatEntity(message))) held = look(held + latin1Text(chunk), false);
  look(held, true);
  return { verdicts, ours };
}

// LIMIT: more than one is odd already.
const mostVerdicts = 100;
