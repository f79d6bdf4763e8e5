// A DKIM signature made before protection verifies after opening: for messages of many origins, canonicalized as simple
// and as relaxed, every field of content among the signed ones and oversigned. python3-dkim signs, opendkim judges.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { createTransport } from "nodemailer";
import { concat, equalOctets, latin1, latin1Text, noOctets } from "../../../src/bytes.ts";
import { type Protection, protectMessage, splitEntity } from "../../codec.ts";
import { now, openedMail, recipient, signer } from "../../correspondents.ts";
import { messageSuites, storedMessages } from "../../messages.ts";
import { notRun } from "../../not-run.ts";
import { withPeers } from "../../peers.ts";
import { vectorsFolder } from "../../vectors.ts";
import { type Draft, drafts } from "./drafts.ts";
import { mailers } from "./mailers.ts";

const suites = vectorsFolder() === undefined ? [] : messageSuites;
if (suites.length === 0) notRun(messageSuites.length, "no vectors of mail (set POSTERN_VECTORS)");
const pythons = ["python-email", "python-email-utf8", "python-email-old"];
const origins = [...mailers.keys(), ...pythons, "nodemailer", "swaks", ...suites];

withPeers(["python3-dkim", "opendkim", "swaks"], origins.length + 2, () => {
  let done: Promise<readonly Journey[]> | undefined;
  const journeys = (): Promise<readonly Journey[]> => {
    done ??= allJourneys();
    return done;
  };

  for (const origin of origins) {
    test(`DKIM signatures under mail of ${origin} verify after opening`, async () => {
      const found = (await journeys()).filter((journey) => journey.origin === origin);
      assert.ok(found.length > 0);
      for (const { name, before, after, beyondOpendkim } of found) {
        const expected = beyondOpendkim ? "fail" : "pass";
        assert.deepEqual({ name, before, after }, { name, before: expected, after: expected });
      }
    });
  }

  test("there were 200 messages of 8 origins and more", async () => {
    const all = (await journeys()).filter(({ beyondOpendkim }) => !beyondOpendkim);
    for (const method of ["simple", "relaxed"]) {
      const found = all.filter(({ name }) => name.endsWith(`.${method}`));
      assert.ok(found.length >= 200 && new Set(found.map(({ origin }) => origin)).size >= 8);
    }
  });

  test("a single octet that changed on the way breaks each of them", async () => {
    for (const { name, spoilt } of await journeys()) assert.deepEqual({ name, spoilt }, { name, spoilt: "fail" });
  });
});

/** A signed message and what opendkim says of it before protection, after opening, and with an octet changed. */
type Journey = {
  readonly origin: string;
  readonly name: string;
  readonly before: string;
  readonly after: string;
  readonly spoilt: string;
  readonly beyondOpendkim: boolean;
};

async function allJourneys(): Promise<readonly Journey[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "postern-dkim-"));
  try {
    const mail = path.join(folder, "mail");
    mkdirSync(mail);
    for (const [name, octets] of await allMessages()) writeFileSync(path.join(mail, name), octets);
    const configuration = signEverything(folder, mail);
    const names = readdirSync(mail).filter((name) => /\.(?:simple|relaxed)$/.test(name));
    const signed = names.map((name) => readFileSync(path.join(mail, name)));
    for (const [at, name] of names.entries()) {
      const opened = await throughPostern(signed[at] ?? noOctets, at);
      writeFileSync(path.join(mail, `${name}.after`), opened);
      writeFileSync(path.join(mail, `${name}.spoilt`), withOneOctetChanged(opened));
    }
    const judged = (end: string): string[] => judge(mail, configuration, names, end);
    const [before, after, spoilt] = [judged(""), judged(".after"), judged(".spoilt")];
    return names.map((name, at) => ({
      ...{ origin: name.slice(0, name.indexOf(".")), name },
      ...{ before: before[at] ?? "", after: after[at] ?? "", spoilt: spoilt[at] ?? "" },
      beyondOpendkim: name.endsWith(".simple") && hasOddColon(signed[at] ?? noOctets),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// opendkim's own limit (MaximumHeaders): behind one message with more it judges none.
const maxHeaderOctets = 65_536;

/** By file name: the origin, then a number. */
async function allMessages(): Promise<ReadonlyMap<string, Uint8Array>> {
  const messages = new Map<string, Uint8Array>();
  for (const [origin, write] of mailers)
    for (const [at, draft] of drafts.entries()) messages.set(`${origin}.${at}`, write(draft));
  for (const [at, draft] of drafts.entries()) messages.set(`nodemailer.${at}`, await byNodemailer(draft));
  for (const [at, draft] of drafts.slice(0, 5).entries()) messages.set(`swaks.${at}`, bySwaks(draft));
  for (const suite of suites) {
    const stored = storedMessages(path.join(vectorsFolder() ?? "", suite)).map(({ withCrlf }) => withSender(withCrlf));
    const judged = stored.filter((message) => splitEntity(message).header.length < maxHeaderOctets);
    for (const [at, message] of judged.entries()) messages.set(`${suite}.${at}`, message);
  }
  return messages;
}

async function byNodemailer({ subject, text, html, attachment }: Draft): Promise<Buffer> {
  const attachments = attachment === undefined ? [] : [{ filename: attachment.name, content: attachment.octets }];
  const mail = { from: "Ann <ann@a.example>", to: "bob@b.example", subject, text, attachments };
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  const { message } = await transport.sendMail({ ...mail, ...(html === undefined ? {} : { html }) });
  return message as Buffer;
}

function bySwaks({ subject, text }: Draft): Buffer {
  const args = ["--dump-mail", "--from", "ann@a.example", "--to", "bob@b.example", "--header", `Subject: ${subject}`];
  const dumped = execFileSync("swaks", [...args, "--body", text, "--attach", "of two parts"], {
    ...{ encoding: "latin1", stdio: ["ignore", "pipe", "ignore"] },
  });
  // What follows the last line end is of the dump, not of the mail.
  return Buffer.from(dumped.slice(0, dumped.lastIndexOf("\r\n") + 2), "latin1");
}

/** Vectors as a mail server takes them in: without the line that mbox files put on top, and from somebody. */
function withSender(message: Uint8Array): Uint8Array {
  const text = latin1Text(message).replace(/^>?From .*\r\n/, "");
  const [header = ""] = text.split("\r\n\r\n", 1);
  return latin1(/^From:/im.test(header) ? text : `From: ann@a.example\r\n${text}`);
}

/**
 * Whether a signed field goes on otherwise than by one blank behind its colon: opendkim's test mode writes one there, as
 * milters without SMFIP_HDR_LEADSPC do, and so finds every simple signature over such a field broken, ours or not.
 */
function hasOddColon(message: Uint8Array): boolean {
  const [header = ""] = latin1Text(message).split("\r\n\r\n", 1);
  return /^(?:From|To|Date|Subject|MIME-Version|Content-Type|Content-Transfer-Encoding):(?! (?![ \t]))/im.test(header);
}

/** Signs all of a folder, with what Python itself writes into it; gives the verifier's configuration file. */
function signEverything(folder: string, mail: string): string {
  const beside = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  // The shortest key that opendkim takes: most of the time here goes into Python's signatures.
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const key = beside("key", privateKey.export({ type: "pkcs1", format: "pem" }).toString());
  const texts = drafts.map(({ attachment, ...texts }) =>
    attachment === undefined
      ? texts
      : { ...texts, attachment: { name: attachment.name, octets: attachment.octets.toString("base64") } },
  );
  const args = [mail, key, "a.example", "test", beside("drafts", JSON.stringify(texts))];
  execFileSync("/usr/bin/python3", [path.join(import.meta.dirname, "make-and-sign.py"), ...args]);
  const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const keys = beside("keys", `test._domainkey.a.example v=DKIM1; k=rsa; p=${spki}\n`);
  return beside("conf", `Mode v\nTestPublicKeys ${keys}\n`);
}

/** Protected, handed on by two servers, opened. */
async function throughPostern(message: Uint8Array, number: number): Promise<Uint8Array> {
  const ours = await recipient("p256");
  const signing: Protection = { signers: [await signer("p256")], signingTime: now };
  const sealing: Protection = { recipients: [ours.certificate] };
  const forms: readonly Protection[] = [
    { ...signing, ...sealing },
    { ...signing, ...sealing, profile: "M", innerEncoding: "binary", ber: true },
    { ...signing, ...sealing, form: "detached" },
    { ...signing, form: "detached", ber: true },
  ];
  const underway = await protectMessage(message, forms[number % forms.length] ?? {});
  const trace = latin1(
    "Return-Path: <ann@a.example>\r\nReceived: from a.example by b.example;\r\n\tMon, 23 Nov 2026\r\n",
  );
  const { octets, report } = await openedMail(concat([trace, underway]), { keys: [ours] });
  assert.ok(octets !== undefined, JSON.stringify(report));
  assert.ok(equalOctets(octets, concat([trace, message])));
  return octets;
}

/** The last letter of the body becomes another; where there is none, one in From. */
function withOneOctetChanged(message: Uint8Array): Uint8Array {
  const text = latin1Text(message);
  const bodyAt = text.search(/\r\n\r\n/);
  const inBody = [...text.slice(bodyAt).matchAll(/[a-zA-Z]/g)].at(-1)?.index;
  const at = bodyAt >= 0 && inBody !== undefined ? bodyAt + inBody : text.search(/(?<=^From:.*)[a-z]/im);
  const changed = Buffer.from(message);
  changed[at] = text.charCodeAt(at) ^ 1;
  return changed;
}

/** What opendkim says of each file's signature by our key: the exit status is 0 either way. */
function judge(folder: string, configuration: string, names: readonly string[], end: string): string[] {
  const args = ["-x", configuration, "-vv", "-t", names.map((name) => name + end).join(",")];
  const { stdout, stderr } = spawnSync("opendkim", args, { cwd: folder, encoding: "latin1", maxBuffer: 2 ** 28 });
  const verdicts = stdout.split("### INSHEADER: ").slice(1);
  assert.equal(verdicts.length, names.length, stderr.slice(-2000));
  return verdicts.map((verdict) => {
    const ofOurKey = verdict.split(";").find((result) => /header\.s=test\b/.test(result)) ?? verdict;
    return /dkim=(\w+)/.exec(ofOurKey)?.[1] ?? "nothing";
  });
}
