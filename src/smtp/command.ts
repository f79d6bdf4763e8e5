// The grammar of commands (RFC 5321 4.1, RFC 2033). A line becomes a command or the reply that refuses it.

import { isAscii, isUtf8 } from "node:buffer";
import { asBuffer, latin1Text } from "../bytes.ts";
import { parseHostName } from "../domain.ts";
import type { RecipientDsn } from "./dsn.ts";
import { type Mailbox, needsUtf8, parseAddressLiteral, parseMailbox } from "./mailbox.ts";
import { type MailParameters, parseMailParameters, parseRecipientParameters } from "./parameters.ts";
import { type Reply, reply } from "./reply.ts";
import { parseXforward, type XforwardAttribute } from "./xforward.ts";

export type HelloVerb = "EHLO" | "HELO" | "LHLO";

export type Command =
  | { readonly verb: HelloVerb; readonly host: string }
  | { readonly verb: "MAIL"; readonly reversePath: Mailbox | undefined; readonly parameters: MailParameters }
  /** `postmaster` alone, without a domain, is an address too (RFC 5321, 4.5.1). */
  | { readonly verb: "RCPT"; readonly forwardPath: Mailbox | "postmaster"; readonly dsn?: RecipientDsn }
  | { readonly verb: "DATA" }
  | Chunk
  | { readonly verb: "XFORWARD"; readonly attributes: ReadonlyMap<XforwardAttribute, string | undefined> }
  | { readonly verb: "STARTTLS" }
  | { readonly verb: "VRFY" | "RSET" | "NOOP" | "QUIT" };

/** BDAT: so many octets of the message follow its line. */
export type Chunk = { readonly verb: "BDAT"; readonly size: number; readonly last: boolean };

/** `fatal`: nobody can say any more which octets are commands. */
export type Refusal = { readonly verb: "refused"; readonly answer: Reply; readonly fatal?: true };

/** LIMIT: RFC 5321 4.5.3.1.4 says 512 octets, its extensions add some hundreds; two long paths fit. */
export const maxCommandLine = 2048;

const refused = (code: number, status: string, text: string): Refusal => ({
  verb: "refused",
  answer: reply(code, status, text),
});
const syntax = (text: string): Refusal => refused(501, "5.5.4", text);

/** Reads one line without its CRLF. */
export function parseCommand(octets: Uint8Array): Command | Refusal {
  const line = textOf(octets);
  // Any control here, bare CR and NUL included, is an attempt or an accident; neither is a command.
  if (line === undefined || hasControl(line)) return refused(501, "5.5.2", "Octets that no command holds");
  const shape = /^([A-Za-z]{4,8})(?: (.*))?$/u.exec(line.trimEnd());
  const verb = shape?.[1]?.toUpperCase();
  const rest = shape?.[2] ?? "";
  switch (verb) {
    case "EHLO":
    case "HELO":
    case "LHLO":
      return parseHello(verb, rest);
    case "MAIL":
      return parseMail(rest);
    case "RCPT":
      return parseRecipient(rest);
    case "BDAT":
      return parseChunk(rest);
    case "XFORWARD":
      return parseForwarded(rest);
    case "DATA":
    case "STARTTLS":
    case "RSET":
    case "QUIT":
      return rest === "" ? { verb } : syntax(`${verb} takes no argument`);
    case "NOOP":
    case "VRFY":
      return { verb };
    default:
      return refused(500, "5.5.2", "Command not recognised");
  }
}

function parseHello(verb: HelloVerb, host: string): Command | Refusal {
  // Beyond the grammar: underscores, which many hosts have in their names. Nothing that could hurt a Received field.
  const isHost = parseHostName(host.replaceAll("_", "-")) !== undefined || parseAddressLiteral(host) !== undefined;
  return isHost ? { verb, host } : refused(501, "5.5.4", `${verb} needs a host name`);
}

function parseMail(rest: string): Command | Refusal {
  const from = parsePath(rest, "FROM");
  if (from === undefined) return syntax("Syntax: MAIL FROM:<address>");
  const reversePath = parseMailbox(from.path);
  if (from.path !== "" && reversePath === undefined) return refused(501, "5.1.7", "Not an address");
  const parsed = parseMailParameters(from.parameters);
  if ("refusal" in parsed) return { verb: "refused", answer: parsed.refusal };
  const { parameters } = parsed;
  if (reversePath !== undefined && needsUtf8(reversePath) && !parameters.smtputf8) {
    return refused(553, "5.6.7", "This address needs SMTPUTF8");
  }
  return { verb: "MAIL", reversePath, parameters };
}

function parseRecipient(rest: string): Command | Refusal {
  const to = parsePath(rest, "TO");
  if (to === undefined) return syntax("Syntax: RCPT TO:<address>");
  const forwardPath = to.path.toLowerCase() === "postmaster" ? "postmaster" : parseMailbox(to.path);
  if (forwardPath === undefined) return refused(501, "5.1.3", "Not an address");
  if (to.parameters === "") return { verb: "RCPT", forwardPath };
  const parsed = parseRecipientParameters(to.parameters);
  if ("refusal" in parsed) return { verb: "refused", answer: parsed.refusal };
  return { verb: "RCPT", forwardPath, dsn: parsed.parameters };
}

/** What stands between the angle brackets, which a quoted local part may hold too, and what follows them. */
function parsePath(rest: string, keyword: "FROM" | "TO"): { path: string; parameters: string } | undefined {
  const shape = /^([A-Za-z]+):<((?:"(?:[^"\\]|\\.)*")?[^<>"]*)>(?: (.*))?$/u.exec(rest);
  if (shape?.[1]?.toUpperCase() !== keyword) return undefined;
  return { path: shape[2] ?? "", parameters: shape[3] ?? "" };
}

/** `n` octets follow this line, whatever the answer will be (RFC 3030). A line that does not say how many is fatal. */
function parseChunk(rest: string): Command | Refusal {
  const shape = /^([0-9]{1,15})(?: (LAST))?$/i.exec(rest);
  if (shape === null) return { ...syntax("Syntax: BDAT octets [LAST]"), fatal: true };
  return { verb: "BDAT", size: Number(shape[1]), last: shape[2] !== undefined };
}

function parseForwarded(rest: string): Command | Refusal {
  const attributes = parseXforward(rest);
  return attributes === undefined ? syntax("Attributes are not right") : { verb: "XFORWARD", attributes };
}

function textOf(octets: Uint8Array): string | undefined {
  if (isAscii(octets)) return latin1Text(octets);
  return isUtf8(octets) ? asBuffer(octets).toString("utf8") : undefined;
}

function hasControl(line: string): boolean {
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
