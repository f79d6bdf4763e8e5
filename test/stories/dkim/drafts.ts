// What people write: texts and attachments that each mail program of these tests has to carry in its own way.

export type Draft = {
  readonly subject: string;
  /** Lines end in LF here; each mailer makes them CRLF. */
  readonly text: string;
  readonly html?: string;
  readonly attachment?: { readonly name: string; readonly octets: Buffer };
};

const allOctets = Buffer.from(Array.from({ length: 2000 }, (_, at) => (at * 7) % 256));

export const drafts: readonly Draft[] = [
  { subject: "Plain", text: "Dear Bob,\n\nall is well.\n\nAnn\n" },
  { subject: "Grüße aus Köln", text: "Schöne Grüße,\n\n– „Ann“ €\n" },
  { subject: "no line end at the end", text: "The last line is not ended" },
  { subject: "blanks  and\ttabs", text: "trailing blanks   \n\t\n   \n-- \nAnn  \n" },
  { subject: "many empty lines at the end", text: "text\n\n\n\n\n" },
  { subject: "", text: "" },
  {
    subject: "Re: Re: AW: lines that look like something",
    text: "From here on\n.\n..\n>From there\n--boundary\n\n:\n",
  },
  {
    subject: `A subject so long ${"that it has to be folded ".repeat(8)}`.trim(),
    text: `${"a long line ".repeat(80)}\n`,
  },
  { subject: "Both", text: "Hello *Bob*\n", html: "<html><body><p>Hello <b>Bob</b> &ndash; ä</p></body></html>\n" },
  { subject: "With a file", text: "See below.\n", attachment: { name: "all octets.bin", octets: allOctets } },
  {
    subject: "Everything",
    text: "See below.\n",
    html: "<p>See below.</p>",
    attachment: { name: "Übersicht.pdf", octets: allOctets.subarray(0, 700) },
  },
  { subject: "=?utf-8?Q?already_encoded?=", text: "=?utf-8?q?not_in_a_header?= =C3=BC =\n" },
  { subject: "tabs\tin it", text: "\tindented\n\t\ttwice\n        by blanks\n" },
  { subject: "日本語の件名", text: "日本語の本文。\n\n二行目。\n", html: "<p>日本語の本文。</p>\n" },
  { subject: "One very long line", text: `${"0123456789".repeat(99)}\n${"x".repeat(5000)}\n` },
];
