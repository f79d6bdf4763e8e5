// `postern probe`: what would happen to a mail, and what decides it. The stages are the daemon's own; nothing is sent.

import { readFile } from "node:fs/promises";
import { latin1, sourceOf } from "../bytes.ts";
import type { Config } from "../config.ts";
import { dryServices, type Foreseen, foresee, type JudgedCertificate, type Services, type Side } from "../gateway.ts";
import { withCrlf } from "../mime.ts";
import { describeReply, formatMailbox, type Mailbox, parseMailbox } from "../smtp.ts";
import { certificateFacts } from "./certificate-card.ts";
import { columns, day } from "./columns.ts";
import { loadConfig } from "./gateway.ts";
import { writeText } from "./octets.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";

export const page: Page = {
  name: "probe",
  usage: "--from ADDRESS --to ADDRESS [options]",
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    from: { kind: "text", value: "ADDRESS", does: "the sender, in the envelope and in From; <> is a bounce" },
    to: { kind: "texts", value: "ADDRESS", does: "a recipient" },
    message: { kind: "text", value: "FILE", does: "the mail itself; without it a short one is made up" },
    side: {
      kind: "text",
      value: "inside|outside",
      does: "the listener it comes by; by the sender's domain unless given",
    },
    json: { kind: "flag", does: "the same as data: one object" },
  },
};

type Question = {
  readonly side: Side;
  readonly reversePath: Mailbox | undefined;
  readonly forwardPaths: readonly Mailbox[];
  /** Undefined: made up, so what opening finds tells nothing. */
  readonly file: string | undefined;
};

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const addresses = addressesIn(options);
    const config = await loadConfig(options);
    const services = await dryServices(config);
    const question = { ...addresses, side: sideOf(options, addresses.reversePath, services) };
    const all = await foresee(await transactionOf(question), question.side, services);
    await writeText(options.flag("json") ? asJson(question, all, config) : textOf(question, all, config));
    return all.every((one) => goesOn(one, question)) ? exit.done : exit.negative;
  });
}

function addressesIn(options: Options): Omit<Question, "side"> {
  const from = options.text("from");
  if (from === undefined) throw new UsageError("--from ADDRESS is missing");
  if (options.texts("to").length === 0) throw new UsageError("--to ADDRESS is missing");
  const isNull = from === "" || from === "<>";
  return {
    reversePath: isNull ? undefined : mailbox("from", from),
    forwardPaths: options.texts("to").map((to) => mailbox("to", to)),
    file: options.text("message"),
  };
}

function mailbox(option: string, text: string): Mailbox {
  const parsed = parseMailbox(text);
  if (parsed === undefined) throw new UsageError(`--${option} ${text}: not a mail address`);
  return parsed;
}

function sideOf(options: Options, reversePath: Mailbox | undefined, { domains }: Services): Side {
  const ours = reversePath === undefined || domains.has(reversePath.domain);
  return options.oneOf("side", ["inside", "outside"]) ?? (ours ? "inside" : "outside");
}

async function transactionOf({ reversePath, forwardPaths, file }: Question) {
  const peer = { address: "", helo: "", protocol: "LMTP" } as const;
  return {
    envelope: { reversePath, forwardPaths, parameters: {} },
    peer,
    message: await messageIn(file, reversePath, forwardPaths),
  };
}

async function messageIn(file: string | undefined, reversePath: Mailbox | undefined, forwardPaths: readonly Mailbox[]) {
  if (file !== undefined) {
    try {
      return withCrlf(sourceOf(await readFile(file)));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new InputError(exit.unavailable, `${file}: cannot be read (${code})`, { cause });
    }
  }
  const from = reversePath === undefined ? "MAILER-DAEMON@localhost" : formatMailbox(reversePath);
  const to = forwardPaths.map(formatMailbox).join(", ");
  return sourceOf(latin1(`From: ${from}\r\nTo: ${to}\r\nSubject: probe\r\n\r\nprobe\r\n`));
}

/** Whether the mail would reach the next hop; a made-up one that would be opened does if it may be opened at all. */
function goesOn({ group, towards }: Foreseen, { file }: Question): boolean {
  return towards !== undefined || group.kind === "probe" || (group.kind === "open" && file === undefined);
}

type Verdict = { readonly rule: string; readonly what: string };

/** The rule by its name, and what it does. */
function verdictOf(foreseen: Foreseen, question: Question): Verdict {
  const { group, found, findings } = foreseen;
  switch (group.kind) {
    case "protect":
      return { rule: "out.member", what: `signed as ${group.as.name} and encrypted, profile ${group.profile}` };
    case "exchange":
      return {
        rule: "own.exchange",
        what: `from ${group.as.name} to ${group.to.name}: protected and opened in one pass`,
      };
    case "open":
      return { rule: "in.open", what: openingText(foreseen, question) };
    case "pass":
      return passing(group.towards, found?.member.status, question);
    case "hold":
      return { rule: "hold", what: `held: ${group.reason}` };
    case "refuse":
      return { rule: "out.unusable", what: `put off or refused: ${describeReply(group.answer)}: ${group.reason}` };
    case "probe":
      return { rule: "probe", what: "an address of postern check: noted, and that is all" };
    case "served":
      return { rule: "served", what: findings.code };
  }
}

function passing(towards: Side, status: string | undefined, { side }: Question): Verdict {
  if (towards === "inside") return { rule: "own.pass", what: "passed on as it is: it was never outside" };
  if (side === "outside") return { rule: "out.redirect", what: "passed on as it is: from the world to the world" };
  const why = status === undefined ? "no member: there is no entry for the domain" : `no member any more (${status})`;
  return { rule: "out.stranger", what: `passed on as it is: ${why}` };
}

function openingText({ findings, towards }: Foreseen, { file }: Question): string {
  if (file === undefined) return "opened and judged; with --message it is told what would be found";
  const reason = findings.reason === undefined ? "" : ` (${findings.reason})`;
  return `${findings.code}${reason}: ${towards === undefined ? "held" : "delivered"}`;
}

function textOf(question: Question, all: readonly Foreseen[], config: Config): string {
  const { reversePath, side } = question;
  const sender = reversePath === undefined ? "<> (a bounce)" : formatMailbox(reversePath);
  const head = columns([
    ["from", sender],
    ["arrives", side === "inside" ? "from our own mail server (listen.inside)" : "from the world (listen.outside)"],
  ]);
  return `${head}${all.map((one) => `\n${groupText(one, question, config)}`).join("")}`;
}

function groupText(foreseen: Foreseen, question: Question, config: Config): string {
  const { group, found, findings, judged } = foreseen;
  const { rule, what } = verdictOf(foreseen, question);
  const recipients = group.recipients.map(formatMailbox);
  const signer = group.kind === "protect" || group.kind === "exchange" ? group.as.signing.certificate : undefined;
  const rows = [
    ...recipients.map((to, at) => [at === 0 ? "to" : "", to]),
    ["rule", rule],
    ["treatment", what],
    ...(found === undefined ? [] : [["entry", entryText(foreseen)]]),
    ...(findings.signature === undefined
      ? []
      : [["algorithms", `${findings.signature}, ${findings.contentEncryption}`]]),
    ...(signer === undefined ? [] : [["signs", `${signer.subject}, until ${day(signer.notAfter)}`]]),
    ...(group.kind === "open"
      ? [["opens", `${group.as.decryption.length} keys of ${group.as.name}`.replace(/^1 keys/, "1 key")]]
      : []),
    ["next hop", hopText(foreseen, question, config)],
  ];
  return `${columns(rows)}${columns(certificateRows(judged, group.kind === "open" ? "signing" : "encryption"), 2)}`;
}

function entryText({ found, judged, group }: Foreseen): string {
  if (found === undefined) return "none";
  const { domain, member } = found;
  const { name, status, pins } = member;
  return [
    group.kind === "open" ? `${name} (the sender's)` : name,
    ...(name === domain ? [] : [`found as ${domain}`]),
    status,
    ...(pins.length > 0 ? ["pinned"] : []),
    ...(judged.length === 0 ? ["no certificates"] : []),
  ].join(", ");
}

/** The certificates that mattered here, chosen ones first, each other with its reason. */
function certificateRows(judged: readonly JudgedCertificate[], role: JudgedCertificate["role"]): string[][] {
  const mattered = judged.filter((one) => one.role === role);
  return [true, false].flatMap((good) =>
    mattered
      .filter(({ code }) => (code === "OK") === good)
      .map(({ certificate, code, reason }) => [
        good ? (role === "signing" ? "counts" : "chosen") : "rejected",
        certificate.sha256.slice(0, 16),
        `until ${day(certificate.notAfter)}`,
        good ? certificate.subject : `${code}: ${reason ?? "not good"} (${certificate.subject})`,
      ]),
  );
}

function hopText(foreseen: Foreseen, question: Question, { relay }: Config): string {
  const { group, towards = group.kind === "open" && question.file === undefined ? "inside" : undefined } = foreseen;
  if (towards === undefined) return "none";
  const { protocol, address } = relay[towards];
  const where = "path" in address ? `unix:${address.path}` : `${address.host}:${address.port}`;
  return `${protocol}://${where} (relay.${towards})`;
}

function asJson(question: Question, all: readonly Foreseen[], config: Config): string {
  const { reversePath, side } = question;
  const groups = all.map((foreseen) => {
    const { group, findings, found, judged } = foreseen;
    const { opened, ...told } = findings;
    return {
      recipients: group.recipients.map(formatMailbox),
      treatment: group.kind,
      goesOn: goesOn(foreseen, question),
      ...verdictOf(foreseen, question),
      findings: told,
      ...(opened === undefined || question.file === undefined ? {} : { opened }),
      ...(found === undefined
        ? {}
        : { entry: { name: found.member.name, domain: found.domain, status: found.member.status } }),
      certificates: judged.map(({ certificate, ...rest }) => ({ ...rest, ...certificateFacts(certificate) })),
      nextHop: hopText(foreseen, question, config),
    };
  });
  const from = reversePath === undefined ? "" : formatMailbox(reversePath);
  return `${JSON.stringify({ format: "postern-report/1", command: "probe", from, side, groups })}\n`;
}
