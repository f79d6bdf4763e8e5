// The mail server of a member's users, as small as can be: takes everything and keeps each mail in a file.

import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { defaultLimits, formatMailbox, listen, type MailServer, reply, type SocketAddress, smtp } from "../smtp.ts";

export type Arrival = { readonly file: string; readonly recipients: readonly string[]; readonly at: Date };

export async function keepMail(
  domain: string,
  address: SocketAddress,
  folder: string,
  onArrival: (arrival: Arrival) => void,
): Promise<MailServer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let count = (await readdir(folder)).length;
  return listen(address, {
    dialect: smtp,
    hostname: `mail.${domain}`,
    postmaster: { localPart: "postmaster", domain },
    limits: defaultLimits,
    onFault: () => undefined,
    async handle({ envelope, message }) {
      count += 1;
      const file = path.join(folder, `${String(count).padStart(3, "0")}.eml`);
      // Under its name only when it is there as a whole.
      await pipeline(Readable.from(message), createWriteStream(`${file}.part`));
      await rename(`${file}.part`, file);
      onArrival({ file, recipients: envelope.forwardPaths.map(formatMailbox), at: new Date() });
      return envelope.forwardPaths.map(() => reply(250, "2.0.0", `Kept as ${path.basename(file)}`));
    },
  });
}
