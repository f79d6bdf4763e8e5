// Mail as well-known programs write it: their order and folding of header fields, their boundaries and encodings. Drawn
// from memory of the real ones; what matters here is that no two treat content fields and line ends alike.

import type { Draft } from "./drafts.ts";

type Mailer = (draft: Draft) => Buffer;

const date = "Mon, 23 Nov 2026 09:00:00 +0100";
const crlf = (text: string): string => text.replaceAll("\n", "\r\n");
const folded = (octets: Buffer, width: number): string =>
  octets.toString("base64").replace(new RegExp(`.{${width}}`, "g"), "$&\r\n");

/** Lines with CRLF, all UTF-8. */
function utf8(...lines: readonly string[]): Buffer {
  return Buffer.from(lines.join("\r\n"), "utf8");
}

function word(text: string, how: "B" | "Q"): string {
  if (/^[\t -~]*$/.test(text)) return text;
  const octets = Buffer.from(text);
  const encoded = how === "B" ? octets.toString("base64") : quoted(octets, /[^A-Za-z0-9]/);
  return `=?UTF-8?${how}?${encoded}?=`;
}

function quoted(octets: Buffer, unsafe: RegExp): string {
  const escaped = (char: string): string => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  return octets.toString("latin1").replace(/[\s\S]/g, (char) => (unsafe.test(char) ? escaped(char) : char));
}

/** Quoted-printable with soft line breaks after `width` characters. */
function quotedPrintable(text: string, width: number): string {
  const line = (each: string): string =>
    quoted(Buffer.from(each), /[^\t -<>-~]/)
      .replace(/[\t ]$/, (blank) => `=${blank === " " ? "20" : "09"}`)
      .replace(new RegExp(`(?:[^=]|=..){${width}}(?=.)`, "g"), "$&=\r\n");
  return text.split("\n").map(line).join("\r\n");
}

type Part = { readonly head: readonly string[]; readonly body: string };

function multipart(boundary: string, preamble: string, parts: readonly Part[], end: string): string {
  const all = parts.map(({ head, body }) => `--${boundary}\r\n${head.join("\r\n")}\r\n\r\n${body}\r\n`);
  return `${preamble}${all.join("")}--${boundary}--${end}`;
}

const mutt: Mailer = ({ subject, text, attachment }) => {
  const type = [
    `Content-Type: text/plain; charset=utf-8`,
    "Content-Disposition: inline",
    "Content-Transfer-Encoding: 8bit",
  ];
  const boundary = "mutt+LwPhWmpoTeaD";
  const file = attachment && {
    head: [
      `Content-Type: application/octet-stream`,
      `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(attachment.name)}`,
      "Content-Transfer-Encoding: base64",
    ],
    body: folded(attachment.octets, 76),
  };
  const [content, body] = file
    ? [
        [`Content-Type: multipart/mixed; boundary="${boundary}"`, "Content-Disposition: inline"],
        multipart(boundary, "\r\n", [{ head: type, body: crlf(text) }, file], "\r\n"),
      ]
    : [type, crlf(text)];
  return utf8(
    `Date: ${date}`,
    "From: Ann <ann@a.example>",
    "To: bob@b.example",
    `Subject: ${word(subject, "B")}`,
    "Message-ID: <aSLD0Q@a.example>",
    "MIME-Version: 1.0",
    ...content,
    "User-Agent: Mutt/2.2.12",
    "",
    body,
  );
};

const outlook: Mailer = ({ subject, text, html = `<html>${text}</html>`, attachment }) => {
  const boundary = "----=_NextPart_000_0012_01DC5C1A.6E1D2F50";
  const parts = [
    {
      head: ["Content-Type: text/plain;", '\tcharset="utf-8"', "Content-Transfer-Encoding: base64"],
      body: folded(Buffer.from(crlf(text)), 72),
    },
    {
      head: ["Content-Type: text/html;", '\tcharset="utf-8"', "Content-Transfer-Encoding: quoted-printable"],
      body: quotedPrintable(html, 74),
    },
    ...(attachment
      ? [
          {
            head: [
              "Content-Type: application/pdf;",
              `\tname="${word(attachment.name, "B")}"`,
              "Content-Transfer-Encoding: base64",
              "Content-Disposition: attachment;",
              `\tfilename="${word(attachment.name, "B")}"`,
            ],
            body: folded(attachment.octets, 72),
          },
        ]
      : []),
  ];
  return utf8(
    'From: "Ann" <ann@a.example>',
    'To: "Bob" <bob@b.example>',
    `Subject: ${word(subject, "B")}`,
    `Date: ${date}`,
    "Message-ID: <001201dc5c1a$6e1d2f50$@a.example>",
    "MIME-Version: 1.0",
    "Content-Type: multipart/alternative;",
    `\tboundary="${boundary}"`,
    "X-Mailer: Microsoft Outlook 16.0",
    "Thread-Index: AdxcGm4dL1A=",
    "Content-Language: en-us",
    "",
    multipart(boundary, "This is a multipart message in MIME format.\r\n\r\n", parts, "\r\n\r\n"),
  );
};

const exchange: Mailer = ({ subject, text, html }) => {
  const boundary = "_000_AM0PR01MB1234A1B2C3D4E5F6_";
  const part = {
    head: ['Content-Type: text/plain; charset="iso-8859-1"', "Content-Transfer-Encoding: quoted-printable"],
    body: quotedPrintable(text, 72),
  };
  const htmlPart = {
    head: ['Content-Type: text/html; charset="utf-8"', "Content-Transfer-Encoding: quoted-printable"],
    body: quotedPrintable(html ?? `<p>${text}</p>`, 72),
  };
  return utf8(
    "From: Ann <ann@a.example>",
    "To: Bob <bob@b.example>",
    `Subject: ${word(subject, "Q")}`,
    `Thread-Topic: ${word(subject, "Q")}`,
    "Thread-Index: AQHcXBpu",
    `Date: ${date}`,
    "Message-ID:",
    " <AM0PR01MB1234@AM0PR01MB1234.eurprd01.prod.exchangelabs.com>",
    "Accept-Language: de-DE, en-US",
    "Content-Language: de-DE",
    "X-MS-Has-Attach:",
    "X-MS-TNEF-Correlator:",
    "x-originating-ip: [192.0.2.1]",
    "Content-Type: multipart/alternative;",
    `\tboundary="${boundary}"`,
    "MIME-Version: 1.0",
    "",
    multipart(boundary, "", [part, htmlPart], "\r\n"),
  );
};

const gmail: Mailer = ({ subject, text, html = text, attachment }) => {
  const boundary = "000000000000a1b2c306123456";
  const inner = multipart(
    boundary,
    "",
    [
      {
        head: ['Content-Type: text/plain; charset="UTF-8"', "Content-Transfer-Encoding: base64"],
        body: folded(Buffer.from(crlf(text)), 76),
      },
      {
        head: ['Content-Type: text/html; charset="UTF-8"', "Content-Transfer-Encoding: quoted-printable"],
        body: quotedPrintable(`<div dir="ltr">${html}</div>`, 74),
      },
    ],
    "",
  );
  const alternative = `Content-Type: multipart/alternative; boundary="${boundary}"`;
  const file = attachment && {
    head: [
      `Content-Type: application/pdf; name="${word(attachment.name, "B")}"`,
      "Content-Transfer-Encoding: base64",
      "Content-ID: <f_m1>",
      "X-Attachment-Id: f_m1",
    ],
    body: folded(attachment.octets, 76),
  };
  const [type, body] = file
    ? [
        'Content-Type: multipart/mixed; boundary="000000000000f0f0f0"',
        multipart("000000000000f0f0f0", "", [{ head: [alternative], body: `${inner}\r\n` }, file], "\r\n"),
      ]
    : [alternative, `${inner}\r\n`];
  return utf8(
    "MIME-Version: 1.0",
    `Date: ${date}`,
    "Message-ID: <CAGmail+x=y@mail.gmail.com>",
    `Subject: ${word(subject, "Q")}`,
    "From: Ann <ann@a.example>",
    "To: bob@b.example",
    type,
    "",
    body,
  );
};

const appleMail: Mailer = ({ subject, text }) =>
  utf8(
    "From: Ann <ann@a.example>",
    "Content-Type: text/plain;",
    "\tcharset=utf-8",
    "Content-Transfer-Encoding: quoted-printable",
    "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774.600.62\\))",
    `Subject: ${word(subject, "Q")}`,
    "Message-Id: <5E0C@a.example>",
    `Date: ${date}`,
    "To: bob@b.example",
    "X-Mailer: Apple Mail (2.3774.600.62)",
    "",
    quotedPrintable(text, 75),
  );

const thunderbird: Mailer = ({ subject, text }) =>
  utf8(
    "Message-ID: <f3c1@a.example>",
    `Date: ${date}`,
    "MIME-Version: 1.0",
    "User-Agent: Mozilla Thunderbird",
    "Content-Language: en-GB",
    "To: bob@b.example",
    "From: Ann <ann@a.example>",
    `Subject: ${word(subject, "B")}`,
    "Content-Type: text/plain; charset=UTF-8; format=flowed",
    "Content-Transfer-Encoding: 8bit",
    "",
    crlf(text),
  );

/** Older than MIME, and not asking what its octets mean. */
const mailx: Mailer = ({ subject, text }) =>
  utf8(
    `Date: ${date}`,
    "From: ann@a.example (Ann)",
    "To: bob@b.example",
    `Subject: ${subject}`,
    "User-Agent: mailx",
    "",
    crlf(text),
  );

/** Header fields strung together by somebody's script: no blanks, odd case, Latin-1. */
const php: Mailer = ({ subject, text }) =>
  Buffer.from(
    [
      "To: bob@b.example",
      `Subject: ${subject.replace(/[^ -ÿ]/g, "?")}`,
      "X-PHP-Originating-Script: 33:contact.php",
      "From:ann@a.example",
      "Content-type:text/html;charset=iso-8859-1",
      "MIME-version:1.0",
      "",
      crlf(text).replace(/[^\r\n\t -ÿ]/g, "?"),
    ].join("\r\n"),
    "latin1",
  );

const postfixBounce: Mailer = ({ subject, text }) => {
  const boundary = "4cFkQz1qYyz9s1P.1763888400/mx.a.example";
  const report = `Reporting-MTA: dns; mx.a.example\r\nX-Postfix-Queue-ID: 4cFkQz1qYyz9s1P\r\n\r\nFinal-Recipient: rfc822; bob@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n`;
  const parts = [
    {
      head: [
        "Content-Description: Notification",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
      ],
      body: "This is the mail system at host mx.a.example.\r\n",
    },
    { head: ["Content-Description: Delivery report", "Content-Type: message/delivery-status"], body: report },
    {
      head: [
        "Content-Description: Undelivered Message",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: 8bit",
      ],
      body: `From: bob@b.example\r\nSubject: ${subject}\r\n\r\n${crlf(text)}`,
    },
  ];
  return utf8(
    `Date: ${date}`,
    "From: MAILER-DAEMON@a.example (Mail Delivery System)",
    "Subject: Undelivered Mail Returned to Sender",
    "To: ann@a.example",
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    "Content-Type: multipart/report; report-type=delivery-status;",
    `\tboundary="${boundary}"`,
    "Content-Transfer-Encoding: 8bit",
    "Message-Id: <4cFkQz@mx.a.example>",
    "",
    multipart(boundary, "This is a MIME-encapsulated message.\r\n\r\n", parts, "\r\n"),
  );
};

const mailman: Mailer = ({ subject, text }) =>
  utf8(
    "Received: from localhost (localhost [127.0.0.1])",
    "\tby lists.a.example (Postfix) with ESMTP id 4cF",
    `\tfor <bob@b.example>; ${date}`,
    "X-Original-To: list@a.example",
    "MIME-Version: 1.0",
    "From: Ann via list <list@a.example>",
    "Message-ID: <list.1@a.example>",
    `Date: ${date}`,
    `Subject: [list] ${word(subject, "Q")}`,
    "X-BeenThere: list@a.example",
    "Precedence: list",
    "List-Unsubscribe: <https://lists.a.example/>,",
    " <mailto:list-leave@a.example>",
    'Content-Type: text/plain; charset="us-ascii"',
    "Content-Transfer-Encoding: 7bit",
    "Errors-To: list-bounces@a.example",
    'Sender: "list" <list-bounces@a.example>',
    "",
    `${crlf(text.replace(/[^\n\t -~]/g, "?"))}\r\n_______________________________________________\r\nlist mailing list\r\n`,
  );

const cron: Mailer = ({ subject, text }) =>
  utf8(
    "From: root@a.example (Cron Daemon)",
    "To: root@a.example",
    `Subject: Cron <root@mx> ${word(subject, "B")}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=UTF-8",
    "Content-Transfer-Encoding: 8bit",
    "X-Cron-Env: <SHELL=/bin/sh>",
    "X-Cron-Env: <HOME=/root>",
    "Message-Id: <20261123080001@a.example>",
    `Date: ${date} (CET)`,
    "",
    crlf(text),
  );

const notes: Mailer = ({ subject, text }) =>
  utf8(
    `Subject: ${word(subject, "Q")}`,
    "To: bob@b.example",
    "Message-ID: <OF1A2B3C4D.5E6F7890-ONC1258B5F@a.example>",
    "From: Ann@a.example",
    `Date: ${date}`,
    "MIME-Version: 1.0",
    "X-MIMETrack: Serialize by Router on SRV01/A(Release 12.0.2FP1) at",
    " 23.11.2026 09:00:00,",
    "\tSerialize complete at 23.11.2026 09:00:00",
    'Content-type: text/plain; charset="UTF-8"',
    "Content-transfer-encoding: base64",
    "",
    folded(Buffer.from(crlf(text)), 76),
    "",
  );

/** An office machine: one part, all of it on lines of odd length, encodings shouted. */
const scanner: Mailer = ({ subject, attachment }) =>
  utf8(
    `DATE: ${date}`,
    "FROM:scanner@a.example",
    "TO:bob@b.example",
    `SUBJECT:${word(subject, "B")}`,
    "MIME-VERSION:1.0",
    'CONTENT-TYPE:APPLICATION/PDF;NAME="SCAN.PDF"',
    "CONTENT-TRANSFER-ENCODING:BASE64",
    "",
    folded(attachment?.octets ?? Buffer.from("%PDF-1.4"), 60),
  );

/** A business program: content fields first and last, folded where nobody else folds, trailing blanks in them. */
const business: Mailer = ({ subject, text }) =>
  utf8(
    "Content-Type:",
    "  text/plain ;",
    "\t charset = utf-8 ",
    "Reply-To: Ann <ann@a.example> ",
    "From:",
    " Ann",
    "\t<ann@a.example>",
    `Subject:   ${word(subject, "Q")}  `,
    "To: bob@b.example,",
    " carol@b.example",
    `Date:${date}`,
    "Content-Transfer-Encoding: 8BIT ",
    "X-Empty: ",
    "X-Empty:",
    "Content-Description: order",
    " 4711",
    "Mime-Version: 1.0",
    "",
    `${crlf(text)}${"x".repeat(3000)}`,
  );

export const mailers: ReadonlyMap<string, Mailer> = new Map(
  Object.entries({
    ...{ mutt, outlook, exchange, gmail, appleMail, thunderbird, mailx, php },
    ...{ postfixBounce, mailman, cron, notes, scanner, business },
  }),
);
