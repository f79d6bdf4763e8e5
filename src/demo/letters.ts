// The first mails of the demo: what a gateway must carry without changing an octet.

import { randomBytes } from "node:crypto";
import { communityName, world } from "./community.ts";

export type Letter = {
  readonly title: string;
  /** In whose house it is written. */
  readonly author: string;
  /** "" is the null reverse path of a bounce. */
  readonly from: string;
  readonly to: readonly string[];
  readonly octets: Buffer;
  /** Words of the text that nobody on the line between members may read. */
  readonly secret: string;
  /** How the receiving gateway judges it. */
  readonly code: "OK" | "UNPROTECTED";
  readonly eightBit: boolean;
};

const minister = "minister@treasury.example";
const archive = "archive@treasury.example";
const clerk = "clerk@parliament.example";
const citizen = `${world.user}@${world.domain}`;

export function firstLetters(): readonly Letter[] {
  return [budget(), withAttachment(), answer(), bounce(), toStranger(), fromStranger()];
}

export function budget(): Letter {
  const secret = "no more than 42 million";
  const text = [
    `The supplementary budget is ${secret} for the year.`,
    "",
    ".",
    "..and a line that begins with dots",
    "Regards, the Minister",
  ];
  const filling = Array.from(
    { length: 30 },
    (_, line) => `Item ${line + 1} of the list, which makes this letter as long as letters are.`,
  );
  return letter("A letter", minister, [clerk], secret, [
    "Subject: Supplementary budget",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    ...text,
    ...filling,
  ]);
}

function withAttachment(): Letter {
  const secret = "Grüße aus dem Schatzamt";
  const table =
    randomBytes(6000)
      .toString("base64")
      .match(/.{1,76}/g) ?? [];
  return letter("8-bit text and an attachment, to both domains", minister, [clerk, archive], secret, [
    "Subject: =?utf-8?Q?Tabelle_zum_Nachtragshaushalt?=",
    "X-Folded: odd\r\n\t folding  ,\r\n      kept  ",
    'Content-Type: multipart/mixed;\r\n boundary="--=_part 1"',
    "MIME-Version: 1.0 (hand made)",
    "List-Id: <budget.treasury.example>",
    "",
    "----=_part 1",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    `${secret}   `,
    "",
    "----=_part 1",
    "Content-Type: application/octet-stream",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename=table.bin",
    "",
    ...table,
    "----=_part 1--",
  ]);
}

function answer(): Letter {
  const secret = "the House will sit on Thursday";
  return letter("The answer", clerk, [minister], secret, [
    "Subject: Re: Supplementary budget",
    "",
    `Thank you; ${secret}.`,
  ]);
}

function bounce(): Letter {
  const secret = "mailbox of the deputy is full";
  return letter("A bounce, protected like any other mail", "", [minister], secret, [
    "Subject: Undelivered Mail Returned to Sender",
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=r",
    "",
    "--r",
    "",
    `The ${secret}.`,
    "--r",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mail.parliament.example",
    "",
    "Final-Recipient: rfc822; deputy@parliament.example",
    "Action: failed",
    "Status: 5.2.2",
    "--r",
    "Content-Type: text/rfc822-headers",
    "",
    `From: <${minister}>`,
    "To: <deputy@parliament.example>",
    "Message-ID: <of.another.day@treasury.example>",
    "--r--",
  ]);
}

function toStranger(): Letter {
  const secret = "your request is number 1893";
  const lines = ["Subject: Your request", "", `We have read your letter; ${secret}.`];
  return letter("To a stranger, as it is", minister, [citizen], secret, lines);
}

function fromStranger(): Letter {
  const secret = "when will the House decide";
  const lines = ["Subject: A question", "", `May I ask ${secret}?`];
  return { ...letter("From a stranger, as it is", citizen, [clerk], secret, lines), code: "UNPROTECTED" };
}

function letter(title: string, from: string, to: readonly string[], secret: string, lines: readonly string[]): Letter {
  const author = from === "" ? "mailer-daemon@parliament.example" : from;
  const header = [
    `From: <${author}>`,
    `To: ${to.map((address) => `<${address}>`).join(", ")}`,
    `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${randomBytes(9).toString("hex")}@${communityName}>`,
  ];
  const octets = Buffer.from([...header, ...lines, ""].join("\r\n"));
  return { title, author, from, to, octets, secret, code: "OK", eightBit: octets.some((octet) => octet > 0x7f) };
}
