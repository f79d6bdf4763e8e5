// Letters whose text nobody outside may read.

import { randomBytes } from "node:crypto";
import { canary } from "../canary.ts";

export type Letter = {
  readonly octets: Buffer;
  /** In the text, an attachment and its name. */
  readonly word: string;
  /** In Subject, which stays readable outside. */
  readonly subject: string;
};

export function letter(from: string, to: string, more: { readonly fill?: number } = {}): Letter {
  const [word, subject, edge] = [canary(), canary(), `edge${randomBytes(8).toString("hex")}`];
  const text = [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Message-ID: <${canary()}@${from.split("@")[1]}>`,
    "Date: Mon, 23 Nov 2026 09:00:00 +0000",
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary=${edge}`,
    "",
    `--${edge}`,
    "Content-Type: text/plain; charset=utf-8",
    "",
    `The word is ${word}.`,
    ".with a dot in front",
    `--${edge}`,
    "Content-Type: application/octet-stream",
    `Content-Disposition: attachment; filename="${word}.bin"`,
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(`Attached is ${word}.`).toString("base64"),
    ...(more.fill === undefined ? [] : lines(more.fill)),
    `--${edge}--`,
    "",
  ];
  return { octets: Buffer.from(text.join("\r\n")), word, subject };
}

function lines(octets: number): string[] {
  return (
    randomBytes(Math.ceil((octets * 57) / 78))
      .toString("base64")
      .match(/.{1,76}/g) ?? []
  );
}
