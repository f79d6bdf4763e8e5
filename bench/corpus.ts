// The mails that the benchmarks send: text in 7 bits with CRLF, so that no peer has to convert anything.

export type Mail = {
  readonly name: string;
  /** Fields that stay outside the protected part. */
  readonly outer: Buffer;
  /** Content fields and body: what is signed. */
  readonly entity: Buffer;
  /** Both. */
  readonly whole: Buffer;
};

const outerFields = [
  "From: Ada <ada@a.example>",
  "To: Bob <bob@b.example>",
  "Subject: Figures for November",
  "Date: Mon, 23 Nov 2026 09:00:00 +0000",
  "Message-ID: <20261123090000.1@a.example>",
];

const contentFields = [
  "MIME-Version: 1.0",
  "Content-Type: text/plain; charset=us-ascii",
  "Content-Transfer-Encoding: 7bit",
];

/** A mail whose body has about so many octets. */
export function mailOf(octets: number): Mail {
  const outer = Buffer.from(`${outerFields.join("\r\n")}\r\n`);
  const entity = Buffer.concat([Buffer.from(`${contentFields.join("\r\n")}\r\n\r\n`), text(octets)]);
  const name = octets < 1e6 ? `${Math.round(octets / 1024)} kB` : `${Math.round(octets / 2 ** 20)} MB`;
  return { name, outer, entity, whole: Buffer.concat([outer, entity]) };
}

/** Whole lines of words, no two alike. */
export function text(octets: number): Buffer {
  const result = Buffer.allocUnsafe(octets + 100);
  let at = 0;
  for (let line = 0; at < octets; line++) {
    at += result.write(`${line}: the quick brown fox jumps over the lazy dog ${line * 7919}\r\n`, at, "latin1");
  }
  return result.subarray(0, at);
}
