// Parameters of MAIL and RCPT (RFC 5321 4.1.2, RFC 1870, 6152, 6531, 3461): each value checked, each keyword once.

import { type MailDsn, parseEnvid, parseNotify, parseOrcpt, parseRet, type RecipientDsn } from "./dsn.ts";
import { type Reply, reply } from "./reply.ts";

/** What came with MAIL FROM. */
export type MailParameters = MailDsn & {
  /** Octets announced by the sender (RFC 1870). */
  readonly size?: number;
  readonly body?: "7BIT" | "8BITMIME";
  readonly smtputf8?: true;
};

export type Parsed<Parameters> = { readonly parameters: Parameters } | { readonly refusal: Reply };

/** A parameter, and its value from what stands behind "=" ("" for nothing), undefined when that is wrong. */
type Reader<Parameters> = {
  [Name in keyof Parameters]-?: readonly [Name, (value: string) => Parameters[Name]];
}[keyof Parameters];

type Known<Parameters> = ReadonlyMap<string, Reader<Parameters>>;

const ofMail: Known<MailParameters> = new Map<string, Reader<MailParameters>>([
  ["SIZE", ["size", (value) => (/^[0-9]{1,15}$/.test(value) ? Number(value) : undefined)]],
  ["BODY", ["body", parseBody]],
  ["SMTPUTF8", ["smtputf8", (value) => (value === "" ? true : undefined)]],
  ["RET", ["ret", parseRet]],
  ["ENVID", ["envid", parseEnvid]],
]);

const ofRecipient: Known<RecipientDsn> = new Map<string, Reader<RecipientDsn>>([
  ["NOTIFY", ["notify", parseNotify]],
  ["ORCPT", ["orcpt", parseOrcpt]],
]);

export function parseMailParameters(text: string): Parsed<MailParameters> {
  return parse(text, ofMail);
}

export function parseRecipientParameters(text: string): Parsed<RecipientDsn> {
  return parse(text, ofRecipient);
}

function parse<Parameters extends object>(text: string, known: Known<Parameters>): Parsed<Parameters> {
  const parameters: Partial<Parameters> = {};
  for (const parameter of text === "" ? [] : text.split(" ")) {
    const shape = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s]+))?$/u.exec(parameter);
    if (shape === null) return refuse(501, "Parameters are not right");
    const keyword = (shape[1] as string).toUpperCase();
    const [name, read] = known.get(keyword) ?? [];
    if (name === undefined || read === undefined) return refuse(555, "Parameter not recognised");
    const value = name in parameters ? undefined : read(shape[2] ?? "");
    if (value === undefined) return refuse(501, `${keyword} is not right`);
    parameters[name] = value;
  }
  return { parameters: parameters as Parameters };
}

function parseBody(value: string): MailParameters["body"] {
  const body = value.toUpperCase();
  return body === "7BIT" || body === "8BITMIME" ? body : undefined;
}

function refuse(code: number, text: string): { readonly refusal: Reply } {
  return { refusal: reply(code, "5.5.4", text) };
}
