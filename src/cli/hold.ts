// `postern hold`: mail that was neither delivered nor lost. It lies as it came; whoever settles it is written down.

import { sourceOf } from "../bytes.ts";
import type { Config } from "../config.ts";
import {
  formatOwnReport,
  heldEnvelope,
  judgeAnew,
  logLines,
  openServices,
  type Services,
  unopened,
  withoutGoodNews,
} from "../gateway.ts";
import { type HeaderBlock, readEntity } from "../mime.ts";
import { describeReply, isPermanent, isPositive, type Reply, wantsFailure } from "../smtp.ts";
import type { HeldMail } from "../store.ts";
import { actor } from "./actor.ts";
import { confirmed } from "./ask.ts";
import { columns, plural } from "./columns.ts";
import { loadConfig } from "./gateway.ts";
import { adviceFor } from "./held-mail.ts";
import { writeOut, writeText } from "./octets.ts";
import { exit, InputError, type Options, type Page, runPage, UsageError } from "./options.ts";
import { requireStore, withStore } from "./store-of.ts";

export const page: Page = {
  name: "hold",
  usage: "list | show ID | release ID... | return ID... | drop ID... [options]",
  positionals: 1000,
  options: {
    config: { kind: "text", value: "FILE", does: "default $POSTERN_CONFIG, ./postern.yaml, /etc/postern/postern.yaml" },
    all: { kind: "flag", does: "list: also what was settled" },
    raw: { kind: "flag", does: "show: the mail itself, octet for octet, on standard output" },
    unopened: { kind: "flag", does: "release: to our users as it came, still protected, without judging it anew" },
    reason: { kind: "text", value: "TEXT", does: "return: what the sender is told" },
    yes: { kind: "flag", does: "release --unopened, return, drop: without asking" },
    json: { kind: "flag", does: "data instead of text: one object a line" },
  },
};

type Verb = (config: Config, options: Options, ids: readonly string[]) => Promise<number>;

const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["list", list],
  ["show", show],
  ["release", release],
  ["return", giveBack],
  ["drop", drop],
]);

export function run(args: readonly string[]): Promise<number> {
  return runPage(page, args, async (options) => {
    const [name, ...ids] = options.positionals;
    const verb = verbs.get(name ?? "");
    if (verb === undefined) throw new UsageError(`${name ?? "nothing"}: it is one of ${[...verbs.keys()].join(", ")}`);
    if (name !== "list" && ids.length === 0) throw new UsageError(`${name} needs an id; postern hold list shows them`);
    return verb(await loadConfig(options), options, ids);
  });
}

async function list(config: Config, options: Options): Promise<number> {
  const held = await withStore(config, ({ holds }) => holds.list({ all: options.flag("all") }));
  if (options.flag("json")) await writeText(held.map((mail) => `${JSON.stringify(mail)}\n`).join(""));
  else await writeText(held.length === 0 ? "Nothing is held.\n" : listText(held, options.flag("all")));
  return exit.done;
}

function listText(held: readonly HeldMail[], all: boolean): string {
  const rows = held.map((mail) => [
    mail.id,
    mail.at.toISOString().slice(0, 16).replace("T", " "),
    directionOf(mail),
    ...(all ? [mail.state] : []),
    mail.code,
    sizeText(mail.octets),
    `<${mail.reversePath}> to ${recipientsText(mail)}`,
  ]);
  const head = ["ID", "SINCE (UTC)", "WAY", ...(all ? ["STATE"] : []), "CODE", "SIZE", "FROM AND TO"];
  return `${columns([head, ...rows])}\npostern hold show ID says why and what can be done.\n`;
}

function directionOf({ side }: HeldMail): string {
  return side === "inside" ? "outbound" : "inbound";
}

function recipientsText({ forwardPaths: [first, ...others] }: HeldMail): string {
  return `<${first ?? ""}>${others.length === 0 ? "" : ` and ${plural(others.length, "more", "more")}`}`;
}

function sizeText(octets: number): string {
  if (octets < 10_000) return `${octets} B`;
  return octets < 10_000_000 ? `${Math.round(octets / 1000)} kB` : `${Math.round(octets / 1_000_000)} MB`;
}

async function show(config: Config, options: Options, ids: readonly string[]): Promise<number> {
  const [id, another] = ids as [string, string?];
  if (another !== undefined) throw new UsageError("show takes one id");
  return withStore(config, async ({ holds }) => {
    const mail = known(await holds.find(id), id);
    if (options.flag("raw")) {
      requireHeld(mail);
      return (await writeOut(holds.read(id))) ? exit.done : exit.unavailable;
    }
    await writeText(options.flag("json") ? `${JSON.stringify(mail)}\n` : mailText(mail));
    return exit.done;
  });
}

function mailText(mail: HeldMail): string {
  const { id, at, queueId, reversePath, forwardPaths, code, reason, messageId, octets, state } = mail;
  const facts = columns([
    ["id", id],
    ...(queueId === undefined ? [] : [["queue id", queueId]]),
    ...(messageId === undefined ? [] : [["message", messageId]]),
    ["since", at.toISOString()],
    ["way", directionOf(mail)],
    ["state", state],
    ["from", `<${reversePath}>`],
    ...forwardPaths.map((path, index) => [index === 0 ? "to" : "", `<${path}>`]),
    ["size", `${octets} octets`],
    ["code", code],
    ["reason", reason],
  ]);
  return state === "held" ? `${facts}\n${adviceFor(mail).join("\n")}\n` : facts;
}

function known(mail: HeldMail | undefined, id: string): HeldMail {
  if (mail === undefined) throw new InputError(exit.input, `${id}: no mail was ever held under this id`);
  return mail;
}

function requireHeld({ id, state }: HeldMail): void {
  if (state !== "held") throw new InputError(exit.input, `${id}: was ${state} already`);
}

async function drop(config: Config, options: Options, ids: readonly string[]): Promise<number> {
  return withStore(config, async ({ holds }) => {
    for (const id of ids) requireHeld(known(await holds.find(id), id));
    if (!(await confirmed(options, `${plural(ids.length, "mail")} will be gone for good, and nobody told.`)))
      return nothingDone();
    for (const id of ids) await holds.settle(id, "dropped", actor());
    await writeText(`Dropped: ${ids.join(", ")}\n`);
    return exit.done;
  });
}

async function nothingDone(): Promise<number> {
  await writeText("Nothing was done.\n");
  return exit.negative;
}

/** Each mail for itself: what one hop refuses says nothing about the next mail. */
async function release(config: Config, options: Options, ids: readonly string[]): Promise<number> {
  const asItCame = options.flag("unopened");
  return withServices(config, async (services) => {
    const mails = await Promise.all(ids.map(async (id) => known(await services.store.holds.find(id), id)));
    mails.forEach(requireHeld);
    if (asItCame) {
      const outward = mails.find(({ side }) => side === "inside");
      if (outward !== undefined)
        throw new InputError(exit.input, `${outward.id}: is for the world, where mail must not go without protection`);
      const question = `${plural(mails.length, "mail")} will reach our users as it came, checked by nobody.`;
      if (!(await confirmed(options, question))) return nothingDone();
    }
    const statuses: number[] = [];
    for (const mail of mails) statuses.push(await releaseOne(mail, asItCame, services));
    return Math.max(exit.done, ...statuses);
  });
}

type Answered = { readonly forwardPath: string; readonly reply: Reply };

async function releaseOne(mail: HeldMail, asItCame: boolean, services: Services): Promise<number> {
  const replies = asItCame ? await handOn(mail, services) : (await judgeAnew(mail, services)).replies;
  const delivered = replies.every(({ reply }) => isPositive(reply));
  if (delivered) await services.store.holds.settle(mail.id, "released", asItCame ? `${actor()}, unopened` : actor());
  const lines = replies.map(({ forwardPath, reply }) => ["", `<${forwardPath}>`, describeReply(reply)]);
  await writeText(`${columns([[mail.id, delivered ? "released" : "still held"]])}${columns(lines)}`);
  if (delivered) return exit.done;
  return replies.some(({ reply }) => isPermanent(reply)) ? exit.negative : exit.temporary;
}

/** To the inside, unopened. */
async function handOn(mail: HeldMail, services: Services): Promise<readonly Answered[]> {
  const { forwardPaths } = mail;
  const came = heldEnvelope(mail);
  // Who sent it shall not hear by good news that it was held.
  const envelope = { ...came, forwardPaths: came.forwardPaths.map(withoutGoodNews) };
  const replies = await services.relay(services.hops.inside, envelope, await unopened(mail, services));
  return forwardPaths.map((forwardPath, at) => ({ forwardPath, reply: replies[at] as Reply }));
}

async function giveBack(config: Config, options: Options, ids: readonly string[]): Promise<number> {
  return withServices(config, async (services) => {
    if (services.submit === undefined)
      throw new InputError(exit.configuration, "relay.submit is missing: mail of our own has no way to our hub");
    const mails = await Promise.all(ids.map(async (id) => known(await services.store.holds.find(id), id)));
    mails.forEach(requireReturnable);
    if (
      !(await confirmed(options, `The senders of ${plural(mails.length, "mail")} will be told that it was not sent.`))
    )
      return nothingDone();
    const statuses: number[] = [];
    for (const mail of mails) statuses.push(await returnOne(mail, options.text("reason"), services));
    return Math.max(exit.done, ...statuses);
  });
}

function requireReturnable(mail: HeldMail): void {
  requireHeld(mail);
  if (mail.side === "outside")
    throw new InputError(exit.input, `${mail.id}: came from the world, and no outsider learns what became of it`);
  if (mail.reversePath === "") throw new InputError(exit.input, `${mail.id}: is a bounce, and nobody is to be told`);
}

async function returnOne(mail: HeldMail, reason: string | undefined, services: Services): Promise<number> {
  const { id, at } = mail;
  const { reversePath: to, forwardPaths, parameters } = heldEnvelope(mail);
  const wanting = forwardPaths.filter(wantsFailure);
  if (to === undefined || wanting.length === 0) {
    await services.store.holds.settle(id, "returned", actor());
    await writeText(columns([[id, "returned", "its sender wants to hear nothing (NOTIFY)"]]));
    return exit.done;
  }
  const { envid } = parameters;
  const { header, body } = await readEntity(services.store.holds.read(id));
  await body.return?.();
  const message = formatOwnReport(
    {
      id: services.newId(),
      at: services.clock(),
      to,
      domain: services.domains.has(to.domain) ? to.domain : services.hostname,
      ...(envid === undefined ? {} : { envid }),
      arrived: at,
      failures: wanting.map((recipient) => ({
        recipient,
        status: "5.7.0",
        diagnostic: reason ?? "It was held by the mail gateway and is returned by its administrator",
      })),
      about: header satisfies HeaderBlock,
    },
    services.hostname,
  );
  const envelope = { reversePath: undefined, forwardPaths: [to], parameters: {} };
  const [answer] = await services.relay(
    services.submit as NonNullable<Services["submit"]>,
    envelope,
    sourceOf(message),
  );
  const told = answer !== undefined && isPositive(answer);
  if (told) await services.store.holds.settle(id, "returned", actor());
  await writeText(columns([[id, told ? "returned" : "still held", answer === undefined ? "" : describeReply(answer)]]));
  return told ? exit.done : exit.temporary;
}

/** The gateway's own services, in this process: what is released goes the same way as any other mail. */
async function withServices<Result>(config: Config, body: (services: Services) => Promise<Result>): Promise<Result> {
  requireStore(config);
  const { services, close } = await openServices(config, {
    report: (report) => {
      for (const line of logLines(report)) process.stderr.write(`${line}\n`);
    },
    onFault: (thrown) => process.stderr.write(`postern hold: ${(thrown as Error).message}\n`),
  });
  try {
    return await body(services);
  } finally {
    await close();
  }
}
